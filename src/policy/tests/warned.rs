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
        (
            "{ issuer: rownd, claim: { name: iss, equals: 'https://api.rownd.com' } }",
            Some("the `iss` of the issuers"),
        ),
        ("{ issuer: rownd, claim: { name: iss, equals: 5 } }", Some("the `iss` of the issuers")),
        (
            "{ issuer: rownd, claim: { name: iss, in: ['https://x.test', 'https://api.rownd.io'] } }",
            None,
        ),
        ("{ issuer: rownd, claim: { name: iss, matches: 'https://.*' } }", None),
        ("{ issuer: rownd, claim: { name: exp, equals: '5' } }", Some("without quotes")),
        ("{ issuer: rownd, claim: { name: exp, in: ['5', 5] } }", None),
        ("{ issuer: rownd, claim: { name: level, equals: '5' } }", None),
        ("{ source: cookie }", Some("no credential is looked for there")),
        ("{ source: [cookie, header] }", None),
        (
            "{ not: [{ source: query }] }",
            Some("`not` of it excludes nobody: no credential is looked for"),
        ),
        ("{ not: [{ not: [{ source: query }] }] }", Some("no user can fulfil it")),
        (
            "{ issuer: partner, not: [{ group: a }] }",
            Some("is unknown for every user, and so is `not` of it"),
        ),
        (
            "{ issuer: partner, not: [{ issuer: rownd, user: a }] }",
            Some("excludes nobody: the conditions `issuer`"),
        ),
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

