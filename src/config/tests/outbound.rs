//! The settings about requests to issuers: the proxy, the authorities, and the credential of keys.

use super::{APP, Variables, bad, good};

/// (settings of an issuer, the setting complained of, what the message has to say)
#[rustfmt::skip] // one case a line
const ISSUERS: &[(&str, &str, &str)] = &[
    ("keys: { bearer_file: '' }", "issuers[0].keys.bearer_file", "absolute path"),
    ("keys: { bearer_file: /t, fetch: false }, key_set: '{}'", "issuers[0].keys.bearer_file", "no effect"),
    ("keys: { headers: [{ name: x-a, file: /t }], fetch: false }, key_set: '{}'", "issuers[0].keys.headers", "no effect"),
    ("keys: { headers: [{ name: Host, file: /t }] }", "issuers[0].keys.headers[0].name", "connection alone"),
    ("keys: { headers: [{ name: Proxy-Authorization, file: /t }] }", "issuers[0].keys.headers[0].name", "connection alone"),
    ("keys: { headers: [{ name: Transfer-Encoding, file: /t }] }", "issuers[0].keys.headers[0].name", "connection alone"),
    ("keys: { headers: [{ name: If-None-Match, file: /t }] }", "issuers[0].keys.headers[0].name", "connection alone"),
    ("keys: { headers: [{ name: ':authority', file: /t }] }", "issuers[0].keys.headers[0].name", "no name of a header"),
    ("keys: { headers: [{ name: 'x y', file: /t }] }", "issuers[0].keys.headers[0].name", "no name of a header"),
    ("keys: { headers: [{ name: '', file: /t }] }", "issuers[0].keys.headers[0].name", "no name of a header"),
    ("keys: { headers: [{ name: x-a, file: '' }] }", "issuers[0].keys.headers[0].file", "absolute path"),
    ("keys: { headers: [{ name: x-a, file: /t }, { name: X-A, file: /u }] }", "issuers[0].keys.headers[1].name", "twice"),
    ("keys: { bearer_file: /t, headers: [{ name: Authorization, file: /t }] }", "issuers[0].keys.headers[0].name", "bearer_file"),
    ("keys: { headers: [{ name: x-a }] }", "issuers[0].keys.headers[0]", "file"),
    ("keys: { bearer_fil: /t }", "issuers[0].keys.bearer_fil", "bearer_file"),
    ("allowed_origins: ['https://*.test']", "issuers[0].allowed_origins[0]", "`*`"),
    ("allowed_origins: ['https://a.test/keys']", "issuers[0].allowed_origins[0]", "more than"),
    ("allowed_origins: ['http://a.test']", "issuers[0].allowed_origins[0]", "https"),
    ("allowed_origins: ['https://a.test', 'https://A.test:443']", "issuers[0].allowed_origins[1]", "twice"),
    ("tls: { ca_file: '' }", "issuers[0].tls.ca_file", "empty"),
    ("tls: { ca_file: /no/such }", "issuers[0].tls.ca_file", "/no/such"),
    ("tls: { insecure: true }", "issuers[0].tls.insecure", "ca_file"),
];

#[test]
fn settings_of_an_issuer_that_cannot_be_meant_are_refused() {
    for (settings, setting, said) in ISSUERS {
        let yaml = format!(
            "issuers: [{{ name: a, kind: oidc, issuer: 'https://id.test', audiences: [a], {settings} }}]"
        );
        let problems = bad(&yaml, &[]);
        assert!(
            problems.iter().any(|one| one.setting == *setting && one.message.contains(said)),
            "{settings}: {problems:#?}"
        );
    }
    for (settings, setting, said) in [
        (
            "kind: firebase, project: p, keys: { bearer_file: /t }",
            "issuers[0].keys.bearer_file",
            "jwks_url",
        ),
        (
            "kind: rownd, apps: [{ id: x }], keys: { bearer_file: /t }",
            "issuers[0].keys.bearer_file",
            "jwks_url",
        ),
        (
            "kind: oidc, preset: google, audiences: [x], keys: { bearer_file: /t }",
            "issuers[0].keys.bearer_file",
            "public",
        ),
        (
            "kind: oidc, preset: entra, issuer: 'https://sts.windows.net/t/', audiences: [x], \
             keys: { headers: [{ name: x-a, file: /t }] }",
            "issuers[0].keys.headers",
            "public",
        ),
        (
            "kind: firebase, project: p, allowed_origins: ['https://a.test']",
            "issuers[0].allowed_origins",
            "no effect",
        ),
        (
            "kind: static, issuer: a, audiences: [a], key_set: '{}', tls: { ca_file: /no }",
            "issuers[0].tls.ca_file",
            "no effect",
        ),
        (
            "kind: static, issuer: a, audiences: [a], key_set: '{}', keys: { bearer_file: /t }",
            "issuers[0].keys.bearer_file",
            "no effect",
        ),
    ] {
        let problems = bad(&format!("issuers: [{{ name: a, {settings} }}]"), &[]);
        assert!(
            problems.iter().any(|one| one.setting == setting && one.message.contains(said)),
            "{settings}: {problems:#?}"
        );
    }
}

