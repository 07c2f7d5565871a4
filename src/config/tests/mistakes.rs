//! A corpus of mistakes, each as somebody might make it: the reader refuses every one of them, in
//! one line that editors parse, and an editor with our schema shows most of them while they are
//! written.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::{APP, bad};
use crate::config::json_schema;

/// The mistakes that the schema has to refuse, at least.
const LEAST_BY_SCHEMA: usize = 100;

/// (the file, the setting complained of, whether the schema refuses it too)
#[rustfmt::skip] // one case a line
const MISTAKES: &[(&str, &str, bool)] = &[
    // Names of settings.
    ("chek: { timeout: 1s }", "chek", true),
    ("check: { time_out: 1s }", "check.time_out", true),
    ("listeners: { grpc: { adress: '127.0.0.1:1' } }", "listeners.grpc.adress", true),
    ("route: []", "route", true),
    ("routes: [{ id: a, match: any, auth_levels: verified }]", "routes[0].auth_levels", true),
    ("routes: [{ id: a, match: { pth: { prefix: / } } }]", "routes[0].match.pth", true),
    ("issuers: [{ name: a, kind: rownd, app: [] }]", "issuers[0].app", true),
    ("default: { requires: { role: a } }", "default.requires", true),
    // Kinds of values.
    ("check: { timeout: 5 }", "check.timeout", true),
    ("check: { timeout: 5 seconds }", "check.timeout", true),
    ("check: { timeout: '' }", "check.timeout", true),
    ("check: { timeout: 1h }", "check.timeout", true),
    ("check: { max_in_flight: 1.5 }", "check.max_in_flight", true),
    ("check: { max_in_flight: 100.0 }", "check.max_in_flight", false),
    ("check: { max_in_flight: 1e3 }", "check.max_in_flight", false),
    ("check: { max_in_flight: many }", "check.max_in_flight", true),
    ("check: { max_in_flight: 0 }", "check.max_in_flight", true),
    ("check: { max_in_flight: -5 }", "check.max_in_flight", true),
    ("check: { max_token_bytes: 10000000 }", "check.max_token_bytes", true),
    ("check: { explain_denials: 'yes' }", "check.explain_denials", true),
    ("check: { realm: 'a\"b' }", "check.realm", true),
    ("check:", "check", true),
    ("check: { unavailable: open }", "check.unavailable", true),
    ("log: { level: loud }", "log.level", true),
    ("log: { level: 3 }", "log.level", true),
    ("routes: {}", "routes", true),
    ("routes: [{ id: a, match: { hosts: a.com } }]", "routes[0].match.hosts", true),
    ("routes: [{ id: 7, match: any }]", "routes[0].id", true),
    ("credentials: authorization", "credentials", true),
    ("credentials: [authorization]", "credentials[0]", true),
    // Listeners.
    ("listeners: { grpc: { address: 'localhost:50051' } }", "listeners.grpc.address", true),
    ("listeners: { grpc: { address: 50051 } }", "listeners.grpc.address", true),
    ("listeners: { grpc: { address: ':50051' } }", "listeners.grpc.address", true),
    ("listeners: { grpc: { address: /run/a.sock } }", "listeners.grpc.address", true),
    ("listeners: { ops: { address: 'unix:/run/a.sock' } }", "listeners.ops.address", true),
    ("listeners: { control: { address: '127.0.0.1:9465' } }", "listeners.control.address", true),
    ("listeners: { control: {} }", "listeners.control", true),
    ("listeners: { http: { serve: [] } }", "listeners.http.serve", true),
    ("listeners: { public_http: { serve: [] } }", "listeners.public_http.serve", true),
    ("listeners: { public_http: { serve: [rpc] } }", "listeners.public_http.serve[0]", true),
    ("listeners: { public_http: { serve: [webhooks], cors: {} } }", "listeners.public_http.cors", true),
    ("listeners: { grpc: { socket_mode: '888' } }", "listeners.grpc.socket_mode", true),
    ("listeners: { grpc: { address: '127.0.0.1:1' }, ops: { address: '127.0.0.1:1' } }", "listeners.ops.address", false),
    // Issuers.
    ("issuers: [{ kind: rownd }]", "issuers[0]", true),
    ("issuers: [{ name: a, kind: saml }]", "issuers[0].kind", true),
    ("issuers: [{ name: Main, kind: rownd }]", "issuers[0].name", true),
    ("issuers: [{ name: a, kind: rownd, apps: [{ id: key_abc }] }]", "issuers[0].apps[0].id", true),
    ("issuers: [{ name: a, kind: rownd, apps: [{ id: ras_abc }] }]", "issuers[0].apps[0].id", true),
    ("issuers: [{ name: a, kind: rownd, apps: [{ key: app_abc }] }]", "issuers[0].apps[0].key", true),
    ("issuers: [{ name: a, kind: rownd, apps: [{ key: key_a, secret: key_b }] }]", "issuers[0].apps[0].secret", true),
    ("issuers: [{ name: a, kind: rownd, apps: [{ key: key_a, operator_token: ras_b }] }]", "issuers[0].apps[0].operator_token", true),
    ("issuers: [{ name: a, kind: supertokens, base_url: 'https://a.test/auth', apps: [{ id: a, operator_token: t }] }]", "issuers[0].apps[0].operator_token", false),
    ("issuers: [{ name: a, kind: rownd, apps: [{ key: key_a }], api_answers: { group_put: replace } }]", "issuers[0].api_answers.group_put", true),
    ("issuers: [{ name: a, kind: rownd, apps: [{ key: key_a }], api_answers: { put_group: merges } }]", "issuers[0].api_answers.put_group", true),
    ("issuers: [{ name: a, kind: supertokens, base_url: 'https://a.test/auth', apps: [{ id: a }], api_answers: {} }]", "issuers[0].api_answers", true),
    ("issuers: [{ name: a, kind: rownd, apps: [{ id: 0f8fad5b-d9cb-469f-a165-70867728950e }] }]", "issuers[0].apps[0].id", false),
    ("issuers: [{ name: a, kind: rownd, apps: [{ secret: ras_a }] }]", "issuers[0].apps[0]", true),
    ("issuers: [{ name: a, kind: rownd, apps: [{ id: 'a b' }] }]", "issuers[0].apps[0].id", true),
    ("issuers: [{ name: a, kind: rownd, audiences: [b] }]", "issuers[0].audiences", true),
    ("issuers: [{ name: a, kind: rownd, project: p }]", "issuers[0].project", true),
    ("issuers: [{ name: a, kind: rownd, algorithms: [RS256] }]", "issuers[0].algorithms[0]", true),
    ("issuers: [{ name: a, kind: rownd, base_url: api.rownd.io }]", "issuers[0].base_url", true),
    ("issuers: [{ name: a, kind: rownd, base_url: 'http://api.rownd.io' }]", "issuers[0].base_url", true),
    ("issuers: [{ name: a, kind: rownd, claims: { user_id: sub } }]", "issuers[0].claims.user_id", true),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test' }]", "issuers[0].audiences", true),
    ("issuers: [{ name: a, kind: oidc, audiences: [b] }]", "issuers[0].issuer", true),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: [b], apps: [{ id: app_x }] }]", "issuers[0].apps", true),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: [b], jwks_url: jwks.json }]", "issuers[0].jwks_url", true),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: [b], algorithms: [HS256] }]", "issuers[0].algorithms[0]", true),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: [b], preset: google2 }]", "issuers[0].preset", true),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: [b], keys: { fetch: false } }]", "issuers[0].keys.fetch", true),
    ("issuers: [{ name: a, kind: supertokens }]", "issuers[0].base_url", true),
    ("issuers: [{ name: a, kind: supertokens, base_url: 'https://a.test/auth', apps: [{ id: app_a }, { id: app_b }] }]", "issuers[0].apps", true),
    ("issuers: [{ name: a, kind: firebase }]", "issuers[0].project", true),
    ("issuers: [{ name: a, kind: firebase, project: p, issuer: 'https://x', audiences: [b] }]", "issuers[0].audiences", true),
    ("issuers: [{ name: a, kind: static, issuer: p, audiences: [b] }]", "issuers[0].key_set", true),
    ("issuers: [{ name: a, kind: static, issuer: p, audiences: [b], key_set: '{}', jwks_url: 'https://a.test/k' }]", "issuers[0].jwks_url", true),
    ("issuers: [{ name: a, kind: rownd }, { name: a, kind: rownd }]", "issuers[1].name", false),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test/.well-known/openid-configuration', audiences: [b] }]", "issuers[0].issuer", true),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', base_url: 'https://a.test/.well-known/openid-configuration', audiences: [b] }]", "issuers[0].base_url", true),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', jwks_url: 'https://a.test/.well-known/openid-configuration', audiences: [b] }]", "issuers[0].jwks_url", true),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test ', audiences: [b] }]", "issuers[0].issuer", true),
    ("issuers: [{ name: a, kind: static, issuer: p, audiences: [b], key_set: /etc/keys.json }]", "issuers[0].key_set", true),
    ("issuers: [{ name: a, kind: static, issuer: p, audiences: [b], key_set: 'https://a.test/keys' }]", "issuers[0].key_set", true),
    ("issuers: [{ name: a, kind: rownd, apps: [{ id: app_x }, { id: app_x }] }]", "issuers[0].apps[1]", true),
    ("issuers: [{ name: a, kind: rownd, apps: [{ key: key_x }, { key: key_x, variants: [v] }] }]", "issuers[0].apps[1]", false),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: ['b '] }]", "issuers[0].audiences[0]", true),
    ("listeners: { grpc: { address: '127.0.0.1:70000' } }", "listeners.grpc.address", true),
    ("headers: [{ name: X-User, from: { identity: user_id } }]", "headers[0].name", true),
    ("denial: { html: { accent: red } }", "denial.html.accent", true),
    ("denial: { redirect: { url: /login } }", "denial.redirect.url", true),
    ("routes: [{ id: a, match: any, denial: { redirect: { url: 'http://login.example.com' } } }]", "routes[0].denial.redirect.url", true),
    // Credentials.
    ("credentials: []", "credentials", true),
    ("credentials: [{ header: a, cookie: b }]", "credentials[0]", true),
    ("credentials: [{ header: a, format: rownd }]", "credentials[0].format", true),
    ("credentials: [{ header: x-rownd-user-id }]", "credentials[0]", true),
    ("credentials: [{ header: 'a b' }]", "credentials[0]", true),
    ("credentials: [{ cookie: a }, { cookie: a }]", "credentials[1]", true),
    ("trusted_origins: [app.example.com]", "trusted_origins[0]", true),
    // Rules.
    ("routes: [{ match: any }]", "routes[0]", true),
    ("routes: [{ id: a }]", "routes[0]", true),
    ("routes: [{ id: a, match: all }]", "routes[0].match", true),
    ("routes: [{ id: a, match: {} }]", "routes[0].match", true),
    ("routes: [{ id: a, match: any, by_name: true }]", "routes[0].by_name", true),
    ("routes: [{ id: default, match: any }]", "routes[0].id", true),
    ("routes: [{ id: a, match: any }, { id: a, match: any }]", "routes[1].id", false),
    ("routes: [{ id: a, match: { path: { prefix: admin } } }]", "routes[0].match.path.prefix", true),
    ("routes: [{ id: a, match: { path: { exact: '/a?b=c' } } }]", "routes[0].match.path.exact", true),
    ("routes: [{ id: a, match: { path: { prefix: /a, exact: /b } } }]", "routes[0].match.path", true),
    ("routes: [{ id: a, match: { path: { regex: '(' } } }]", "routes[0].match.path.regex", false),
    ("routes: [{ id: a, match: { path: { prefix: '/a/*' } } }]", "routes[0].match.path.prefix", true),
    ("routes: [{ id: a, match: { path: { exact: '/a/:id' } } }]", "routes[0].match.path.exact", true),
    ("routes: [{ id: a, match: { path: { template: '/a/**' } } }]", "routes[0].match.path.template", true),
    ("routes: [{ id: a, match: { path: { prefix: //a } } }]", "routes[0].match.path.prefix", true),
    ("routes: [{ id: a, match: { path: { exact: /a/../b } } }]", "routes[0].match.path.exact", true),
    ("routes: [{ id: a, match: { path: { prefix: '/a,/b' } } }]", "routes[0].match.path.prefix", true),
    ("headers: [{ name: x-rownd-plan, from: { constant: a } }]", "headers[0].name", true),
    ("listeners: { ops: { probe_address: '0.0.0.0:9000' } }", "listeners.ops.probe_address", true),
    ("protected_resource: { resource: 'http://api.example.com', authorization_servers: ['https://a.test'] }", "protected_resource.resource", true),
    ("routes: [{ id: a, match: { methods: [get] } }]", "routes[0].match.methods[0]", true),
    ("routes: [{ id: a, match: { methods: [GTE] } }]", "routes[0].match.methods[0]", false),
    ("routes: [{ id: a, match: { hosts: ['a.com:80'] } }]", "routes[0].match.hosts[0]", true),
    ("routes: [{ id: a, match: { hosts: ['https://a.com'] } }]", "routes[0].match.hosts[0]", true),
    ("routes: [{ id: a, match: any, auth: optional, auth_level: verified }]", "routes[0].auth_level", true),
    ("routes: [{ id: a, match: any, step_up: true }]", "routes[0].step_up", true),
    ("routes: [{ id: a, match: any, expired_cookie: anonymous }]", "routes[0].expired_cookie", true),
    ("routes: [{ id: a, match: any, auth: none, expired_cookie: anonymous }]", "routes[0].expired_cookie", true),
    ("default: { auth: none, expired_cookie: anonymous }", "default.expired_cookie", true),
    ("routes: [{ id: a, match: any, auth: none, freshness: profile }]", "routes[0].freshness", true),
    ("guards: [{ id: a, match: any }]", "guards[0]", true),
    ("guards: [{ id: a, match: any, require: always }]", "guards[0].require", true),
    // Requirements.
    ("default: { require: {} }", "default.require", true),
    ("default: { require: { user: 7 } }", "default.require.user", true),
    ("default: { require: { max_age: 5 } }", "default.require.max_age", true),
    ("default: { require: { any: [never] } }", "default.require.any[0]", true),
    ("default: { require: { any: [] } }", "default.require.any", true),
    ("default: { require: { auth_level: admin } }", "default.require.auth_level", true),
    ("default: { require: { scope: 'a b' } }", "default.require.scope", true),
    ("default: { require: { source: body } }", "default.require.source", true),
    ("default: { require: { issuer: nobody } }", "default.require.issuer", false),
    ("default: { require: { claim: { name: a } } }", "default.require.claim", true),
    ("default: { require: { claim: { name: a, pointer: /a, equals: 1 } } }", "default.require.claim", true),
    ("default: { require: { claim: { pointer: a.b, equals: 1 } } }", "default.require.claim.pointer", true),
    ("default: { require: { claim: { name: a, exists: false, equals: 1 } } }", "default.require.claim.exists", true),
    ("default: { require: { claim: { name: a, matches: '(' } } }", "default.require.claim.matches", false),
    ("default: { require: { cel: 'claims.x = 1' } }", "default.require.cel", false),
    ("default: { require: { cel: 'has(request.headers[\"x\"])' } }", "default.require.cel", false),
    ("default: { require: { cel: '1 == 1' } }", "default.require.cel", false),
    ("default: { auth: none, require: { role: a } }", "default.require", false),
    // Callers.
    ("rownd_auth: { callers: [{ name: a, allow: [verify] }] }", "rownd_auth.callers[0]", true),
    ("rownd_auth: { callers: [{ name: a, allow: [], secret: 0123456789abcdef }] }", "rownd_auth.callers[0].allow", true),
    ("rownd_auth: { callers: [{ name: a, allow: [everything], secret: 0123456789abcdef }] }", "rownd_auth.callers[0].allow[0]", true),
    ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: short }] }", "rownd_auth.callers[0].secret", true),
    ("key_snapshots: { directory: keys }", "key_snapshots.directory", true),
    ("check: { extra_methods: [brew] }", "check.extra_methods[0]", true),
];

