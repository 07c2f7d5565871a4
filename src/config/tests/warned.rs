//! Warnings about settings that the reader takes.

use std::collections::BTreeMap;

use super::{APP, environment, good};
use crate::config::judge;

/// (the file, the setting, the code of the warning)
#[rustfmt::skip] // one case a line
const WARNED: &[(&str, &str, &str)] = &[
    ("issuers: [{ name: a, kind: rownd, apps: [{ id: shop }] }]", "issuers[0].apps[0].id", "app_id_unusual"),
    ("issuers: [{ name: a, kind: rownd, apps: [{ id: '12345678901234567' }] }]", "issuers[0].apps[0].id", "app_id_unusual"),
    ("issuers: [{ name: a, kind: rownd, apps: [{ id: app_x, secret: ras_x }] }]", "issuers[0].apps[0].secret", "setting_without_effect"),
    ("issuers: [{ name: a, kind: rownd, apps: [{ id: app_x, operator_token: x }] }]", "issuers[0].apps[0].operator_token", "setting_without_effect"),
    ("trusted_origins: ['https://a.test']", "trusted_origins", "setting_without_effect"),
    ("check: { extra_methods: [BREW] }", "check.extra_methods[0]", "setting_without_effect"),
    ("routes: [{ id: a, match: any, auth: optional, expired_cookie: anonymous }]", "routes[0].expired_cookie", "setting_without_effect"),
    ("routes: [{ id: a, match: any, auth: none, cors_preflight: true }]", "routes[0].cors_preflight", "setting_without_effect"),
    ("routes: [{ id: a, match: { methods: [GET] }, cors_preflight: true }]", "routes[0].cors_preflight", "setting_without_effect"),
    ("routes: [{ id: a, match: any, require: never, cors_preflight: true }]", "routes[0].cors_preflight", "setting_without_effect"),
    ("default: { require: never, cors_preflight: true }", "default.cors_preflight", "setting_without_effect"),
    ("issuers: [{ name: a, kind: rownd, apps: [{ id: app_x }], allow_insecure_http: true }]", "issuers[0].allow_insecure_http", "setting_without_effect"),
    ("{ issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: [x] }], listeners: { http: { serve: [resource_metadata] } }, protected_resource: { resource: 'https://api.test', authorization_servers: ['https://a.test/', 'https://b.test'] } }", "protected_resource.authorization_servers[1]", "server_without_issuer"),
    ("routes: [{ id: a, match: any, auth: optional, require: { user: u1 } }]", "routes[0].auth", "setting_without_effect"),
    ("routes: [{ id: a, match: any, auth: optional, require: { not: [{ user: u1 }], cel: 'request.host != \"a.test\"' } }]", "routes[0].auth", "setting_without_effect"),
    ("default: { auth: optional, require: { any: [{ user: u1 }, { token_max_age: 1h }] } }", "default.auth", "setting_without_effect"),
    ("guards: [{ id: x, match: { path: { prefix: /x } }, require: never }, { id: z, match: { path: { prefix: /x/y } }, require: { user: u1 } }]", "guards[1]", "route_unreachable"),
    ("{ guards: [{ id: x, match: { path: { prefix: /x } }, require: never }], routes: [{ id: z, match: { path: { exact: /x/y } }, auth: none }] }", "routes[0]", "route_unreachable"),
    ("routes: [{ id: a, match: { path: { template: '/a/{x...}' } } }, { id: b, match: { path: { prefix: /a/b } } }]", "routes[1]", "route_unreachable"),
    ("{ denial: { redirect: { url: 'https://shop.test/sign-in' } }, routes: [{ id: a, match: { hosts: [shop.test] } }] }", "denial.redirect.url", "condition_never_met"),
    ("routes: [{ id: a, match: { hosts: ['*.test'], path: { prefix: /in } }, denial: { redirect: { url: 'https://shop.test/in' } } }]", "routes[0].denial.redirect.url", "condition_never_met"),
    ("profiles: { cache_bytes: 0, ttl: 5s }", "profiles.ttl", "setting_without_effect"),
    ("listeners: { grpc: { socket_mode: '0600' } }", "listeners.grpc.socket_mode", "setting_without_effect"),
    ("revocation: { max_entries: 5 }", "revocation", "setting_without_effect"),
    ("identity_headers: { max_value_bytes: 16384, max_total_bytes: 256 }", "identity_headers.max_value_bytes", "setting_without_effect"),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: [x], jwks_url: 'https://a.test/k', jwks_fallback_url: 'https://a.test/k' }]", "issuers[0].jwks_fallback_url", "setting_without_effect"),
    ("rownd_auth: { callers: [{ name: c, allow: [get_user], secret: 0123456789abcdef, apps: [app_test] }] }", "rownd_auth.callers[0].allow[0]", "setting_without_effect"),
    ("rownd_auth: { callers: [{ name: c, allow: [verify, write_groups], secret: 0123456789abcdef, apps: [app_test] }] }", "rownd_auth.callers[0].allow[1]", "setting_without_effect"),
    ("rownd_auth: { allow_plaintext_secrets: true }", "rownd_auth.allow_plaintext_secrets", "setting_without_effect"),
];

