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

/// Issuers of each kind, with and without what a condition may ask for.
const KINDS: &str = r#"
issuers:
  - { name: rownd, kind: rownd, apps: [{ id: app_1, key: key, secret: secret }] }
  - { name: sessions, kind: supertokens, base_url: "https://st.test/auth" }
  - { name: fire, kind: firebase, project: shop }
  - { name: scoped, kind: firebase, project: shop-2, claims: { scopes: scp } }
  - { name: plain, kind: oidc, issuer: "https://plain.test", audiences: [api] }
  - { name: mapped, kind: oidc, issuer: "https://mapped.test", audiences: [api], claims: { tenant: tid, groups: g } }
  - { name: many, kind: oidc, issuer: "https://many.test/{tenant}", tenants: [a], audiences: [api] }
"#;

/// The warnings of this configuration.
fn warned(text: &str) -> Vec<String> {
    warnings(&config(text)).iter().map(ToString::to_string).collect()
}

#[test]
fn each_kind_of_issuer_fulfils_what_its_tokens_say() {
    #[rustfmt::skip] // one case a line
    let cases = [
        ("tenant: a", "has tenants", &["sessions", "mapped", "many"][..]),
        ("scope: a", "has `claims.scopes`", &["sessions", "scoped", "plain", "mapped", "many"]),
        ("max_age: 5m", "have no `auth_time`", &["fire", "scoped", "plain", "mapped", "many"]),
        ("group: a", "has `claims.groups` or profiles", &["rownd", "mapped"]),
        ("group_role: { group: a, role: b }", "have profiles", &["rownd"]),
        ("attribute: { name: a, exists: true }", "have profiles", &["rownd"]),
    ];
    for (condition, part, fulfil) in cases {
        for issuer in ["rownd", "sessions", "fire", "scoped", "plain", "mapped", "many"] {
            let require = format!("{{ issuer: {issuer}, {condition} }}");
            let found =
                warned(&format!("{KINDS}routes: [{{ id: a, match: any, require: {require} }}]"));
            if fulfil.contains(&issuer) {
                assert_eq!(found, [] as [String; 0], "{require}");
            } else {
                assert_eq!(found.len(), 1, "{require}: {found:?}");
                assert!(found.iter().all(|text| text.contains(part)), "{require}: {found:?}");
            }
        }
    }
}

#[test]
fn a_warning_names_its_place() {
    let found = warned(&format!(
        "{ISSUERS}guards: [{{ id: g, match: any, require: {{ issuer: partner, user: 'a*' }} }}]
routes:
  - {{ id: a, match: any }}
  - {{ id: b, match: any, require: {{ issuer: partner, tenant: t, role: r, permission: 'p:q' }} }}
default: {{ require: {{ source: cookie }} }}"
    ));
    for place in [
        "guards[0].require.user: `a*` is taken literally",
        "routes[1].require: no user can fulfil `tenant`",
        "routes[1].require.role asks for the role `r`",
        "routes[1].require.permission asks for the permission `p:q`",
        "default.require: no user can fulfil `source`",
    ] {
        let of_place = found.iter().filter(|text| text.contains(place)).count();
        assert_eq!(of_place, 1, "{place}: {found:#?}");
    }
    assert_eq!(found.len(), 5, "{found:#?}");
}

#[test]
fn a_star_in_a_list_is_a_warning_where_it_stands_for_itself() {
    for (issuer, condition) in [
        ("rownd", "user"),
        ("rownd", "group"),
        ("keycloak", "scope"),
        ("rownd", "app"),
        ("rownd", "app_variant"),
        ("keycloak", "tenant"),
    ] {
        for (value, is_warned) in [("'a*'", true), ("[a, '*']", true), ("a", false)] {
            let text = format!(
                "{ISSUERS}routes: [{{ id: a, match: any, require: {{ issuer: {issuer}, {condition}: {value} }} }}]"
            );
            let found = warned(&text);
            let star = found.iter().any(|text| text.contains("is taken literally"));
            assert_eq!(star, is_warned, "{condition}: {value}: {found:?}");
        }
    }
}

#[test]
fn a_source_of_credentials_is_looked_for_where_the_configuration_says() {
    for (credential, source) in [
        ("header: authorization", "header"),
        ("cookie: c", "cookie"),
        ("query: q", "query"),
        ("websocket_protocol: bearer", "websocket_protocol"),
    ] {
        for asked in ["header", "cookie", "query", "websocket_protocol"] {
            let found = warned(&format!(
                "{ISSUERS}credentials: [{{ {credential} }}]
routes: [{{ id: a, match: any, require: {{ source: {asked} }} }}]"
            ));
            let unmet = found.iter().any(|text| text.contains("no credential is looked for there"));
            assert_eq!(unmet, asked != source, "{credential}: {asked}: {found:?}");
        }
    }
}