static SCHEMA: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::validator_for(&json_schema()).unwrap());

/// The file as an editor has it.
fn document(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap()
}

/// Whether the schema for editors refuses this file.
pub(super) fn schema_refuses(yaml: &str) -> bool {
    !SCHEMA.is_valid(&document(yaml))
}

/// Panics if the schema for editors refuses a file that the reader takes.
pub(super) fn assert_schema_takes(yaml: &str) {
    // JSON has no comments, and YAML's merge keys and anchors are gone in a value.
    let Ok(value) = serde_saphyr::from_str::<Value>(yaml) else { return };
    if value.is_null() {
        return;
    }
    let refused: Vec<String> = SCHEMA
        .iter_errors(&value)
        .map(|error| format!("{} {error}", error.instance_path()))
        .collect();
    assert!(refused.is_empty(), "the schema refuses what the reader takes: {refused:#?}\n{yaml}");
}

#[test]
fn the_reader_refuses_every_mistake_and_an_editor_most() {
    assert!(MISTAKES.len() >= 80, "{}", MISTAKES.len());
    let mut by_schema = 0;
    for (yaml, setting, expected) in MISTAKES {
        let problems = bad(yaml, &[APP]);
        assert!(
            problems.iter().any(|problem| problem.setting == *setting),
            "{yaml}: {problems:#?}"
        );
        let refused = schema_refuses(yaml);
        assert_eq!(refused, *expected, "the schema about {yaml}");
        by_schema += usize::from(refused);
    }
    assert!(by_schema >= LEAST_BY_SCHEMA, "{by_schema} of {}", MISTAKES.len());
}