#[test]
fn a_setting_without_effect_is_a_warning_at_its_line() {
    for (yaml, setting, code) in WARNED {
        let config = good(&format!("\n{yaml}\n"), &[APP]);
        let mut found = config.places.in_order(config.warnings.clone());
        // The variable is for files without an app.
        found.retain(|warning| warning.code != "variable_unused");
        let [warning] = found.as_slice() else { panic!("{yaml}: {found:#?}") };
        assert_eq!(warning.code, *code, "{yaml}");
        let place = warning.place.as_ref().unwrap();
        assert_eq!(place.setting, *setting, "{yaml}");
        assert!(place.place.starts_with("test.yaml:2:"), "{yaml}: {warning}");
    }
    for yaml in [
        "issuers: [{ name: a, kind: rownd, apps: [{ id: '123456789012345678' }] }]",
        "routes: [{ id: a, match: any, auth: optional, require: { any: [{ user: u1 }, { cel: 'request.host == \"a.test\"' }] } }]",
        "routes: [{ id: a, match: any, auth: optional, require: { cel: '!(request.host == \"a.test\") || identity.verified' } }]",
        "guards: [{ id: x, match: { path: { prefix: /x/y } }, require: never }, { id: z, match: { path: { prefix: /x } }, require: { user: u1 } }]",
        "{ guards: [{ id: x, match: { path: { prefix: /x } }, require: never, mode: shadow }], routes: [{ id: z, match: { path: { exact: /x/y } } }] }",
        "routes: [{ id: a, match: { path: { template: '/a/{x...}' } } }, { id: b, match: { path: { prefix: /a } } }]",
        "routes: [{ id: a, match: { path: { template: '/a/{x}' } } }, { id: b, match: { path: { prefix: /a/b } } }]",
        "{ denial: { redirect: { url: 'https://shop.test/in' } }, routes: [{ id: in, match: { path: { exact: /in } }, auth: none }, { id: a, match: { hosts: [shop.test] } }] }",
        "{ denial: { redirect: { url: 'https://login.test/in' } }, routes: [{ id: a, match: { hosts: [shop.test] } }, { id: b, match: any }] }",
        "{ denial: { redirect: { url: 'https://shop.test/in' } }, routes: [{ id: a, match: { hosts: [shop.test] }, denial: { html: {} } }] }",
        "{ trusted_origins: ['https://a.test'], credentials: [{ cookie: a }] }",
        "{ check: { extra_methods: [BREW] }, routes: [{ id: a, match: { methods: [BREW] } }] }",
        "{ credentials: [{ cookie: a }], default: { auth: optional, expired_cookie: anonymous } }",
        "default: { auth: required, expired_cookie: deny, cors_preflight: true }",
    ] {
        let mut warnings = good(yaml, &[APP]).warnings;
        warnings.retain(|warning| warning.code != "variable_unused");
        assert_eq!(warnings, [], "{yaml}");
    }
}

