//! The service for backends: callers that cannot be distinguished, or never be identified, are
//! refused with what to write instead; and so are OpenID clients that could not work.

use super::{APP, bad, file, good};
use crate::config::{ClientAuth, Right, Secret};

const ISSUER: &str =
    "{ name: op, kind: oidc, issuer: https://op.example.com, audiences: [my-api] }";

/// A configuration whose one caller is this.
fn caller(more: &str) -> String {
    format!("rownd_auth: {{ callers: [{{ name: a, {more} }}] }}")
}

/// A configuration whose one client is this, of an issuer that is there.
fn client(more: &str) -> String {
    format!(
        "issuers: [{ISSUER}]\nrownd_auth: {{ oidc_clients: [{{ name: web, issuer: op, \
         client_id: id, redirect_uris: [https://a.com/cb], {more} }}] }}"
    )
}

#[test]
fn a_caller_needs_a_way_to_be_known() {
    const SECRET: &str = "secret: a-secret-of-some-length";
    for (more, setting, says) in [
        ("allow: [verify]", "rownd_auth.callers[0]", "cannot be known"),
        (&format!("allow: [], {SECRET}"), "rownd_auth.callers[0].allow", "allow: [verify]"),
        ("allow: [verify], secret: short", "rownd_auth.callers[0].secret", "openssl rand"),
        ("allow: [verify], secret: ''", "rownd_auth.callers[0].secret", ""),
        ("allow: [verify], secret: file:/nowhere", "rownd_auth.callers[0].secret", "/nowhere"),
        ("allow: [verify], uris: [spiffe://a/b]", "rownd_auth.callers[0].uris", "client_ca_file"),
        ("allow: [verify], dns_names: [a.b]", "rownd_auth.callers[0].dns_names", "client_ca_file"),
        ("allow: [verify], uids: [1000]", "rownd_auth.callers[0].uids", "unix:/run"),
        (&format!("allow: [everything], {SECRET}"), "rownd_auth.callers[0].allow[0]", ""),
    ] {
        let problems = bad(&caller(more), &[APP]);
        let found = problems.iter().find(|problem| problem.setting == setting);
        let found = found.unwrap_or_else(|| panic!("{more}: {problems:#?}"));
        assert!(found.message.contains(says), "{more}: {found}");
        assert!(!found.message.contains("a-secret"), "{more}: {found}");
    }
}

#[test]
fn two_callers_can_be_told_apart() {
    let yaml = "\
rownd_auth:
  callers:
    - { name: a, allow: [verify], secret: a-secret-of-some-length }
    - { name: a, allow: [verify], secret: a-secret-of-some-length }
";
    let settings: Vec<String> =
        bad(yaml, &[APP]).into_iter().map(|problem| problem.setting).collect();
    assert_eq!(settings, ["rownd_auth.callers[1].name", "rownd_auth.callers[1].secret"]);
}

#[test]
fn a_callers_secret_can_be_a_files_and_is_never_printed() {
    let (_directory, path) = file("a-secret-of-some-length\n");
    let yaml = caller(&format!("allow: [exchange], secret: 'file:{}'", path.display()));
    let config = good(&yaml, &[APP]);
    let caller = &config.rownd_auth.callers[0];
    assert_eq!(caller.secret.as_ref().unwrap().expose(), "a-secret-of-some-length");
    assert_eq!(caller.allow, [Right::Exchange]);
    let printed = serde_json::to_string(&config).unwrap();
    assert!(!printed.contains("a-secret"), "{printed}");
    assert!(!format!("{config:?}").contains("a-secret"));
}

#[test]
fn callers_by_certificate_and_by_user_need_a_listener_that_tells_them() {
    let socket = "listeners: { grpc: { address: 'unix:/run/grpc.sock' } }\n";
    good(&format!("{socket}{}", caller("allow: [verify], uids: [1000]")), &[APP]);
    for name in ["''", "'*.shop'"] {
        let problems = bad(&caller(&format!("allow: [verify], dns_names: [{name}]")), &[APP]);
        let exact = problems.iter().any(|problem| problem.message.contains("no patterns"));
        assert!(exact, "{name}: {problems:#?}");
    }
}