/// Requirements that no request can meet, each with the setting that is told and a part of the text.
#[rustfmt::skip] // one case a line
const CONTRADICTIONS: &[(&str, &str, &str)] = &[
    ("{ issuer: rownd, claim: { name: a, gt: 5, lt: 3 } }", "require.claim", "can never be met: no number is above"),
    ("{ issuer: rownd, claim: { name: a, gt: 5, lt: 5 } }", "require.claim", "no number is above"),
    ("{ issuer: rownd, claim: { name: a, equals: x, in: [y, z] } }", "require.claim", "no value passes"),
    ("{ issuer: rownd, claim: { name: a, equals: 1, gt: 1 } }", "require.claim", "no value passes"),
    ("{ issuer: rownd, claim: { name: a, in: [a, b], matches: 'c.*' } }", "require.claim", "no value passes"),
    ("{ issuer: rownd, claim: { name: a, equals: '1', gt: 0 } }", "require.claim", "different kinds"),
    ("{ issuer: rownd, claim: { name: a, contains: x, matches: x } }", "require.claim", "different kinds"),
    ("{ issuer: rownd, attribute: { name: a, gt: 5, lt: 3 } }", "require.attribute", "no number is above"),
    ("{ issuer: rownd, all: [{ claim: { name: a, equals: 1 } }, { claim: { name: a, equals: 2 } }] }", "require.all[1].claim", "together with `routes[0].require.all[0].claim`: no value passes"),
    ("{ issuer: rownd, claim: { name: a, exists: false }, all: [{ claim: { name: a, equals: 2 } }] }", "require.all[0].claim", "absent"),
    ("{ issuer: rownd, not: [{ issuer: rownd }] }", "require.not[0].issuer", "`not` excludes every value"),
    ("{ all: [{ issuer: rownd }, { not: [{ issuer: [rownd, partner] }] }] }", "require.all[1].not[0].issuer", "`not` excludes"),
    ("{ anonymous: true, auth_level: verified }", "require.anonymous", "auth level `guest` at most"),
    ("{ anonymous: true, all: [{ anonymous: false }] }", "require.all[0].anonymous", "a guest or is none"),
    ("{ issuer: rownd, user: a, all: [{ user: b }] }", "require.all[0].user", "only one"),
    ("{ issuer: rownd, user: [a, b], not: [{ user: [b, a] }] }", "require.not[0].user", "`not` excludes"),
    ("{ source: header, all: [{ source: [cookie, query] }] }", "require.all[0].source", "one place only"),
    ("{ auth_level: verified, not: [{ auth_level: guest }] }", "require.not[0].auth_level", "`not` excludes"),
    ("{ token_max_age: 5m, not: [{ token_max_age: 1h }] }", "require.not[0].token_max_age", "`not` excludes"),
    ("{ issuer: rownd, any: [{ user: a, all: [{ user: b }] }, { user: c }] }", "require.any[0].all[0].user", "only one"),
    ("{ issuer: rownd, user: a, any: [{ user: b }, { user: c }] }", "require.any[1].user", "only one"),
    ("{ not: [{ anonymous: true, auth_level: verified }] }", "require.not[0].anonymous", "guest"),
    ("{ issuer: rownd, not: [{ claim: { name: a, gt: 5, lt: 3 } }] }", "require.not[0].claim", "no number is above"),
    ("{ issuer: rownd, claim: { name: a, equals: 5, lt: 5 } }", "require.claim", "no value passes"),
    ("{ issuer: rownd, claim: { name: a, in: ['4', 2], gt: 3 } }", "require.claim", "no value passes"),
    ("{ issuer: rownd, claim: { name: a, equals: true, matches: 'true' } }", "require.claim", "different kinds"),
    ("{ issuer: rownd, claim: { name: a, equals: 1, matches: '1' } }", "require.claim", "different kinds"),
    ("{ issuer: rownd, claim: { name: a, contains: x, gt: 1 } }", "require.claim", "different kinds"),
    ("{ issuer: rownd, claim: { name: a, equals: true }, all: [{ claim: { name: a, equals: false } }] }", "require.all[0].claim", "no value passes"),
    ("{ issuer: rownd, all: [{ not: [{ user: a }] }, { user: a }] }", "require.all[1].user", "`not` excludes"),
    ("{ source: header, not: [{ source: [header, cookie] }] }", "require.not[0].source", "`not` excludes"),
    ("{ auth_level: verified, not: [{ auth_level: verified }] }", "require.not[0].auth_level", "`not` excludes"),
    ("{ token_max_age: 5m, not: [{ token_max_age: 5m }] }", "require.not[0].token_max_age", "`not` excludes"),
    ("{ cel: 'true || request.method == \"GET\"' }", "require.cel", "is always true"),
    ("{ cel: 'false && request.method == \"GET\"' }", "require.cel", "is never true"),
    ("{ cel: 'request.method == 1 / 0' }", "require.cel", "always fails"),
    ("{ issuer: rownd, app: app_nobody }", "require.app", "no token can have the app `app_nobody`"),
    ("{ issuer: partner, app_variant: v }", "require.app_variant", "no token can have the app variant `v`"),
    ("{ issuer: rownd, not: [{ claim: { name: a, in: [1, 'x'] } }] }", "require.not[0].claim", "values are of several types"),
    ("{ issuer: rownd, all: [{ user: a }, { not: [{ attribute: { name: a, in: [true, 'x'] } }] }] }", "require.all[1].not[0].attribute", "values are of several types"),
    ("{ issuer: rownd, claim: { name: plan, equals: a }, not: [{ claim: { name: plan, exists: true } }] }", "require.not[0].claim", "`not` excludes"),
    ("{ issuer: rownd, attribute: { name: plan, gt: 1 }, not: [{ attribute: { name: plan, exists: true } }] }", "require.not[0].attribute", "`not` excludes"),
    ("{ not: [{ issuer: [rownd, partner, keycloak] }] }", "require.not[0].issuer", "together with `issuers`: `not` excludes"),
];

#[test]
fn conditions_that_exclude_each_other_are_told_with_their_place() {
    for (require, setting, part) in CONTRADICTIONS {
        let text = format!("{ISSUERS}routes: [{{ id: a, match: any, require: {require} }}]");
        let config = config(&text);
        let found = config.places.in_order(warnings(&config));
        let code = match *part {
            "is always true" => "condition_always_met",
            _ => "condition_never_met",
        };
        let told = found.iter().any(|warning| {
            let place = warning.place.as_ref().map(|place| place.setting.as_str());
            place == Some(&format!("routes[0].{setting}"))
                && warning.text.contains(part)
                && warning.code == code
        });
        assert!(told, "{require}: {found:#?}");
    }
    let asked = "auth_level: verified, require: { anonymous: true }";
    for (rule, level) in [
        (format!("routes: [{{ id: a, match: any, {asked} }}]"), "`routes[0].auth_level`"),
        (format!("default: {{ {asked} }}"), "`default.auth_level`"),
    ] {
        let found = warnings(&config(&format!("{ISSUERS}{rule}")));
        assert!(found.iter().any(|it| it.text.contains(level)), "{rule}: {found:?}");
    }
}