/// Two of one line come by their columns, whatever finds them first.
#[test]
fn warnings_come_in_the_order_of_the_file() {
    let yaml = "listeners: { grpc: { socket_mode: '0600' } }\nrevocation: { max_entries: 5 }\n\
                default: { require: never, cors_preflight: true }\n";
    let all = format!("{{ {}, }}", yaml.trim_end().replace('\n', ", "));
    for text in [yaml, &all] {
        let config = good(text, &[APP]);
        let mut reversed = config.warnings.clone();
        reversed.reverse();
        for warnings in [config.warnings.clone(), reversed] {
            let found = config.places.in_order(warnings);
            let settings: Vec<String> =
                found.into_iter().filter_map(|it| Some(it.place?.setting)).collect();
            let expected = ["listeners.grpc.socket_mode", "revocation", "default.cors_preflight"];
            assert_eq!(settings, expected, "{text}");
        }
    }
}

/// Warnings are told beside problems; those that the problems make doubtful are not.
#[test]
fn warnings_are_told_beside_problems() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "\
check: { timeout: 5 }
routes:
  - { id: a, match: { path: { prefix: /a } } }
  - { id: b, match: { path: { prefix: /a/b } } }
trusted_origins: ['https://a.test']
";
    std::fs::write(file.path(), text).unwrap();
    let variables = environment(&[APP, ("ROWND_APPKEY", "k")]);
    let judged =
        judge(Some(file.path()), &variables, |_| Vec::new(), |config| config.warnings.clone());
    assert_eq!(judged.outcome.unwrap_err().0.len(), 1);
    let codes: Vec<&str> = judged.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["unknown_variable", "route_unreachable", "setting_without_effect"]);
    let judged = judge(None, &BTreeMap::new(), |_| Vec::new(), |config| config.warnings.clone());
    assert!(judged.outcome.is_err() && judged.warnings.is_empty());
}

/// The rules, the word with which the warning about the guard begins; empty: none.
#[rustfmt::skip] // one case a line
const GUARDS: &[(&str, &str, &str)] = &[
    ("match: any, require: { user: u1 }", "[{ id: a, match: any, auth: none }]", "judges nobody"),
    ("match: any, require: { user: u1 }, mode: shadow", "[{ id: a, match: any, auth: none }]", "judges nobody"),
    ("match: any, require: { user: u1 }, applies_to: all", "[{ id: a, match: any, auth: none }]", "denies every request that it matches"),
    ("match: { path: { prefix: /a } }, require: { not: [{ user: u1 }] }", "[{ id: a, match: { path: { prefix: /a } }, auth: none }, { id: b, match: any }]", "judges nobody"),
    ("match: { path: { prefix: /a } }, require: { user: u1 }", "[{ id: b, match: { path: { prefix: /b } } }, { id: a, match: { path: { regex: '/a.*' } }, auth: none }]", "judges nobody"),
    ("match: { hosts: [a.test] }, require: { user: u1 }", "[{ id: b, match: { hosts: ['*.b.test'] } }, { id: a, match: any, auth: none }]", "judges nobody"),
    ("match: any, require: { user: u1 }", "[{ id: a, match: { path: { prefix: /a } }, auth: none }]", ""),
    ("match: any, require: { user: u1 }", "[{ id: named, by_name: true }, { id: a, match: any, auth: none }]", ""),
    ("match: { path: { prefix: /a } }, require: { user: u1 }", "[{ id: b, match: { methods: [GET] } }, { id: a, match: any, auth: none }]", ""),
    ("match: any, require: { user: u1 }", "[{ id: a, match: any, auth: none, mode: shadow }]", ""),
    ("match: any, require: { any: [{ user: u1 }, { cel: 'request.method == \"GET\"' }] }", "[{ id: a, match: any, auth: none }]", ""),
];

#[test]
fn a_guard_about_callers_over_routes_that_have_none_is_told() {
    for (guard, routes, expected) in GUARDS {
        let yaml = format!("guards:\n  - {{ id: g, {guard} }}\nroutes: {routes}\n");
        let config = good(&yaml, &[APP]);
        let told = config.warnings.iter().find(|warning| warning.pointer.starts_with("/guards"));
        match *expected {
            "" => assert_eq!(told, None, "{yaml}"),
            text => {
                assert!(told.is_some_and(|told| told.text.starts_with(text)), "{yaml}: {told:?}")
            }
        }
    }
}
