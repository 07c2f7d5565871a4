//! Issuers and their apps: what is filled in, and what cannot be.

use super::{APP, bad, good, places, read};
use crate::config::{
    AppKnownBy, Auth, Freshness, Issuer, IssuerDetails, IssuerKind, KeyOrigin, KeyPlace,
    TokenSource,
};

const ROWND: &str = "https://api.rownd.io";

/// The base URL of an issuer of kind `rownd`.
fn rownd_base(issuer: &Issuer) -> &str {
    let IssuerDetails::Rownd(rownd) = &issuer.details else { panic!("{issuer:?}") };
    rownd.base_url.as_str()
}

#[test]
fn with_nothing_but_the_app_key_everything_has_its_default() {
    let config = good("", &[("ROWND_APP_KEY", "key_test")]);
    let [issuer] = config.issuers.as_slice() else { panic!("{:?}", config.issuers) };
    assert_eq!((issuer.name.as_str(), issuer.kind()), ("rownd", IssuerKind::Rownd));
    assert_eq!((rownd_base(issuer), issuer.iss.as_str()), (ROWND, ROWND));
    let usual =
        |place: &KeyPlace| matches!(place, KeyPlace::BaseUrl(base) if base.as_str() == ROWND);
    assert!(matches!(&issuer.key_origin, KeyOrigin::Fetched { place, .. } if usual(place)));
    assert_eq!((issuer.leeway.get().as_secs(), issuer.required), (30, true));
    assert!(!issuer.allows_missing_exp());
    let [app] = issuer.apps() else { panic!("{:?}", issuer.apps()) };
    assert!(matches!(&app.known_by, AppKnownBy::Key(key) if key.expose() == "key_test"));
    assert_eq!(config.default.auth, Auth::Required);
    assert!(config.routes.is_empty());
    assert_eq!(config.credentials.0, [TokenSource::Header("authorization".to_owned())]);
    let listeners = &config.listeners;
    for address in [listeners.grpc.address.to_string(), listeners.ops.address.to_string()] {
        assert!(address.starts_with("127.0.0.1:"), "{address}");
    }
    assert!(!config.listeners.grpc.reflection);
}

#[test]
fn without_an_app_there_is_nothing_to_verify_for() {
    for variables in [&[][..], &[("ROWND_APP_KEY", "")], &[("ROWND_APP_SECRET", "ras_x")]] {
        let problems = bad("", variables);
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert_eq!(problems[0].setting, "issuers[0].apps", "{variables:?}");
        assert!(problems[0].message.contains("ROWND_APP_KEY"), "{}", problems[0]);
    }
}

