//! Roles, groups, scopes and addresses that a token does not have although their user may have some: they
//! are unknown, not none.

use serde_json::json;

use super::{
    config,
    requirements::{Caller, ISSUERS, asking, said},
};
use crate::{
    model::{KeptClaims, ListsElsewhere, UnreadClaim},
    policy::Policy,
};

const ALL: ListsElsewhere = ListsElsewhere { roles: true, groups: true, scopes: true };

/// A user of `keycloak` with one role, group and scope in the token, and these lists elsewhere.
fn caller(elsewhere: ListsElsewhere) -> Caller {
    Caller::of("keycloak").with(|who| {
        [who.roles, who.groups, who.scopes] = ["r", "g", "s"].map(|name| vec![name.to_owned()]);
        who.elsewhere = elsewhere;
    })
}

#[test]
fn a_list_that_is_elsewhere_is_unknown_where_it_says_no() {
    let none = caller(ListsElsewhere::default());
    for (asked, of_none, of_all) in [
        ("role: x", "requirement_unmet", "requirement_unknown"),
        ("group: x", "requirement_unmet", "requirement_unknown"),
        ("scope: x", "scope_missing", "scope_missing"),
        ("not: [{ role: x }]", "ok", "requirement_unknown"),
        ("not: [{ group: x }]", "ok", "requirement_unknown"),
        ("not: [{ scope: x }]", "ok", "requirement_unknown"),
        ("cel: '!(\"x\" in identity.groups)'", "ok", "expression_failed"),
        ("cel: '!(\"x\" in identity.scopes)'", "ok", "expression_failed"),
        ("cel: '!(\"x\" in identity.roles)'", "ok", "expression_failed"),
    ] {
        let rights = "role_sources: [{ issuers: [keycloak], mapped: true }]\n";
        for sources in ["", rights] {
            let policy = Policy::build(&config(&format!(
                "{ISSUERS}{sources}routes: [{{ id: it, match: any, require: {{ issuer: keycloak, {asked} }} }}]"
            )));
            // Without a source of roles, the roles of users are unknown.
            if sources.is_empty() && asked.contains("{ role: x }") || asked == "role: x" {
                continue;
            }
            assert_eq!(said(&policy, &none), of_none, "{asked} {sources}");
            assert_eq!(said(&policy, &caller(ALL)), of_all, "{asked} {sources}");
        }
    }
}

#[test]
fn a_claim_that_is_elsewhere_is_no_empty_source_of_roles() {
    let unread = |names: &[&str]| {
        let names: Vec<_> =
            names.iter().map(|name| ((*name).into(), UnreadClaim::Elsewhere)).collect();
        Caller::of("keycloak").with(|who| who.claims = KeptClaims::default().without(names))
    };
    for (source, claim) in [
        ("claim: groups, map: { g: blocked }", "groups"),
        ("claim: /realm/roles, map: { g: blocked }", "/realm/roles"),
        ("users: { '@blocked.test': [blocked] }", "email"),
        ("users: { '@blocked.test': [blocked] }", "email_verified"),
    ] {
        let policy = Policy::build(&config(&format!(
            "{ISSUERS}roles: {{ blocked: {{ permissions: ['a:b'] }} }}
role_sources: [{{ issuers: [keycloak], {source} }}]
routes: [{{ id: it, match: any, require: {{ not: [{{ role: blocked }}] }} }}]"
        )));
        assert_eq!(said(&policy, &unread(&[])), "ok", "{source}");
        assert_eq!(said(&policy, &unread(&[claim])), "requirement_unknown", "{source}");
    }
    // A comparison with an absent claim is unknown, whyever it is absent.
    let policy = asking("{ issuer: keycloak, not: [{ claim: { name: groups, equals: x } }] }");
    assert_eq!(said(&policy, &unread(&["groups"])), "requirement_unknown");
}

#[test]
fn a_claim_that_is_elsewhere_is_there_and_has_no_value() {
    let unread = |why: UnreadClaim| {
        Caller::of("keycloak").with(|who| {
            let name = if why == UnreadClaim::Elsewhere { "status" } else { "/status/x" };
            who.claims = KeptClaims::default().without([(name.into(), why)]);
        })
    };
    let (pointed, inside) = (unread(UnreadClaim::Elsewhere), unread(UnreadClaim::Untold));
    let blocked = unread(UnreadClaim::Blocked);
    let none = Caller::of("keycloak");
    const NO: &str = "requirement_unmet";
    const UNKNOWN: &str = "requirement_unknown";
    const FAULT: &str = "expression_failed";
    let block_list = "any: [{ claim: { name: status, exists: false } }, \
                      { not: [{ claim: { name: status, equals: suspended } }] }]";
    #[rustfmt::skip] // one case a line
    let cases = [
        ("claim: { name: status, exists: true }", &pointed, "ok"),
        ("claim: { name: status, exists: false }", &pointed, NO),
        ("not: [{ claim: { name: status, exists: true } }]", &pointed, NO),
        ("not: [{ claim: { name: status, exists: false } }]", &pointed, "ok"),
        ("claim: { name: status, equals: active }", &pointed, UNKNOWN),
        (block_list, &pointed, UNKNOWN),
        (block_list, &none, "ok"),
        ("claim: { pointer: /status/x, exists: true }", &inside, UNKNOWN),
        ("claim: { pointer: /status/x, exists: false }", &inside, UNKNOWN),
        ("not: [{ claim: { pointer: /status/x, exists: true } }]", &inside, UNKNOWN),
        ("claim: { pointer: /status/x, exists: true }", &blocked, NO),
        ("claim: { pointer: /status/x, exists: false }", &blocked, "ok"),
        ("cel: has(claims.status)", &pointed, "ok"),
        ("cel: '!has(claims.status)'", &pointed, NO),
        ("cel: '!(\"status\" in claims)'", &pointed, NO),
        ("cel: '!has(claims.status)'", &none, "ok"),
        ("cel: claims.status == 'active'", &pointed, FAULT),
        ("cel: claims.status != 'suspended'", &pointed, FAULT),
        ("cel: has(claims.status.x)", &pointed, FAULT),
        ("cel: '!has(claims.status) || claims.status != \"suspended\"'", &pointed, FAULT),
    ];
    for (asked, caller, expected) in cases {
        let policy = asking(&format!("{{ issuer: keycloak, {asked} }}"));
        assert_eq!(said(&policy, caller), expected, "{asked}");
    }
}

#[test]
fn a_null_inside_of_a_claim_is_as_absent_as_a_claim_that_is_null() {
    let caller = Caller::of("keycloak").claims(&json!({ "k": null, "on": { "k": null, "a": 1 } }));
    const NO: &str = "requirement_unmet";
    const FAULT: &str = "expression_failed";
    for (of_claim, inside, expected) in [
        ("has(claims.k)", "has(claims.on.k)", NO),
        ("!has(claims.k)", "!has(claims.on.k)", "ok"),
        ("'k' in claims", "'k' in claims.on", NO),
        ("claims.k == null", "claims.on.k == null", "ok"),
        ("claims.k != null", "claims.on.k != null", NO),
        ("claims.k == 'x'", "claims.on.k == 'x'", FAULT),
        ("claims.k != 'x'", "claims.on['k'] != 'x'", FAULT),
        ("claims.absent == null", "claims.on.absent == null", FAULT),
    ] {
        for expression in [of_claim, inside] {
            let policy = asking(&format!("{{ issuer: keycloak, cel: \"{expression}\" }}"));
            assert_eq!(said(&policy, &caller), expected, "{expression}");
        }
    }
}
