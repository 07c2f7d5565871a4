//! The cause of a denial and the requirement that the client is told, in the words of the configuration.

use serde_json::json;

use super::requirements::{Caller, ask, asking, compile};
use crate::model::AuthLevel;

/// The reason of the denial, and what was asked.
fn told(require: &str, caller: &Caller) -> (&'static str, String) {
    let policy = compile(&format!(
        "routes:
           - id: it
             match: {{ path: {{ template: '/users/{{id}}' }} }}
             require: {require}"
    ));
    let denial = ask(&policy, "/users/somebody", Some(caller)).expect_err(require);
    let explanation = denial.explanation().expect(require);
    assert_eq!(&*explanation.rule, "it", "{require}");
    (denial.reason().code(), explanation.required.to_string())
}

#[test]
fn each_condition_is_told_in_the_words_of_the_configuration() {
    let guest = Caller::of("rownd")
        .with(|who| {
            who.auth_level = AuthLevel::Guest;
            who.anonymous = true;
            who.app_id = Some("app_2".to_owned());
            who.app_variant = Some("v9".to_owned());
            who.issued_at = Some(0);
        })
        .claims(&json!({ "plan": "tin", "auth_time": 0, "sub2": "other" }))
        .profile(|profile| {
            profile.attributes.insert("a".to_owned(), json!({ "b": "c" }));
        });
    let keycloak = Caller::of("keycloak").with(|who| who.tenant = Some("other".to_owned()));
    let (unmet, unknown) = ("requirement_unmet", "requirement_unknown");
    #[rustfmt::skip] // one case a line
    let cases = [
        ("{ auth_level: verified }", &guest, "auth_level_too_low", "auth_level: verified"),
        ("{ anonymous: false }", &guest, unmet, "anonymous: false"),
        ("{ issuer: [partner, keycloak] }", &guest, unmet, "issuer: partner or keycloak"),
        ("{ issuer: rownd, verified: [email, phone] }", &guest, unmet, "verified: email or phone"),
        ("{ issuer: rownd, app: app_1 }", &guest, unmet, "app: app_1"),
        ("{ issuer: rownd, app_variant: v1 }", &guest, unmet, "app_variant: v1"),
        ("{ issuer: keycloak, tenant: acme }", &keycloak, unmet, "tenant: acme"),
        ("{ issuer: rownd, user: [ann, bob] }", &guest, unmet, "user: ann or bob"),
        ("{ issuer: keycloak, scope: read }", &keycloak, "scope_missing", "scope: read"),
        ("{ issuer: keycloak, role: owner }", &keycloak, unknown, "role: owner"),
        ("{ issuer: keycloak, permission: 'a:b' }", &keycloak, unknown, "permission: a:b"),
        ("{ issuer: rownd, group: [g1, g2] }", &guest, unmet, "group: g1 or g2"),
        ("{ issuer: rownd, group_role: { group: [g1, g2], role: [a, b] } }", &guest, unmet, "group_role: a or b in g1 or g2"),
        ("{ issuer: rownd, attribute: { name: x, equals: y } }", &guest, unknown, "attribute: x"),
        ("{ issuer: rownd, attribute: { pointer: /a/b, equals: other } }", &guest, unmet, "attribute: /a/b"),
        ("{ issuer: rownd, claim: { name: plan, equals: gold } }", &guest, unmet, "claim: plan"),
        ("{ issuer: rownd, equals: { path: id, identity: user_id } }", &guest, unmet, "equals: id"),
        ("{ issuer: rownd, equals: { path: id, claim: sub2 } }", &guest, unmet, "equals: id"),
        ("{ max_age: 5m }", &guest, "authentication_too_old", "max_age: 5m"),
        ("{ token_max_age: 90s }", &guest, "token_too_old", "token_max_age: 1m 30s"),
        ("{ source: cookie }", &guest, unmet, "source: another place of the credential"),
        ("{ issuer: rownd, cel: \"claims.plan == 'gold'\" }", &guest, unmet, "cel: claims.plan == 'gold'"),
        ("{ issuer: rownd, cel: \"claims.none == 'x'\" }", &guest, "expression_failed", "cel: claims.none == 'x'"),
        ("never", &guest, unmet, "never"),
        ("{ issuer: rownd, not: [{ user: user_1 }, { anonymous: true }] }", &guest, unmet, "not: [user: user_1, anonymous: true]"),
        ("{ issuer: rownd, not: [{ app: app_1 }] }", &Caller::of("rownd"), unknown, "not: [app: app_1]"),
        ("{ issuer: rownd, not: [{ any: [{ user: a }, { all: [{ user: user_1 }, { anonymous: true }] }] }] }", &guest, unmet, "not: [any: [user: a, all: [user: user_1, anonymous: true]]]"),
    ];
    for (require, caller, reason, text) in cases {
        assert_eq!(told(require, caller), (reason, text.to_owned()), "{require}");
    }
}

#[test]
fn a_long_requirement_is_cut_at_a_whole_character() {
    let user = Caller::of("rownd");
    // `not: [user: ` and `user_1 or ` and the rest and `]`.
    for (rest, expected) in [
        ("x".repeat(177), None),
        ("x".repeat(178), Some(178)),
        ("\u{e9}".repeat(89), Some(178)),
        // The byte at the limit is the second one of a character.
        (format!("x{}", "\u{e9}".repeat(89)), Some(177)),
    ] {
        let whole = format!("not: [user: user_1 or {rest}]");
        let (_, text) =
            told(&format!("{{ issuer: rownd, not: [{{ user: [user_1, {rest}] }}] }}"), &user);
        let cut = |bytes: usize| format!("not: [user: user_1 or {}...", &rest[..bytes]);
        assert_eq!(text, expected.map_or(whole, cut), "{rest}");
    }
}

#[test]
fn a_policy_without_conditions_on_a_part_says_no_more_than_asked() {
    // Of several that are not met, the one that a client can do least about.
    let policy = asking("{ issuer: rownd, all: [{ anonymous: true }, { max_age: 1m }] }");
    let denial = ask(&policy, "/", Some(&Caller::of("rownd"))).unwrap_err();
    let required = denial.explanation().map(|why| why.required.to_string());
    assert_eq!(required.as_deref(), Some("anonymous: true"));
}

/// A client that asked for one scope alone would lack the other the next time.
#[test]
fn the_scopes_that_have_to_hold_together_are_told_together() {
    let policy = asking("{ issuer: keycloak, all: [{ scope: a }, { scope: b }] }");
    for scopes in [&[][..], &["a"], &["b"]] {
        let user = Caller::of("keycloak")
            .with(|who| who.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect());
        let denial = ask(&policy, "/", Some(&user)).unwrap_err();
        let mut told: Vec<&str> = denial.scopes().unwrap().iter().map(|scope| &**scope).collect();
        told.sort_unstable();
        assert_eq!(told, ["a", "b"], "{scopes:?}");
    }
}