/// (an issuer's settings, the setting complained of, what the message has to say)
#[rustfmt::skip] // one case a line
const KINDS: &[(&str, &str, &str)] = &[
    ("kind: supertokens", "issuers[0].base_url", "https://api.example.com/auth"),
    ("kind: supertokens, base_url: 'http://st.test/auth'", "issuers[0].base_url", "https"),
    ("kind: supertokens, base_url: 'https://st.test/auth', apps: [{ id: a }, { id: b }]", "issuers[0].apps", "one"),
    ("kind: supertokens, base_url: 'https://st.test/auth', apps: [{ key: k }]", "issuers[0].apps[0]", "id: app_"),
    ("kind: supertokens, base_url: 'https://st.test/auth', claims: { user_id: x }", "issuers[0].claims.user_id", "oidc"),
    ("kind: supertokens, base_url: 'https://st.test/auth', claims: { tenant: x }", "issuers[0].claims.tenant", "rownd"),
    ("kind: supertokens, base_url: 'https://st.test/auth', algorithms: [EdDSA]", "issuers[0].algorithms[0]", "RS256"),
    ("kind: supertokens, base_url: 'https://st.test/auth', accepts: id", "issuers[0].accepts", "oidc"),
    ("kind: supertokens, base_url: 'https://st.test/auth', allow_missing_exp: true", "issuers[0].allow_missing_exp", "rownd"),
    ("kind: rownd, apps: [{ id: app_x }], core: { base_url: 'https://core.test' }", "issuers[0].core", "supertokens"),
    ("kind: supertokens, base_url: 'https://st.test/auth', core: { base_url: 'https://st.test/auth/' }", "issuers[0].core.base_url", "SuperTokens' core"),
    ("kind: supertokens, base_url: 'https://st.test/auth', core: { base_url: 'http://core.test' }", "issuers[0].core.base_url", "https"),
    ("kind: supertokens, base_url: 'https://st.test/auth', core: { base_url: 'https://core.test', api_key: '' }", "issuers[0].core.api_key", "empty"),
    ("kind: supertokens, base_url: 'https://st.test/auth', api_answers: {}", "issuers[0].api_answers", "rownd"),
    ("kind: rownd, apps: [{ id: app_x }], api_answers: { user_put: keeps }", "issuers[0].api_answers.user_put", "merges"),
    ("kind: rownd, apps: [{ id: app_x }], api_answers: { put: merges }", "issuers[0].api_answers.put", "user_put"),
    ("kind: oidc, audiences: [a]", "issuers[0].issuer", "iss"),
    ("kind: oidc, issuer: 'https://a.test'", "issuers[0].audiences", "audiences: [my-api]"),
    ("kind: oidc, issuer: 'https://a.test', audiences: ['']", "issuers[0].audiences[0]", "empty"),
    ("kind: oidc, issuer: 'http://a.test', audiences: [a]", "issuers[0].issuer", "https"),
    ("kind: oidc, issuer: 'not-an-address', audiences: [a]", "issuers[0].issuer", "URL"),
    ("kind: oidc, issuer: 'https://a.test', audiences: [a], apps: [{ id: x }]", "issuers[0].apps", "rownd"),
    ("kind: oidc, issuer: 'https://a.test', audiences: [a], project: x", "issuers[0].project", "firebase"),
    ("kind: oidc, issuer: 'https://a.test', audiences: [a], algorithms: [RS256, RS256]", "issuers[0].algorithms[1]", "twice"),
    ("kind: oidc, issuer: 'https://a.test', audiences: [a], algorithms: [HS256]", "issuers[0].algorithms[0]", "EdDSA"),
    ("kind: oidc, issuer: 'https://a.test', audiences: [a], claims: { role: x }", "issuers[0].claims.role", "roles"),
    ("kind: oidc, issuer: 'https://a.test', audiences: [a], claims: { roles: '' }", "issuers[0].claims.roles", "empty"),
    ("kind: oidc, issuer: 'https://a.test', audiences: [a], claims: { user_id: aud }", "issuers[0].claims.user_id", "aud"),
    ("kind: oidc, issuer: 'https://a.test', audiences: [a], jwks_fallback_url: 'http://b.test'", "issuers[0].jwks_fallback_url", "https"),
    ("kind: oidc, issuer: 'https://a.test', audiences: [a], keys: { fetch: false }", "issuers[0].keys.fetch", "key_set"),
    ("kind: firebase", "issuers[0].project", "project"),
    ("kind: firebase, project: 'a/b'", "issuers[0].project", "letters"),
    ("kind: firebase, project: p, audiences: [p]", "issuers[0].audiences", "supertokens"),
    ("kind: firebase, project: p, algorithms: [ES256]", "issuers[0].algorithms[0]", "RS256"),
    ("kind: static, issuer: a, audiences: [x]", "issuers[0].key_set", "file:"),
    ("kind: static, issuer: a, audiences: [x], key_set: ' '", "issuers[0].key_set", "empty"),
    ("kind: static, issuer: a, audiences: [x], key_set: 'file:/no/such'", "issuers[0].key_set", "/no/such"),
    ("kind: static, issuer: a, audiences: [x], key_set: '{}', jwks_url: 'https://a.test'", "issuers[0].jwks_url", "oidc"),
    ("kind: rownd, apps: [{ id: x }], algorithms: [RS256]", "issuers[0].algorithms[0]", "EdDSA"),
    ("kind: rownd, apps: [{ id: x }], audiences: [x]", "issuers[0].audiences", "oidc"),
    ("kind: rownd, apps: [{ id: x }], claims: { auth_level: x }", "issuers[0].claims.auth_level", "firebase"),
    ("kind: rownd, apps: [{ key: k }], key_set: '{}', keys: { fetch: false }", "issuers[0].apps[0]", "id: app_"),
];

