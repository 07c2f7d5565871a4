//! More rights never deny what fewer allow, and a fact that is missing never allows what the fact itself
//! would deny.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::requirements::{Caller, ask, compile};
use crate::model::AuthLevel;

const ROLES: &str = r#"roles:
  viewer: { permissions: ["orders:read"] }
  editor: { permissions: ["orders:write"], inherits: [viewer] }
role_sources: [{ issuers: [keycloak], mapped: true }]
"#;

/// A condition whose truth can only grow with auth level, roles and scopes.
fn growing() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "{ auth_level: guest }",
        "{ auth_level: verified }",
        "{ issuer: keycloak, scope: read }",
        "{ issuer: keycloak, scope: [read, write] }",
        "{ role: viewer }",
        "{ role: [editor, admin] }",
        "{ permission: 'orders:read' }",
        "{ permission: 'orders:write' }",
        "{ issuer: partner }",
        "{ issuer: keycloak }",
        "{ issuer: keycloak, app: app_1 }",
    ]);
    tree(leaf.prop_map(str::to_owned).boxed(), &["all", "any"])
}

/// A condition over claims that may be missing; `exists` alone always knows.
fn over_claims() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "{ issuer: keycloak, claim: { name: a, equals: x } }",
        "{ issuer: keycloak, claim: { name: a, in: [x, y] } }",
        "{ issuer: keycloak, claim: { name: a, matches: 'x|z' } }",
        "{ issuer: keycloak, claim: { name: count, gt: 1 } }",
        "{ issuer: keycloak, claim: { name: count, lt: 5 } }",
        "{ issuer: keycloak, claim: { name: list, contains: x } }",
        "{ issuer: keycloak, cel: \"claims.a == 'x'\" }",
        "{ issuer: keycloak, cel: \"claims.count > 1 || claims.a == 'y'\" }",
        "{ issuer: keycloak, cel: \"!(claims.a == 'x')\" }",
        "{ issuer: keycloak, tenant: acme }",
        "{ issuer: keycloak, app: app_1 }",
        "{ max_age: 5m }",
        "{ token_max_age: 5m }",
    ]);
    tree(leaf.prop_map(str::to_owned).boxed(), &["all", "any", "not"])
}

fn tree(
    leaf: BoxedStrategy<String>,
    words: &'static [&'static str],
) -> impl Strategy<Value = String> {
    leaf.prop_recursive(3, 12, 3, move |below| {
        (prop::sample::select(words.to_vec()), prop::collection::vec(below, 1..4))
            .prop_map(|(word, parts)| format!("{{ {word}: [{}] }}", parts.join(", ")))
    })
}

fn some_of(all: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(all.to_vec(), 0..=all.len())
        .prop_map(|some| some.into_iter().map(str::to_owned).collect())
}

/// A value for each claim, and whether it is missing for now.
fn claims() -> impl Strategy<Value = Vec<(&'static str, Value, bool)>> {
    let of = |name: &'static str, values: Vec<Value>| {
        (prop::sample::select(values), any::<bool>())
            .prop_map(move |(value, gone)| (name, value, gone))
    };
    (
        of("a", vec![json!("x"), json!("y"), json!("q"), json!(7)]),
        of("count", vec![json!(0), json!(3), json!(9), json!("3")]),
        of("list", vec![json!(["x"]), json!(["y"]), json!([])]),
        of("auth_time", vec![json!(super::requirements::NOW - 10), json!(1)]),
    )
        .prop_map(|(a, n, list, time)| vec![a, n, list, time])
}

/// The caller with all facts, or with those that are not missing.
fn caller(claims: &[(&'static str, Value, bool)], tenant: bool, whole: bool) -> Caller {
    let kept = claims.iter().filter(|(_, _, gone)| whole || !gone);
    let kept: serde_json::Map<String, Value> =
        kept.map(|(name, value, _)| ((*name).to_owned(), value.clone())).collect();
    Caller::of("keycloak").claims(&Value::Object(kept)).with(|who| {
        if whole || tenant {
            who.tenant = Some("acme".to_owned());
            who.app_id = Some("app_2".to_owned());
            who.issued_at = Some(super::requirements::NOW - 1_000);
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn more_rights_never_deny_what_fewer_allow(
        require in growing(),
        level in prop::sample::select(AuthLevel::ALL.to_vec()),
        more_level in prop::sample::select(AuthLevel::ALL.to_vec()),
        roles in some_of(&["viewer", "editor", "admin"]),
        more_roles in some_of(&["viewer", "editor", "admin", "other"]),
        scopes in some_of(&["read", "write"]),
        more_scopes in some_of(&["read", "write", "other"]),
    ) {
        let policy = compile(&format!(
            "{ROLES}guards: [{{ id: g, match: any, require: {require} }}]\n\
             routes: [{{ id: it, match: any, require: {require} }}]"
        ));
        let fewer = Caller::of("keycloak").with(|who| {
            who.auth_level = level;
            who.roles.clone_from(&roles);
            who.scopes.clone_from(&scopes);
        });
        let more = fewer.clone().with(|who| {
            who.auth_level = level.max(more_level);
            who.roles.extend(more_roles.clone());
            who.scopes.extend(more_scopes.clone());
        });
        if ask(&policy, "/", Some(&fewer)).is_ok() {
            prop_assert!(ask(&policy, "/", Some(&more)).is_ok(), "{}", require);
        }
    }

    #[test]
    fn a_missing_fact_never_allows_what_the_fact_itself_would_deny(
        require in over_claims(),
        claims in claims(),
        tenant: bool,
    ) {
        let policy = compile(&format!("routes: [{{ id: it, match: any, require: {require} }}]"));
        let without = ask(&policy, "/", Some(&caller(&claims, tenant, false)));
        if without.is_ok() {
            let whole = ask(&policy, "/", Some(&caller(&claims, tenant, true)));
            prop_assert!(whole.is_ok(), "{}: {:?}", require, whole);
        }
        // No request passes a condition and its opposite.
        let opposite =
            compile(&format!("routes: [{{ id: it, match: any, require: {{ not: [{require}] }} }}]"));
        let both = ask(&opposite, "/", Some(&caller(&claims, tenant, false)));
        prop_assert!(without.is_err() || both.is_err(), "{}", require);
    }
}
