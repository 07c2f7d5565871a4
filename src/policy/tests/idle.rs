//! Conditions that everybody meets are warnings.

use super::{config, requirements::ISSUERS, warned::warned};
use crate::policy::warnings;

#[test]
fn alternatives_that_leave_nobody_out_are_a_warning() {
    #[rustfmt::skip] // one case a line
    let cases = [
        ("any: [{ user: a }, { not: [{ user: a }] }]", true),
        ("any: [{ not: [{ user: a }] }, { auth_level: verified }, { user: [a, b] }]", true),
        ("any: [{ not: [{ tenant: a }] }, { not: [{ tenant: b }] }]", true),
        ("any: [{ auth_level: instant }, { user: a }]", true),
        ("any: [{ scope: [a, b] }, { not: [{ scope: a }] }]", true),
        ("any: [{ auth_level: guest }, { not: [{ auth_level: verified }] }]", true),
        ("all: [{ any: [{ user: a }, { not: [{ user: a }] }] }]", true),
        ("any: [{ user: a }, { not: [{ user: [a, b] }] }]", false),
        ("any: [{ user: a }, { user: b }]", false),
        ("any: [{ not: [{ tenant: [a, b] }] }, { not: [{ tenant: b }] }]", false),
        ("any: [{ not: [{ scope: a }] }, { not: [{ scope: b }] }]", false),
        ("any: [{ auth_level: verified }, { not: [{ auth_level: guest }] }]", false),
        ("any: [{ user: a, auth_level: verified }, { not: [{ user: a }] }]", false),
        ("any: [{ user: a }, { not: [{ user: a }, { auth_level: guest }] }]", false),
        ("not: [{ user: a }, { user: b }]", false),
    ];
    for (require, is_told) in cases {
        let text = format!(
            "{ISSUERS}routes: [{{ id: a, match: any, require: {{ issuer: rownd, {require} }} }}]"
        );
        let found = warnings(&config(&text));
        let told = found.iter().filter(|it| it.code == "condition_always_met").count();
        assert_eq!(told, usize::from(is_told), "{require}: {found:?}");
    }
}

#[test]
fn a_guard_whose_condition_every_user_meets_is_a_warning() {
    const ISSUERS: &str = "issuers:
  - { name: company, kind: oidc, issuer: 'https://a.test', audiences: [a], auth_level: verified }
  - { name: partner, kind: oidc, issuer: 'https://b.test', audiences: [a], auth_level: verified }
";
    for (guard, is_idle) in [
        ("require: { issuer: [company, partner] }", true),
        ("require: { auth_level: instant }", true),
        ("require: { anonymous: false, auth_level: instant }", true),
        ("require: { issuer: [company, partner] }, mode: shadow", true),
        ("require: { issuer: [company, partner] }, applies_to: all", false),
        ("require: { issuer: company }", false),
        ("require: { auth_level: verified }", false),
        ("require: { anonymous: false, token_max_age: 1h }", false),
        ("require: never", false),
    ] {
        let text = format!("{ISSUERS}guards: [{{ id: g, match: any, {guard} }}]");
        let found = warned(&text);
        let told = found.iter().any(|text| text.contains("guards[0].require: denies nobody"));
        assert_eq!(told, is_idle, "{guard}: {found:?}");
    }
    let rownd = "issuers: [{ name: rownd, kind: rownd, apps: [{ id: app_a }] }]";
    let guard = "guards: [{ id: g, match: any, require: { anonymous: false } }]";
    assert_eq!(warned(&format!("{rownd}\n{guard}")), [] as [String; 0], "it has guests");
}