#[test]
fn every_problem_is_one_line_that_editors_parse() {
    let line = Regex::new(r"^[^ :]+:[1-9][0-9]*:[1-9][0-9]*: error: \S.*$").unwrap();
    let advice = Regex::new(
        r"write|leave|set |did you mean|known fields|remove|use one of|there (is|are)|correct|list a",
    )
    .unwrap();
    for (yaml, ..) in MISTAKES {
        for problem in bad(&format!("# a comment\n{yaml}\n"), &[APP]) {
            let text = problem.to_string();
            assert!(line.is_match(&text), "{yaml}: {text}");
            assert!(!problem.setting.is_empty(), "{yaml}: {text}");
            assert!(advice.is_match(&problem.message), "no advice for {yaml}: {text}");
        }
    }
}

/// Each mistake alone gives few problems: none that only follows from it.
#[test]
fn a_mistake_is_told_once() {
    for (yaml, ..) in MISTAKES {
        let problems = bad(yaml, &[APP]);
        assert!(problems.len() <= 2, "{yaml}: {problems:#?}");
    }
}

/// Many mistakes in one file are told in one pass.
#[test]
fn mistakes_of_several_sections_and_rules_are_told_in_one_pass() {
    let yaml = "\
chek: {}
check: { timeout: 5, max_in_flight: 100.0 }
issuers:
  - { name: a, kind: rownd, apps: [{ id: key_x }] }
  - { name: b, kind: oidc, issuer: 'https://b.test' }
routes:
  - { id: one, match: { path: { prefix: one } } }
  - { id: two, match: any, expired_cookie: anonymous }
  - { id: three, match: { path: { prefix: /three } }, require: { cel: 'claims.x = 1' } }
  - { match: any, auth: maybe }
  - { id: four, match: { path: { template: '/four/{id}' } }, require: { equals: { path: nr, identity: user_id } } }
guards:
  - { id: g, match: { methods: [get] }, require: { user: 7 } }
  - { id: h, match: any }
";
    let problems = bad(yaml, &[]);
    let found: Vec<(&str, &str)> = super::places(&problems);
    for expected in [
        ("test.yaml:1", "chek"),
        ("test.yaml:2", "check.timeout"),
        ("test.yaml:2", "check.max_in_flight"),
        ("test.yaml:4", "issuers[0].apps[0].id"),
        ("test.yaml:5", "issuers[1].audiences"),
        ("test.yaml:7", "routes[0].match.path.prefix"),
        ("test.yaml:8", "routes[1].expired_cookie"),
        ("test.yaml:9", "routes[2].require.cel"),
        ("test.yaml:10", "routes[3]"),
        ("test.yaml:10", "routes[3].auth"),
        ("test.yaml:11", "routes[4].require.equals.path"),
        ("test.yaml:13", "guards[0].match.methods[0]"),
        ("test.yaml:13", "guards[0].require.user"),
        ("test.yaml:14", "guards[1]"),
    ] {
        assert!(found.contains(&expected), "{expected:?} is not in {found:#?}");
    }
}

