//! Roles, groups, scopes and addresses that a token does not have although their user may have some: they
//! are unknown, not none.

use super::{
    config,
    requirements::{Caller, ISSUERS, asking, said},
};
use crate::{
    model::{KeptClaims, ListsElsewhere},
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
        let names: Vec<_> = names.iter().map(|name| (*name).into()).collect();
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