#[test]
fn each_kind_needs_its_own_settings_and_has_no_others() {
    for (settings, setting, said) in KINDS {
        let problems = bad(&format!("issuers: [{{ name: a, {settings} }}]"), &[]);
        assert_eq!(problems.len(), 1, "{settings}: {problems:#?}");
        assert_eq!(problems[0].setting, *setting, "{settings}");
        assert!(problems[0].message.contains(said), "{settings}: {}", problems[0]);
    }
}

#[test]
fn three_lines_are_enough_for_each_kind() {
    use crate::config::SigningAlgorithm::{ES256, EdDSA, RS256};
    let all = &[RS256, ES256, EdDSA][..];
    for (settings, iss, algorithms, fetch) in [
        ("kind: rownd, apps: [{ id: x }]", "https://api.rownd.io", &[EdDSA][..], true),
        (
            "kind: supertokens, base_url: 'https://st.test/auth/'",
            "https://st.test/auth",
            &[RS256],
            true,
        ),
        ("kind: oidc, issuer: 'https://a.test/', audiences: [x]", "https://a.test/", all, true),
        ("kind: firebase, project: p", "https://securetoken.google.com/p", &[RS256], true),
        ("kind: static, issuer: urn:a, audiences: [x], key_set: '{}'", "urn:a", all, false),
    ] {
        let config = good(&format!("issuers: [{{ name: a, {settings} }}]"), &[]);
        let issuer = &config.issuers[0];
        assert_eq!(issuer.iss, iss, "{settings}");
        assert_eq!(issuer.algorithms, algorithms, "{settings}");
        assert_eq!(issuer.key_origin.is_fetched(), fetch, "{settings}");
    }
}

#[test]
fn two_issuers_of_one_iss_are_refused_whatever_their_kinds() {
    let yaml = "issuers:
- { name: a, kind: supertokens, base_url: 'https://st.test/auth' }
- { name: b, kind: static, issuer: 'https://st.test/auth', audiences: [x], key_set: '{}' }";
    assert_eq!(places(&bad(yaml, &[])), [("test.yaml:3", "issuers[1].issuer")]);
}

#[test]
fn an_issuer_is_known_by_its_base_url_unless_it_says_otherwise() {
    let one = |more: &str| {
        good(&format!("issuers: [{{ name: a, kind: rownd, {more} apps: [{{ id: x }}] }}]"), &[])
    };
    for (more, base, iss) in [
        ("", "https://api.rownd.io", "https://api.rownd.io"),
        (
            "base_url: 'https://api.dev.rownd.io',",
            "https://api.dev.rownd.io",
            "https://api.dev.rownd.io",
        ),
        ("base_url: 'https://a.test///',", "https://a.test", "https://a.test"),
        ("issuer: 'https://b.test/x/',", "https://api.rownd.io", "https://b.test/x/"),
        (
            "base_url: 'http://127.0.0.1:8787', issuer: 'https://api.rownd.io',",
            "http://127.0.0.1:8787",
            "https://api.rownd.io",
        ),
    ] {
        let config = one(more);
        let issuer = &config.issuers[0];
        assert_eq!((rownd_base(issuer), issuer.iss.as_str()), (base, iss), "{more}");
    }
}

