//! Conditions that no user can fulfil are warnings.

use super::{config, requirements::ISSUERS};
use crate::policy::warnings;

#[test]
fn a_condition_that_no_configured_issuer_can_fulfil_is_a_warning() {
    for (require, expected) in [
        ("{ issuer: rownd, all: [{ issuer: partner, scope: a }] }", Some("leave no issuer")),
        ("{ issuer: partner, group: a }", Some("has `claims.groups` or profiles")),
        ("{ issuer: [partner, keycloak], any: [{ issuer: keycloak, group: a }] }", None),
        ("{ issuer: partner, attribute: { name: a, exists: true } }", Some("have profiles")),
        ("{ issuer: rownd, group_role: { group: a, role: b } }", None),
        ("{ issuer: partner, tenant: a }", Some("has tenants")),
        ("{ role: a }", Some("no entry of `role_sources` can give it")),
        ("{ permission: 'a:b' }", Some("which no user can have")),
        ("{ issuer: rownd, scope: a }", Some("has `claims.scopes`")),
        ("{ issuer: [rownd, partner], any: [{ issuer: partner, scope: a }] }", None),
        ("{ issuer: rownd, max_age: 5m }", Some("have no `auth_time`")),
        ("{ max_age: 5m }", None),
        ("{ source: cookie }", Some("no credential is looked for there")),
        ("{ source: [cookie, header] }", None),
        ("{ issuer: partner, not: [{ user: 'banned-*' }] }", Some("is taken literally")),
        ("{ anonymous: false }", None),
    ] {
        let text = format!("{ISSUERS}routes: [{{ id: a, match: any, require: {require} }}]");
        let found: Vec<String> = warnings(&config(&text)).iter().map(ToString::to_string).collect();
        match expected {
            Some(part) => {
                assert!(found.iter().any(|text| text.contains(part)), "{require}: {found:?}")
            }
            None => assert_eq!(found, [] as [String; 0], "{require}"),
        }
    }
}
