//! Rules that never decide, and rules that only look like it.

use super::{APP, good};

#[test]
fn a_guard_that_repeats_another_is_told_with_both_places() {
    let guards = |second: &str| {
        let first = "{ id: one, match: { path: { prefix: /a } }, require: { user: bob } }";
        format!("guards:\n  - {first}\n  - {{ id: two, {second} }}\n")
    };
    let yaml = guards("match: { path: { prefix: /a } }, require: { user: bob }");
    let config = good(&yaml, &[APP]);
    let warnings = config.places.in_order(config.warnings.clone());
    let [warning] = warnings.as_slice() else { panic!("{warnings:#?}") };
    assert_eq!(warning.code, "route_repeated");
    let text = warning.to_string();
    assert!(text.contains("test.yaml:3:") && text.contains("`one` (test.yaml:2)"), "{text}");
    for other in [
        "match: { path: { prefix: /a } }, require: { user: ann }",
        "match: { path: { prefix: /b } }, require: { user: bob }",
        "match: { path: { prefix: /a } }, require: { user: bob }, mode: shadow",
    ] {
        assert_eq!(good(&guards(other), &[APP]).warnings, [], "{other}");
    }
}

/// The warnings about two rules: `first` in line 2, `second` in line 3.
fn warnings(first: &str, second: &str) -> Vec<(&'static str, String)> {
    let yaml = format!("routes:\n  - {{ id: first, {first} }}\n  - {{ id: second, {second} }}\n");
    let config = good(&yaml, &[APP]);
    let warnings = config.places.in_order(config.warnings.clone());
    warnings.into_iter().map(|warning| (warning.code, warning.to_string())).collect()
}

#[rustfmt::skip] // one case a line
const COVERED: &[(&str, &str)] = &[
    ("match: any", "match: { path: { exact: /a } }"),
    ("match: any", "match: { hosts: [a.com], methods: [GET], principal: web }"),
    ("match: { methods: [GET, POST] }", "match: { methods: [POST], path: { regex: '/x.*' } }"),
    ("match: { hosts: ['*.a.com', b.com] }", "match: { hosts: [x.a.com, B.com.] }"),
    ("match: { hosts: ['*.a.com'] }", "match: { hosts: ['*.x.a.com'] }"),
    ("match: { path: { prefix: /a } }", "match: { path: { prefix: /a/b } }"),
    ("match: { path: { prefix: /a } }", "match: { path: { prefix: /a/ } }"),
    ("match: { path: { prefix: /a } }", "match: { path: { exact: /a } }"),
    ("match: { path: { prefix: /a/ } }", "match: { path: { exact: /a/b/c } }"),
    ("match: { path: { prefix: /a } }", "match: { path: { template: '/a/{id}' } }"),
    ("match: { path: { prefix: /a/b } }", "match: { path: { template: '/a/b/{rest...}' } }"),
    ("match: { path: { prefix: / } }", "match: { path: { regex: '/x[0-9]+' } }"),
    ("match: { path: { prefix: / } }", "match: { path: { template: '/{x}' } }"),
    ("match: { path: { template: '/a/{x}' } }", "match: { path: { template: '/a/{y}' } }"),
    ("match: { path: { template: '/{t}/{x}/c' } }", "match: { path: { template: '/a/{y}/c' } }"),
    ("match: { path: { template: '/a/{x...}' } }", "match: { path: { template: '/a/{y}/c' } }"),
    ("match: { path: { template: '/a/{x}' } }", "match: { path: { exact: /a/me } }"),
    ("match: { path: { template: '/{x}/me' } }", "match: { path: { exact: /a/me } }"),
    ("match: { path: { template: '/a/{x...}' } }", "match: { path: { exact: /a/b/c } }"),
    ("match: { path: { regex: '/a/[0-9]+' } }", "match: { path: { exact: /a/17 } }"),
    ("match: { path: { regex: '/a/[0-9]+' } }", "match: { path: { regex: '/a/[0-9]+' }, methods: [GET] }"),
    ("match: { headers: [{ name: x-a, exact: '1' }] }", "match: { headers: [{ name: X-A, exact: '1' }, { name: x-b, present: true }] }"),
    ("match: { principal: web }", "match: { principal: web, query: [{ name: q, present: true }] }"),
    ("match: { headers: [{ name: x-a, present: true }] }", "match: { headers: [{ name: x-a, exact: '1' }] }"),
    ("match: { query: [{ name: q, present: true }] }", "match: { query: [{ name: q, exact: '1' }] }"),
    ("match: { principal: 'spiffe://a.b/**' }", "match: { principal: 'spiffe://a.b/ns/shop/sa/web' }"),
    ("match: { principal: 'spiffe://a.b/ns/*/sa/*' }", "match: { principal: 'spiffe://a.b/ns/shop/sa/*' }"),
    ("match: { principal: 'spiffe://a.b/ns/**' }", "match: { principal: 'spiffe://a.b/ns/*/**' }"),
    ("match: { path: { prefix: /a } }", "match: { path: { regex: '/a/b' } }"),
    ("match: { path: { prefix: /a } }", "match: { path: { regex: '/a(/[0-9]+)?' } }"),
    ("match: { path: { prefix: /a/ } }", "match: { path: { regex: '/a/(b|c/d).*' } }"),
    ("match: { path: { prefix: /a } }", "match: { path: { regex: '/(a/b|a/c)' } }"),
    ("match: { path: { regex: '.*' } }", "match: { path: { prefix: /a } }"),
    ("match: { path: { regex: '/a.*' } }", "match: { path: { prefix: /a } }"),
    ("match: { path: { regex: '(?i)/A(/.*)?' } }", "match: { path: { prefix: /a/b } }"),
    ("match: { path: { regex: '/a/[^/]+' } }", "match: { path: { template: '/a/{id}' } }"),
    ("match: { path: { regex: '/a/.+' } }", "match: { path: { template: '/a/{rest...}' } }"),
    ("match: { path: { regex: '/a/[a-z0-9]+' } }", "match: { path: { regex: '/a/[0-9]{2}' } }"),
];