/// (an issuer's settings, the setting complained of)
#[rustfmt::skip] // one case a line
const ISSUERS: &[(&str, &str)] = &[
    ("base_url: 'http://api.rownd.io', apps: [{ id: x }]", "issuers[0].base_url"),
    ("base_url: 'http://10.0.0.1', apps: [{ id: x }]", "issuers[0].base_url"),
    ("base_url: 'http://localhost.evil.com', apps: [{ id: x }]", "issuers[0].base_url"),
    ("base_url: 'ftp://a.test', apps: [{ id: x }]", "issuers[0].base_url"),
    ("base_url: 'file:///etc/passwd', apps: [{ id: x }]", "issuers[0].base_url"),
    ("base_url: 'api.rownd.io', apps: [{ id: x }]", "issuers[0].base_url"),
    ("base_url: '', apps: [{ id: x }]", "issuers[0].base_url"),
    ("base_url: 'https://user:pass@a.test', apps: [{ id: x }]", "issuers[0].base_url"),
    ("base_url: 'https://a.test/#x', apps: [{ id: x }]", "issuers[0].base_url"),
    ("base_url: 'https://a.test/?x=1', apps: [{ id: x }]", "issuers[0].base_url"),
    ("jwks_url: 'http://a.test/keys', apps: [{ id: x }]", "issuers[0].jwks_url"),
    ("jwks_url: 'https://user@a.test/keys', apps: [{ id: x }]", "issuers[0].jwks_url"),
    ("leeway: 61s, apps: [{ id: x }]", "issuers[0].leeway"),
    ("keys: { cooldown: 99ms }, apps: [{ id: x }]", "issuers[0].keys.cooldown"),
    ("keys: { refresh_interval: 2h }, apps: [{ id: x }]", "issuers[0].keys.refresh_interval"),
    ("keys: { max_stale: 31days }, apps: [{ id: x }]", "issuers[0].keys.max_stale"),
    ("keys: { fetch_timeout: 31s }, apps: [{ id: x }]", "issuers[0].keys.fetch_timeout"),
    ("apps: []", "issuers[0].apps"),
    ("apps: [{}]", "issuers[0].apps[0]"),
    ("apps: [{ secret: ras_x }]", "issuers[0].apps[0]"),
    ("apps: [{ id: '' }]", "issuers[0].apps[0].id"),
    ("apps: [{ id: 'a b' }]", "issuers[0].apps[0].id"),
    ("apps: [{ id: 'app:x' }]", "issuers[0].apps[0].id"),
    ("apps: [{ id: x }, { id: 'a/b' }]", "issuers[0].apps[1].id"),
    ("apps: [{ key: 'key x' }]", "issuers[0].apps[0].key"),
    ("apps: [{ key: \"key\\nx\" }]", "issuers[0].apps[0].key"),
    ("apps: [{ id: x, secret: 'r\u{e4}s' }]", "issuers[0].apps[0].secret"),
    ("apps: [{ key: 'file:/nowhere/at/all' }]", "issuers[0].apps[0].key"),
];

#[test]
fn each_problem_of_an_issuer_is_told_with_its_setting() {
    for (settings, path) in ISSUERS {
        let yaml = format!("issuers:\n  - {{ name: a, kind: rownd, {settings} }}\n");
        let problems = bad(&yaml, &[]);
        assert_eq!(places(&problems), [("test.yaml:2", *path)], "{settings}: {problems:#?}");
    }
}

#[test]
fn http_is_for_loopback_or_on_the_operators_word() {
    for settings in [
        "base_url: 'http://127.0.0.1:8787'",
        "base_url: 'http://127.1.2.3'",
        "base_url: 'http://[::1]:8787'",
        "base_url: 'http://localhost:8787'",
        "base_url: 'http://rownd.mesh.local', allow_insecure_http: true",
        "jwks_url: 'http://rownd.mesh.local/keys', allow_insecure_http: true",
        "jwks_url: 'https://a.test/keys?version=1'",
    ] {
        good(
            &format!("issuers: [{{ name: a, kind: rownd, apps: [{{ id: x }}], {settings} }}]"),
            &[],
        );
    }
}