/// (the section, environment, the setting complained of, what the message has to say)
#[rustfmt::skip] // one case a line
const NETWORKS: &[(&str, Variables<'static>, &str, &str)] = &[
    ("{ proxy: environ }", &[], "network.proxy", "none, environment"),
    ("{ proxy: '' }", &[], "network.proxy", "empty"),
    ("{ proxy: true }", &[], "network.proxy", "quotes"),
    ("{ proxy: 'proxy.test:3128' }", &[], "network.proxy", "no scheme"),
    ("{ proxy: 'socks5://user:hunter2@proxy.test' }", &[], "network.proxy", "SOCKS"),
    ("{ proxy: 'file:/no/such' }", &[], "network.proxy", "/no/such"),
    ("{ proxy: environment }", &[("HTTPS_PROXY", "socks5://user:hunter2@proxy.test")], "network.proxy", "HTTPS_PROXY"),
    ("{ proxy: environment }", &[("https_proxy", "http://a"), ("HTTPS_PROXY", "http://b")], "network.proxy", "differ"),
    ("{ no_proxy: [a.test] }", &[], "network.no_proxy", "no effect"),
    ("{ proxy: none, no_proxy: [a.test] }", &[], "network.no_proxy", "no effect"),
    ("{ proxy: environment, no_proxy: [a.test] }", &[], "network.no_proxy", "NO_PROXY"),
    ("{ proxy: 'http://p.test', no_proxy: ['*.a.test'] }", &[], "network.no_proxy[0]", "`*`"),
    ("{ proxy: 'http://p.test', no_proxy: ['a.test', '*'] }", &[], "network.no_proxy[1]", "none"),
    ("{ tls: { ca_file: /no/such } }", &[], "network.tls.ca_file", "/no/such"),
    ("{ prxy: none }", &[], "network.prxy", "`proxy`"),
];

#[test]
fn a_section_network_that_cannot_be_meant_is_refused_without_a_secret() {
    for (section, environment, setting, said) in NETWORKS {
        let environment: Vec<(&str, &str)> = environment.iter().copied().chain([APP]).collect();
        let problems = bad(&format!("network: {section}"), &environment);
        assert!(
            problems.iter().any(|one| one.setting == *setting && one.message.contains(said)),
            "{section}: {problems:#?}"
        );
        let all = problems.iter().map(ToString::to_string).collect::<String>();
        assert!(!all.contains("hunter2"), "{section}: {all}");
    }
}

#[test]
fn the_password_of_a_proxy_is_never_printed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("proxy");
    std::fs::write(&file, "http://user:hunter2@proxy.test:3128\n").unwrap();
    let variable = ("HTTPS_PROXY", "http://user:hunter2@proxy.test:3128");
    for (proxy, environment, printed) in [
        ("http://user:hunter2@proxy.test:3128", None, "http://<redacted>@proxy.test:3128"),
        (&*format!("file:{}", file.display()), None, "http://<redacted>@proxy.test:3128"),
        ("environment", Some(variable), "environment"),
        ("none", Some(variable), "none"),
    ] {
        let environment: Vec<(&str, &str)> = environment.into_iter().chain([APP]).collect();
        let config = good(&format!("network: {{ proxy: '{proxy}' }}"), &environment);
        let shown = serde_json::to_value(&config).unwrap();
        assert_eq!(shown["network"]["proxy"], printed, "{proxy}");
        for text in [shown.to_string(), format!("{config:?}")] {
            assert!(!text.contains("hunter2"), "{proxy}: {text}");
        }
        let expected = (proxy != "none").then_some("http://user:hunter2@proxy.test:3128/");
        let used = config.network.proxy.as_ref().and_then(|proxy| proxy.https.as_ref());
        assert_eq!(used.map(|url| url.expose()), expected, "{proxy}");
    }
}

#[test]
fn a_proxy_variable_without_effect_is_remembered_unless_that_is_written() {
    for (section, variables, expected) in [
        ("{}", &[("HTTPS_PROXY", "http://a.test")][..], &["HTTPS_PROXY"][..]),
        (
            "{}",
            &[("http_proxy", "http://a.test"), ("ALL_PROXY", "b")],
            &["ALL_PROXY", "HTTP_PROXY"],
        ),
        ("{}", &[("NO_PROXY", "a.test")], &[]),
        ("{}", &[("HTTPS_PROXY", "")], &[]),
        ("{ proxy: none }", &[("HTTPS_PROXY", "http://a.test")], &[]),
        ("{ proxy: environment }", &[("HTTPS_PROXY", "http://a.test")], &[]),
        ("{ proxy: 'http://b.test' }", &[("HTTPS_PROXY", "http://a.test")], &[]),
    ] {
        let environment: Vec<(&str, &str)> = variables.iter().copied().chain([APP]).collect();
        let config = good(&format!("network: {section}"), &environment);
        assert_eq!(config.network.unused_proxy_variables, expected, "{section} {variables:?}");
    }
}
