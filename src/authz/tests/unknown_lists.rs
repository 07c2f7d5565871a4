//! Lists that are unknown are told to the service as nothing, never as empty.

use serde_json::json;

use super::outputs::{told, who};
use crate::model::{IdentityFacts, ListsElsewhere};

#[test]
fn what_is_unknown_is_told_as_nothing_and_not_as_none() {
    const LISTS: &str = "issuers: [{ name: rownd, kind: rownd, apps: [{ id: app_test }], claims: { groups: g, roles: r, scopes: s } }]";
    const NONE: &str = "issuers: [{ name: rownd, kind: rownd, apps: [{ id: app_test }] }]";
    let yaml = |issuers: &str, from: &str| {
        format!(
            "{issuers}\nroutes: [{{ id: a, match: any, auth: optional, headers: [{{ name: x-a, \
             from: {{ {from} }}, format: json }}] }}]"
        )
    };
    let all = ListsElsewhere { groups: true, roles: true, scopes: true };
    for list in ["groups", "roles", "scopes"] {
        let place = format!("identity: {list}");
        let blocked = format!("cel: '\"x\" in identity.{list}'");
        let unblocked = format!("cel: '!(\"x\" in identity.{list})'");
        for (from, of_known) in [(&place, "[]"), (&blocked, "false"), (&unblocked, "true")] {
            let known = IdentityFacts { roles: Vec::new(), ..who(json!({})) };
            let elsewhere = IdentityFacts { elsewhere: all, ..known.clone() };
            let of = |issuers, who: &IdentityFacts| {
                let told = told(&yaml(issuers, from), &[], Some(who.clone()));
                told.header("x-a").map(str::to_owned)
            };
            assert_eq!(of(LISTS, &known).as_deref(), Some(of_known), "{from}");
            assert_eq!(of(LISTS, &elsewhere), None, "{from}: the token points to it");
            assert_eq!(of(NONE, &known), None, "{from}: no token says it");
        }
    }
    // Of nobody nothing is known, not even what it lacks.
    for from in ["cel: '!has(claims.p)'", "cel: '!has(identity.tenant)'"] {
        assert_eq!(told(&yaml(LISTS, from), &[], None).header("x-a"), None, "{from}");
    }
}