#[rustfmt::skip] // one case a line
const OPEN: &[(&str, &str)] = &[
    // A rule in shadow decides nothing.
    ("match: any, mode: shadow", "match: { path: { exact: /a } }"),
    ("match: any, mode: shadow", "match: any"),
    ("match: { path: { exact: /a } }", "match: any"),
    ("match: { path: { exact: /a } }", "match: { path: { prefix: /a } }"),
    ("match: { path: { prefix: /a } }", "match: { path: { prefix: /ab } }"),
    ("match: { path: { prefix: /a/ } }", "match: { path: { prefix: /a } }"),
    ("match: { path: { prefix: /a/ } }", "match: { path: { exact: /a } }"),
    ("match: { path: { prefix: /a } }", "match: { path: { template: '/{x}/b' } }"),
    ("match: { path: { prefix: /a } }", "match: { path: { regex: '/a.*' } }"),
    ("match: { path: { prefix: /a } }", "match: { path: { regex: '/(a|b)/c' } }"),
    ("match: { path: { regex: '/a/.*' } }", "match: { path: { prefix: /a } }"),
    ("match: { path: { regex: '/a/[^/]+' } }", "match: { path: { prefix: /a/ } }"),
    ("match: { path: { regex: '/a/[a-z]+' } }", "match: { path: { template: '/a/{id}' } }"),
    ("match: { path: { regex: '/a/[0-9]{2}' } }", "match: { path: { regex: '/a/[0-9]+' } }"),
    ("match: { path: { exact: /a } }", "match: { path: { regex: '/a' } }"),
    ("match: { headers: [{ name: x-a, present: false }] }", "match: { headers: [{ name: x-a, exact: '1' }] }"),
    ("match: { headers: [{ name: x-a, exact: '1' }] }", "match: { headers: [{ name: x-a, present: true }] }"),
    ("match: { headers: [{ name: x-a, present: true }] }", "match: { headers: [{ name: x-b, exact: '1' }] }"),
    ("match: { principal: 'spiffe://a.b/**' }", "match: { principal: 'spiffe://a.c/x' }"),
    ("match: { principal: 'spiffe://a.b/ns/*' }", "match: { principal: 'spiffe://a.b/ns/**' }"),
    ("match: { principal: 'spiffe://a.b/ns/**' }", "match: { principal: 'spiffe://a.b/ns' }"),
    ("match: { principal: 'spiffe://a.b/ns/shop/*' }", "match: { principal: 'spiffe://a.b/ns/*/web' }"),
    ("match: { path: { prefix: /a }, methods: [GET] }", "match: { path: { prefix: /a } }"),
    ("match: { path: { prefix: /a }, methods: [GET] }", "match: { path: { prefix: /a }, methods: [GET, POST] }"),
    ("match: { hosts: [a.com] }", "match: { path: { exact: /a } }"),
    ("match: { hosts: [a.com] }", "match: { hosts: [a.com, b.com] }"),
    ("match: { hosts: ['*.a.com'] }", "match: { hosts: [a.com] }"),
    ("match: { hosts: ['*.a.com'] }", "match: { hosts: [xa.com] }"),
    ("match: { headers: [{ name: x-a, exact: '1' }] }", "match: { headers: [{ name: x-a, exact: '2' }] }"),
    ("match: { headers: [{ name: x-a, exact: '1' }] }", "match: { path: { exact: /a } }"),
    ("match: { query: [{ name: q, present: true }] }", "match: { path: { exact: /a } }"),
    ("match: { principal: web }", "match: { principal: shop }"),
    ("match: { principal: web }", "match: { path: { exact: /a } }"),
    ("match: { path: { template: '/a/{x}' } }", "match: { path: { template: '/a/{x}/' } }"),
    ("match: { path: { template: '/a/{x}' } }", "match: { path: { exact: /a/ } }"),
    ("match: { path: { template: '/a/{x}' } }", "match: { path: { exact: /a/b/c } }"),
    ("match: { path: { template: '/a/{x}/c' } }", "match: { path: { exact: /a/b/d } }"),
    ("match: { path: { template: '/a/{x...}' } }", "match: { path: { exact: /a } }"),
    ("match: { path: { template: '/a/{x}' } }", "match: { path: { template: '/a/{x...}' } }"),
    ("match: { path: { template: '/a/{x}' } }", "match: { path: { template: '/{y}/{x}' } }"),
    ("match: { path: { template: '/a/{x...}' } }", "match: { path: { prefix: /a } }"),
    ("match: { path: { regex: '/a/[0-9]+' } }", "match: { path: { exact: /a/b } }"),
    ("by_name: true", "match: any"),
    ("match: any", "by_name: true"),
];

