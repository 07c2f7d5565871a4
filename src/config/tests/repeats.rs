//! Maps in lists that are equal to one before them.

use super::good;

const ROWND: &str = "issuers: [{ name: rownd, kind: rownd, apps: [{ id: app_a }] }]\n";

/// (the file behind the issuers, the start of each warning, the place of the first of the two)
#[rustfmt::skip] // one case a line
const EQUAL: &[(&str, &str, &str)] = &[
    ("default:\n  require:\n    any:\n      - user: u\n      - scope: s\n      - user: u\n", "test.yaml:7:9: default.require.any[2]: ", "default.require.any[0] (test.yaml:5)"),
    ("default:\n  require:\n    all:\n      - not: [{ user: u }]\n      - not: [{ user: u }]\n", "test.yaml:6:9: default.require.all[1]: ", "default.require.all[0] (test.yaml:5)"),
    ("routes:\n  - id: a\n    match: { path: { prefix: /a } }\n    require:\n      any:\n        - { user: v }\n        - all:\n          - { scope: s, user: u }\n          - { user: u, scope: s }\n", "test.yaml:10:13: routes[0].require.any[1].all[1]: ", "routes[0].require.any[1].all[0] (test.yaml:9)"),
    ("guards:\n  - id: g\n    match: any\n    require:\n      any:\n        - user: a\n        - user: a\n", "test.yaml:8:11: guards[0].require.any[1]: ", "guards[0].require.any[0] (test.yaml:7)"),
];

#[test]
fn an_equal_map_is_told_with_both_lines() {
    for (yaml, lead, first) in EQUAL {
        let config = good(&format!("{ROWND}{yaml}"), &[]);
        let warnings = config.places.in_order(config.warnings.clone());
        let told: Vec<String> = warnings
            .iter()
            .filter(|it| it.code == "entry_repeated")
            .map(ToString::to_string)
            .collect();
        let [one] = told.as_slice() else { panic!("{yaml}\n{warnings:#?}") };
        assert!(one.starts_with(lead) && one.contains(first), "{yaml}\n{one}");
    }
}

#[test]
fn maps_that_differ_are_not_told() {
    for yaml in [
        "default: { require: { any: [{ user: u }, { user: v }] } }",
        "default: { require: { any: [{ user: u }, { all: [{ user: u }] }] } }",
        "routes: [{ id: a, match: { path: { prefix: /a } } }, { id: b, match: { path: { prefix: /b } } }]",
    ] {
        let config = good(&format!("{ROWND}{yaml}"), &[]);
        assert!(config.warnings.iter().all(|it| it.code != "entry_repeated"), "{yaml}");
    }
}