/// (the file, a part of the message)
#[rustfmt::skip] // one case a line
const WORDS: &[(&str, &str)] = &[
    ("check: { timeout: 5 }", "`5` has no unit; write it like 5s, 50ms, 200ms, 1s"),
    ("check: { timeout: soon }", "`soon` is not a duration; write it like 50ms, 200ms, 1s, 5s"),
    ("check: { max_in_flight: 1.5 }", "`1.5` is no whole number; write one, such as 2"),
    ("check: { max_in_flight: 100.0 }", "`100.0` is written with a point or an exponent; write 100"),
    ("default: { require: { user: 7 } }", "`7` is a number; write it in quotes: \"7\""),
    ("default: { require: { user: [7] } }", "`7` is a number; write it in quotes: \"7\""),
    ("default: { require: { max_age: 5 } }", "`5` has no unit; write it like 5s, 1s, 30s, 10m"),
    ("default: { require: { any: [never] } }", "`never` stands alone, as require: never"),
    ("routes: [{ id: 'a b', match: any }]", "write lower case letters, digits, `-` and `_`, at most 63, as in shop-api"),
    ("issuers: [{ name: a }]", "`kind` is missing; write kind: rownd, supertokens, oidc, firebase, static"),
    ("issuers: [{ name: a, kind: rownd, apps: [{ id: key_abc }] }]", "is an app key, by its form, and no app's id; write `key: key_...`"),
    ("check: {}\n---\ncheck: {}\n", "begins a second YAML document"),
    ("check: { ttl: 1s }", "unknown field; known fields: "),
    ("grpc: { address: '127.0.0.1:1' }", "unknown field here; `grpc` belongs into `listeners`"),
    ("routes: [{ id: a, match: { prefix: /a } }]", "`prefix` belongs into `path`"),
    ("routes: [{ id: a, match: any, role: owner }]", "`role` belongs into `require`"),
    ("guards: [{ id: a, match: any, require: { user: x }, auth: none }]", "unknown field; known fields: "),
    // A value is told as it stands in the file.
    ("check: { realm: no }", "`no` is true or false; write it in quotes: \"no\""),
    ("check: { realm: 0x1F }", "`0x1F` is a number; write it in quotes: \"0x1F\""),
    ("check: { realm: 1_000 }", "`1_000` is a number; write it in quotes: \"1_000\""),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: [y] }]", "`y` is true or false; write it in quotes: \"y\""),
    ("routes: [{ id: a, match: any, auth: off }]", "`off` is not a known word; write none, optional, required"),
    ("listeners: { grpc: { socket_mode: 0660 } }", "`0660` is a number; write the permission bits in quotes, as in \"0660\""),
    ("listeners: { grpc: { socket_mode: 0o640 } }", "`0o640` is a number; write the permission bits in quotes"),
    ("check: { max_headers: 0200 }", "`0200` begins with a zero; write 200"),
    ("shutdown: { grace: 1h }", "`1h` is outside 0s to 10m"),
    ("issuers: [{ name: a, kind: static, issuer: p, audiences: [b], key_set: { keys: [] } }]", "the value is a map; write text"),
    ("routes: [{ id: a, match: { path: /a } }]", "the value is text; write a map with exactly one of `exact`, `prefix`, `regex` and `template`"),
    ("check: { time-out: 1s }", "unknown field; did you mean `timeout`?"),
    ("routes: [{ id: a, match: { path: { regex: '(' } } }]", "unclosed group"),
];