#[test]
fn a_rule_that_never_decides_is_a_warning_with_both_places() {
    for (first, second) in COVERED {
        let found = warnings(first, &format!("{second}, auth: none"));
        let [(code, text)] = found.as_slice() else { panic!("{first} / {second}: {found:?}") };
        assert_eq!(*code, "route_unreachable", "{text}");
        for part in ["test.yaml:3:5: routes[1]: `second` ", "routes[0] `first` (test.yaml:2)"] {
            assert!(text.contains(part), "{text}");
        }
    }
}

#[test]
fn a_rule_that_decides_some_request_is_no_warning() {
    for (first, second) in OPEN {
        assert_eq!(warnings(first, second), [], "{first} / {second}");
    }
}

#[test]
fn a_rule_that_repeats_another_is_a_warning_of_its_own() {
    let found = warnings("match: { path: { exact: /a } }", "match: { path: { exact: /a } }");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "route_repeated");
    let parts = ["test.yaml:3:5: routes[1]: `second` ", "routes[0] `first` (test.yaml:2)"];
    assert!(parts.iter().all(|part| found[0].1.contains(part)), "{found:?}");
}

#[test]
fn many_warnings_are_counted() {
    let rules: String = (0..50).map(|at| format!("  - {{ id: r{at}, match: any }}\n")).collect();
    let warnings = good(&format!("routes:\n{rules}"), &[APP]).warnings;
    assert_eq!(warnings.len(), 33);
    assert!(warnings[32].to_string().contains("17 more"), "{}", warnings[32]);
}