#[test]
fn two_issuers_have_two_names_and_two_iss() {
    let issuer = |name: &str, base: &str| {
        format!("  - {{ name: {name}, kind: rownd, base_url: '{base}', apps: [{{ id: x }}] }}\n")
    };
    let read = |first: String, second: String| read(&format!("issuers:\n{first}{second}"), &[]);
    assert!(read(issuer("a", "https://a.test"), issuer("b", "https://b.test")).is_ok());
    for (first, second, setting) in [
        (issuer("a", "https://a.test"), issuer("a", "https://b.test"), "issuers[1].name"),
        (issuer("a", "https://a.test"), issuer("unknown", "https://b.test"), "issuers[1].name"),
        (issuer("a", "https://a.test"), issuer("b", "https://a.test"), "issuers[1].issuer"),
        (issuer("a", "https://a.test"), issuer("b", "https://a.test/"), "issuers[1].issuer"),
    ] {
        let problems = read(first, second).unwrap_err();
        assert_eq!(places(&problems), [("test.yaml:3", setting)], "{problems:#?}");
    }
}

#[test]
fn more_issuers_than_a_metric_can_bear_are_refused() {
    let issuers = |count: usize| {
        let issuer = |index| {
            format!(
                "  - {{ name: a{index}, kind: rownd, base_url: 'https://a{index}.test', apps: [{{ id: x }}] }}\n"
            )
        };
        format!("issuers:\n{}", (0..count).map(issuer).collect::<String>())
    };
    good(&issuers(32), &[]);
    let problems = bad(&issuers(33), &[]);
    assert_eq!(places(&problems), [("test.yaml:1", "issuers")]);
}

#[test]
fn a_part_of_the_wrong_shape_does_not_hide_the_others() {
    let yaml = "\
issuers:
  - { name: a, kind: rownd, base_url: 5, apps: [{ id: 'a b' }] }
routes:
  - { id: a, auth: maybe }
  - { id: b, match: any, step_up: true }
default: { step_up: true }
";
    let problems = bad(yaml, &[APP]);
    let places = places(&problems);
    for place in [
        ("test.yaml:2", "issuers[0].base_url"),
        ("test.yaml:4", "routes[0].auth"),
        ("test.yaml:6", "default.step_up"),
    ] {
        assert!(places.contains(&place), "{place:?} is not in {places:#?}");
    }
}

#[test]
fn a_rule_that_asks_for_profiles_needs_every_key_and_secret() {
    let rule = "routes: [{ id: a, match: any, freshness: profile }]";
    let both = [("ROWND_APP_KEY", "key_test"), ("ROWND_APP_SECRET", "ras_test")];
    assert_eq!(good(rule, &both).routes[0].freshness, Freshness::Profile);
    for (name, yaml, variables, missing) in [
        ("no secret", rule, &both[..1], vec!["no secret"]),
        ("neither", rule, &[APP][..], vec!["no key", "no secret"]),
        ("by default", "default: { freshness: profile }", &both[..1], vec!["no secret"]),
    ] {
        let problems = bad(yaml, variables);
        let found: Vec<_> = problems.iter().filter(|p| p.setting == "issuers[0].apps[0]").collect();
        assert_eq!(found.len(), missing.len(), "{name}: {problems:#?}");
        for (problem, words) in found.iter().zip(missing) {
            assert!(problem.message.contains(words), "{name}: {problem}");
            assert!(problem.message.contains("ROWND_APP_"), "{name}: {problem}");
        }
    }
    // Where no rule asks for it, none is needed.
    good("routes: [{ id: a, match: any, freshness: token }]", &[APP]);
}