#[test]
fn each_contradiction_is_told_once() {
    for (require, count) in [
        ("{ issuer: rownd, user: a, all: [{ user: b }] }", 1),
        ("{ issuer: rownd, claim: { name: a, gt: 5, lt: 3 } }", 1),
        ("{ issuer: rownd, not: [{ claim: { name: a, gt: 5, lt: 3 } }] }", 1),
        ("{ issuer: rownd, user: a, any: [{ user: b }, { user: c }] }", 2),
        // Beside a contradiction no choice matters.
        ("{ issuer: rownd, user: a, all: [{ user: b }, { any: [{ user: c }, { user: d }] }] }", 1),
        // Where no issuer is left, each condition says so and nothing else.
        ("{ issuer: rownd, all: [{ issuer: partner, app: app_1 }] }", 3),
    ] {
        let text = format!("{ISSUERS}routes: [{{ id: a, match: any, require: {require} }}]");
        let found = warnings(&config(&text));
        assert_eq!(found.len(), count, "{require}: {found:#?}");
    }
}

#[test]
fn conditions_that_only_look_alike_are_no_contradiction() {
    for require in [
        "{ issuer: rownd, claim: { name: a, gt: 3, lt: 5 } }",
        "{ issuer: rownd, claim: { name: a, gt: 4, lt: 5 } }",
        "{ issuer: rownd, claim: { name: a, equals: x, in: [x, y] } }",
        "{ issuer: rownd, claim: { name: a, in: [abc, b], matches: 'a.*' } }",
        "{ issuer: rownd, claim: { name: a, in: ['1', 2], gt: 1 } }",
        "{ issuer: rownd, claim: { name: a, exists: true, equals: 1 } }",
        "{ issuer: rownd, all: [{ claim: { name: a, equals: 1 } }, { claim: { name: b, equals: 2 } }] }",
        "{ issuer: rownd, any: [{ user: a }, { user: b }] }",
        "{ issuer: rownd, not: [{ issuer: rownd, user: a }] }",
        "{ issuer: rownd, user: [a, b], not: [{ user: b }] }",
        "{ not: [{ anonymous: true }, { auth_level: guest }] }",
        "{ anonymous: false, auth_level: verified }",
        "{ anonymous: true, auth_level: guest }",
        "{ auth_level: guest, not: [{ auth_level: verified }] }",
        "{ token_max_age: 1h, not: [{ token_max_age: 5m }] }",
        "{ issuer: rownd, not: [{ user: a }, { user: b }] }",
        "{ issuer: rownd, user: [a, b], all: [{ user: [b, c] }] }",
        "{ source: [cookie, header], all: [{ source: [header, query] }] }",
        "{ source: [cookie, header], not: [{ source: header }] }",
        "{ issuer: rownd, claim: { name: a, exists: false } }",
        "{ issuer: rownd, claim: { name: a, exists: false }, not: [{ claim: { name: a, exists: true } }] }",
        "{ issuer: rownd, claim: { name: a, equals: 1 }, not: [{ claim: { name: b, exists: true } }] }",
        "{ issuer: rownd, claim: { name: a, equals: 2, lt: 3 } }",
        "{ issuer: rownd, claim: { name: a, in: [1, 'x'] } }",
        "{ issuer: rownd, not: [{ claim: { name: a, in: [1, 2] } }] }",
        // The other test may be false.
        "{ issuer: rownd, not: [{ claim: { name: a, in: [1, 'x'], exists: true } }] }",
        "{ not: [{ issuer: [rownd, partner] }] }",
        "{ issuer: rownd, claim: { name: a, equals: true, in: [true, x] } }",
        // These two are one number as floats.
        "{ issuer: rownd, claim: { name: a, gt: 9007199254740992, lt: 9007199254740993 } }",
        "{ cel: 'request.method == \"GET\" || 1 / 0 == 1' }",
    ] {
        let text = format!("{ISSUERS}routes: [{{ id: a, match: any, require: {require} }}]");
        assert_eq!(warnings(&config(&text)), [], "{require}");
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
pub(super) fn warned(text: &str) -> Vec<String> {
    let config = config(text);
    config.places.in_order(warnings(&config)).iter().map(ToString::to_string).collect()
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

/// The issuers of [`KINDS`], with apps and variants.
const APPS: &str = r#"
issuers:
  - name: rownd
    kind: rownd
    apps: [{ id: app_1, key: key, variants: [v1, v2] }, { id: app_2, key: key_2, variants: [v3] }]
  - { name: no-app, kind: supertokens, base_url: "https://st.test/auth" }
  - { name: plain, kind: oidc, issuer: "https://plain.test", audiences: [api] }
  - { name: mapped, kind: oidc, issuer: "https://mapped.test", audiences: [api], claims: { app_id: azp, app_variant: variant } }
"#;

#[test]
fn an_app_or_a_variant_that_no_token_can_have_is_a_warning() {
    let (of_rownd, variants) = ("have: app_1, app_2", "have: v1, v2, v3");
    let none = "no issuer that can reach it has any";
    // Of its second app, every variant.
    let open = APPS.replace(", variants: [v3]", "");
    #[rustfmt::skip] // one case a line
    let cases = [
        (APPS, "rownd", "app: app_1", None),
        (APPS, "rownd", "app: [app_1, app_2]", None),
        (APPS, "rownd", "app: [app_1, app_3]", Some(of_rownd)),
        (APPS, "no-app", "app: app_1", None),
        (APPS, "plain", "app: app_1", Some(none)),
        (APPS, "mapped", "app: app_1", None),
        (APPS, "rownd", "app_variant: v3", None),
        (APPS, "rownd", "app_variant: v4", Some(variants)),
        (&open, "rownd", "app_variant: v3", None),
        (APPS, "no-app", "app_variant: v1", None),
        (APPS, "plain", "app_variant: v1", Some(none)),
        (APPS, "mapped", "app_variant: v1", None),
    ];
    for (issuers, issuer, condition, expected) in cases {
        let require = format!("{{ issuer: {issuer}, {condition} }}");
        let found =
            warned(&format!("{issuers}routes: [{{ id: a, match: any, require: {require} }}]"));
        assert_eq!(found.len(), usize::from(expected.is_some()), "{require}: {found:?}");
        let said = expected.unwrap_or_default();
        assert!(found.iter().all(|text| text.contains(said)), "{require}: {found:?}");
    }
}

#[test]
fn a_warning_names_its_place() {
    let config = config(&format!(
        "{ISSUERS}guards: [{{ id: g, match: any, require: {{ issuer: partner, user: 'a*' }} }}]
routes:
  - {{ id: a, match: any }}
  - {{ id: b, match: any, require: {{ issuer: partner, tenant: t, role: r, permission: 'p:q' }} }}
default: {{ require: {{ source: cookie }} }}"
    ));
    let found = config.places.in_order(warnings(&config));
    for (code, place) in [
        ("star_is_literal", "guards[0].require.user: `a*` is taken literally"),
        ("condition_never_met", "routes[1].require.tenant: no user can fulfil it"),
        ("role_unknown", "routes[1].require.role: asks for the role `r`"),
        ("permission_unknown", "routes[1].require.permission: asks for the permission `p:q`"),
        ("condition_never_met", "default.require.source: no user can fulfil it"),
    ] {
        let told = found.iter().filter(|it| it.code == code && it.to_string().contains(place));
        assert_eq!(told.count(), 1, "{place}: {found:#?}");
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
    // One of several places is enough.
    for asked in ["header", "cookie"] {
        let found = warned(&format!(
            "{ISSUERS}credentials: [{{ header: authorization }}, {{ cookie: c }}]
routes: [{{ id: a, match: any, require: {{ source: {asked} }} }}]"
        ));
        assert_eq!(found, [] as [String; 0], "{asked}");
    }
}

/// (the issuers and rules, a part of the warning; empty: none)
#[rustfmt::skip] // one case a line
const NEVER_MET: &[(&str, &str)] = &[
    ("default: { auth_level: verified }", "default.auth_level: no user can fulfil it"),
    ("default: { auth_level: unverified }", ""),
    ("routes: [{ id: a, match: any, require: { anonymous: true } }]", "has guests"),
    ("routes: [{ id: a, match: any, require: { auth_level: verified } }]", "claims.auth_level"),
    ("routes: [{ id: a, match: { path: { template: '/t/{s}' } }, require: { issuer: idp, equals: { path: s, identity: tenant } } }]", "has tenants"),
    ("routes: [{ id: a, match: any, require: { cel: 'identity.auth_level == \"Verified\"' } }]", "write one of: instant, guest, unverified, verified"),
    ("routes: [{ id: a, match: any, require: { cel: 'request.method == \"get\"' } }]", "write GET"),
    ("routes: [{ id: a, match: any, require: { cel: 'request.host == \"Shop.test:8080\"' } }]", "so write shop.test"),
    ("routes: [{ id: a, match: any, require: { cel: 'request.host in [\"shop.test\", \"https://a.test/\"]' } }]", "so write a.test"),
    ("routes: [{ id: a, match: any, require: { cel: 'request.host == \"a_b.test\" || request.host == \"[::1]\"' } }]", ""),
    ("routes: [{ id: a, match: any, require: { cel: 'request.path == \"orders\"' } }]", "paths begin with a slash"),
    ("routes: [{ id: a, match: any, require: { cel: 'request.path != \"/orders?a=1\"' } }]", "the query is no part of the path"),
    ("routes: [{ id: a, match: any, require: { cel: 'request.path in [\"/orders\", \"*\"]' } }]", ""),
    ("role_sources: [{ issuers: [idp], users: { u1: [owner] } }]\nroutes: [{ id: a, match: any, require: { issuer: idp, cel: '\"ownr\" in identity.roles' } }]", "asks for the role `ownr`"),
    ("routes: [{ id: a, match: any, require: { cel: 'identity.issuer in [\"idp\", \"idq\"]' } }]", "`idq`"),
    ("routes: [{ id: a, match: any, require: { cel: 'identity.issuer == \"idp\" && request.method != \"GET\"' } }]", ""),
    ("routes: [{ id: a, match: any, require: { issuer: idp, cel: 'identity.roles == \"admin\"' } }]", "always fails"),
    ("routes: [{ id: a, match: any, require: { issuer: idp, user: ann@example.com } }]", ""),
];

#[test]
fn what_no_user_of_a_provider_without_levels_can_have_is_told() {
    const IDP: &str =
        "issuers: [{ name: idp, kind: oidc, issuer: 'https://idp.test', audiences: [a] }]\n";
    for (yaml, part) in NEVER_MET {
        let found: Vec<String> =
            warned(&format!("{IDP}{yaml}")).into_iter().map(|text| text.to_string()).collect();
        match *part {
            "" => assert_eq!(found, [] as [String; 0], "{yaml}"),
            part => assert!(found.iter().any(|text| text.contains(part)), "{yaml}: {found:?}"),
        }
    }
    let level = IDP.replace("audiences", "auth_level: verified, audiences");
    assert_eq!(warned(&format!("{level}default: {{ auth_level: verified }}")).len(), 0);
    let claim = IDP.replace("audiences", "claims: { auth_level: acr }, audiences");
    assert_eq!(warned(&format!("{claim}default: {{ auth_level: verified }}")).len(), 0);
    let rownd = "issuers: [{ name: rownd, kind: rownd, apps: [{ id: app_a }] }]\n";
    let user = warned(&format!("{rownd}default: {{ require: {{ user: [u1, ann@example.com] }} }}"));
    assert!(
        user.len() == 1 && user[0].contains("`ann@example.com` is compared with user ids"),
        "{user:?}"
    );
    assert_eq!(warned(&format!("{rownd}default: {{ require: {{ user: user@tenant }} }}")).len(), 0);
}