#[test]
fn messages_say_what_stands_there_and_what_to_write() {
    for (yaml, part) in WORDS {
        let problems = bad(yaml, &[APP]);
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(texts.iter().any(|text| text.contains(part)), "{part} in\n{texts:#?}");
    }
}

/// (the file, the setting): what could only follow from the mistake is not told.
#[rustfmt::skip] // one case a line
const ALONE: &[(&str, &str)] = &[
    ("routes: [{ id: a, match: { path: /a } }]", "routes[0].match.path"),
    ("routes: [{ id: a, match: any, require: { claim: plan } }]", "routes[0].require.claim"),
    ("headers: [{ name: x-a, from: user_id }]", "headers[0].from"),
    ("credentials: [{ bearer: true }]", "credentials[0].bearer"),
    ("revocation: { max_ttl: 10y }", "revocation.max_ttl"),
    ("check: { max_in_flight: many }", "check.max_in_flight"),
];

#[test]
fn one_mistake_is_one_problem() {
    for (yaml, setting) in ALONE {
        let problems = bad(yaml, &[APP]);
        assert_eq!(problems.len(), 1, "{yaml}: {problems:#?}");
        assert_eq!(problems[0].setting, *setting, "{yaml}");
    }
}

#[test]
fn a_requirement_that_is_nested_too_deeply_is_told_in_our_words() {
    for levels in [9, 100, 1000, 5000] {
        let yaml = format!(
            "default:\n  require: {}{{ user: a }}{}\n",
            "{ not: [".repeat(levels),
            "] }".repeat(levels)
        );
        let problems = bad(&yaml, &[APP]);
        assert_eq!(problems.len(), 1, "{levels}: {problems:#?}");
        assert!(problems[0].place.starts_with("test.yaml:"), "{levels}: {problems:#?}");
        let message = &problems[0].message;
        assert!(
            message.contains("8 levels") || message.contains("may stand in each other 8 times"),
            "{levels}: {message}"
        );
    }
}

#[test]
fn an_entry_that_is_left_out_is_one_problem() {
    for name in ["ROWND_AUTHZ__CREDENTIALS__1__HEADER", "ROWND_AUTHZ__CREDENTIALS__1__FORMAT"] {
        let problems = bad("", &[APP, (name, "plain")]);
        assert_eq!(problems.len(), 1, "{name}: {problems:#?}");
        assert!(problems[0].message.contains("write 0 for the next one"), "{problems:#?}");
    }
}