#[test]
fn an_openid_client_proves_itself_as_it_can() {
    let auth = |more: &str| good(&client(more), &[]).rownd_auth.oidc_clients[0].auth.clone();
    assert_eq!(auth(""), ClientAuth::None);
    assert_eq!(auth("client_secret: s"), ClientAuth::Basic(Secret::new("s")));
    assert_eq!(auth("client_secret: s, auth_method: post"), ClientAuth::Post(Secret::new("s")));
    for (more, setting, says) in [
        ("auth_method: basic", "client_secret", "is missing"),
        ("client_secret: s, auth_method: none", "auth_method", "unused"),
        ("pkce: false", "pkce", "stolen"),
        ("scopes: [email]", "scopes", "openid"),
        ("scopes: [openid, 'a b']", "scopes[1]", "not a scope"),
        ("client_secret: ''", "client_secret", ""),
    ] {
        let problems = bad(&client(more), &[]);
        let setting = format!("rownd_auth.oidc_clients[0].{setting}");
        let found = problems.iter().find(|problem| problem.setting == setting);
        let found = found.unwrap_or_else(|| panic!("{more}: {problems:#?}"));
        assert!(found.message.contains(says), "{more}: {found}");
    }
}

#[test]
fn an_openid_client_has_an_issuer_and_a_way_back() {
    let yaml = format!(
        "issuers: [{ISSUER}, {{ name: r, kind: rownd, apps: [{{ id: app_a }}] }}]
rownd_auth:
  oidc_clients:
    - {{ name: a, issuer: nobody, client_id: id, redirect_uris: [https://a.com/cb] }}
    - {{ name: b, issuer: r, client_id: id, redirect_uris: [https://a.com/cb] }}
    - {{ name: a, issuer: op, client_id: '', redirect_uris: [] }}
    - {{ name: d, issuer: op, client_id: id, redirect_uris: [/cb, 'https://a.com/#x'] }}
"
    );
    let settings: Vec<String> =
        bad(&yaml, &[]).into_iter().map(|problem| problem.setting).collect();
    let at = |rest: &str| format!("rownd_auth.oidc_clients{rest}");
    let expected = [
        at("[0].issuer"),
        at("[1].issuer"),
        at("[2].name"),
        at("[2].client_id"),
        at("[2].redirect_uris"),
        at("[3].redirect_uris[0]"),
        at("[3].redirect_uris[1]"),
    ];
    for setting in &expected {
        assert!(settings.contains(setting), "{setting} is not in {settings:#?}");
    }
    assert_eq!(settings.len(), expected.len(), "{settings:#?}");
}

#[test]
fn a_code_comes_back_by_https_or_to_this_machine() {
    let yaml = |uri: &str| {
        format!(
            "issuers: [{ISSUER}]\nrownd_auth: {{ oidc_clients: [{{ name: web, issuer: op, \
             client_id: id, redirect_uris: ['{uri}'] }}] }}"
        )
    };
    for uri in [
        "https://shop.example.com/callback?from=a",
        "HTTPS://shop.example.com",
        "http://localhost:3000/callback",
        "http://127.0.0.1/callback",
        "http://127.8.8.8:1/callback",
        "http://[::1]:3000/callback",
        "com.example.app:/callback",
        "myapp://callback",
    ] {
        good(&yaml(uri), &[]);
    }
    for (uri, says) in [
        ("http://shop.example.com/callback", "plain http"),
        ("HTTP://shop.example.com/callback", "plain http"),
        ("http://localhost.example.com/callback", "plain http"),
        ("http://127.0.0.1.example.com/callback", "plain http"),
        ("http://10.0.0.1/callback", "plain http"),
        ("http://[2001:db8::1]/callback", "plain http"),
        ("http://localhost@shop.example.com/callback", "plain http"),
        ("https://ann:pw@shop.example.com/callback", "a user or a password"),
        ("http://ann@localhost/callback", "a user or a password"),
        ("javascript:alert(1)", "scheme"),
        ("data:text/html,x", "scheme"),
        ("shop.example.com/callback", "https://app.example.com/callback"),
    ] {
        let problems = bad(&yaml(uri), &[]);
        assert_eq!(problems.len(), 1, "{uri}: {problems:#?}");
        assert_eq!(problems[0].setting, "rownd_auth.oidc_clients[0].redirect_uris[0]", "{uri}");
        assert!(problems[0].message.contains(says), "{uri}: {}", problems[0].message);
        assert!(!problems[0].message.contains("pw"), "{uri}: {}", problems[0].message);
    }
}

#[test]
fn times_and_numbers_have_bounds() {
    for (more, setting) in [
        ("timeout: 50ms", "timeout"),
        ("timeout: 10m", "timeout"),
        ("refresh_grace: 2m", "refresh_grace"),
        ("max_in_flight: 0", "max_in_flight"),
        ("max_in_flight: 100000", "max_in_flight"),
        ("max_age_per_second: 0", "max_age_per_second"),
        ("max_age_per_second: 10001", "max_age_per_second"),
    ] {
        let problems = bad(&format!("rownd_auth: {{ {more} }}"), &[APP]);
        assert_eq!(problems[0].setting, format!("rownd_auth.{setting}"), "{more}");
    }
    good("rownd_auth: { refresh_grace: 0s }", &[APP]);
}

/// A configuration with a caller's secret and a gRPC listener at this address.
fn listening(address: &str, more: &str) -> String {
    format!(
        "listeners: {{ grpc: {{ address: '{address}' {more} }} }}\n{}",
        caller("allow: [verify], secret: a-secret-of-some-length")
    )
}

#[test]
fn a_secret_crosses_no_network_without_tls() {
    for (address, open) in [
        ("0.0.0.0:50051", true),
        ("[::]:50051", true),
        ("10.1.2.3:50051", true),
        ("[2001:db8::1]:50051", true),
        ("[::ffff:10.1.2.3]:50051", true),
        ("[::ffff:0.0.0.0]:50051", true),
        ("169.254.1.1:50051", true),
        ("127.0.0.1:50051", false),
        ("127.8.8.8:50051", false),
        ("[::1]:50051", false),
        ("[::ffff:127.0.0.1]:50051", false),
        ("unix:/run/grpc.sock", false),
    ] {
        let yaml = listening(address, "");
        if !open {
            good(&yaml, &[APP]);
            continue;
        }
        let problems = bad(&yaml, &[APP]);
        let settings: Vec<&str> = problems.iter().map(|problem| problem.setting.as_str()).collect();
        assert_eq!(settings, ["rownd_auth.callers[0].secret"], "{address}");
        for says in ["listeners.grpc.tls", "allow_plaintext_secrets: true"] {
            assert!(problems[0].message.contains(says), "{address}: {}", problems[0]);
        }
        // The files are not there, and nothing else is wrong.
        let tls = ", tls: { cert_file: /nowhere/c.pem, key_file: /nowhere/k.pem }";
        let problems = bad(&listening(address, tls), &[APP]);
        let about_tls = |setting: &str| setting.starts_with("listeners.grpc.tls");
        assert!(problems.iter().all(|problem| about_tls(&problem.setting)), "{problems:#?}");
        let allowed = yaml.replace("rownd_auth: {", "rownd_auth: { allow_plaintext_secrets: true,");
        good(&allowed, &[APP]);
    }
    // Callers that show no secret need no TLS, and a secret in a file is a secret.
    let (_directory, path) = file("a-secret-of-some-length\n");
    let in_file = listening("0.0.0.0:50051", "")
        .replace("a-secret-of-some-length", &format!("'file:{}'", path.display()));
    assert_eq!(bad(&in_file, &[APP])[0].setting, "rownd_auth.callers[0].secret");
    good("listeners: { grpc: { address: '0.0.0.0:50051' } }", &[APP]);
}

#[test]
fn a_bound_names_what_is_there() {
    const SECRET: &str = "allow: [verify], secret: a-secret-of-some-length";
    let yaml = |bound: &str| {
        let issuer = |name: &str, apps: &str| {
            format!(
                "{{ name: {name}, kind: rownd, base_url: 'https://{name}.test', \
                 issuer: 'https://{name}.test', apps: [{apps}] }}"
            )
        };
        format!(
            "issuers: [{}, {}, {ISSUER}]\n{}",
            issuer("one", "{ id: app_a }, { id: app_b }"),
            issuer("two", "{ id: app_c }"),
            caller(&format!("{SECRET}, {bound}"))
        )
    };
    for bound in [
        "apps: [app_a]",
        "apps: [app_a, app_c]",
        "issuers: [one, op]",
        "issuers: [two], apps: [app_c]",
    ] {
        good(&yaml(bound), &[]);
    }
    for (bound, setting, says) in [
        ("apps: []", "apps", "leave it out for all"),
        ("issuers: []", "issuers", "leave it out for all"),
        ("apps: [app_x]", "apps[0]", "write one of: app_a, app_b, app_c"),
        ("apps: [app_a, '']", "apps[1]", "write one of"),
        ("issuers: [one, three]", "issuers[1]", "write one of: one, two, op"),
        // Together they would leave nothing.
        ("issuers: [two], apps: [app_a]", "apps[0]", "write one of: app_c"),
        ("issuers: [op], apps: [app_a]", "apps[0]", "there is none"),
    ] {
        let problems = bad(&yaml(bound), &[]);
        let setting = format!("rownd_auth.callers[0].{setting}");
        let found = problems.iter().find(|problem| problem.setting == setting);
        let found = found.unwrap_or_else(|| panic!("{bound}: {problems:#?}"));
        assert!(found.message.contains(says), "{bound}: {found}");
    }
}
