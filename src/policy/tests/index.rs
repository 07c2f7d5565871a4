//! The index finds what a scan of all rules finds: for any rules, in any order, and any request.

use proptest::prelude::*;

use super::{measured, policy, request};
use crate::{
    config,
    policy::{Asked, Fit, index::RuleIndex, matching::Matcher},
};

/// Segments of rules and paths, few enough that they meet.
fn segment() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "A", "ab", "a.b", "users", "1", "kſ"])
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(segment(), 1..4).prop_map(|all| format!("/{}", all.join("/")))
}

fn path_match() -> impl Strategy<Value = String> {
    let template = prop::collection::vec(prop::option::of(segment()), 0..3);
    let template = (template, any::<bool>(), any::<bool>()).prop_map(|(segments, rest, slash)| {
        let name = |(at, segment): (usize, Option<&str>)| match segment {
            Some(text) => format!("/{text}"),
            None => format!("/{{v{at}}}"),
        };
        let first: String = segments.into_iter().enumerate().map(name).collect();
        let last = if rest { "/{rest...}" } else { "/{last}" };
        format!("{{ template: '{first}{last}{}' }}", if slash && !rest { "/" } else { "" })
    });
    let piece = prop::sample::select(vec![
        "/a",
        "/b",
        "/A",
        "/",
        "a",
        "[a-b]+",
        "/[^/]+",
        "/.*",
        "(/.*)?",
        "(?:/a|/b)",
        "(?i:/ab)",
        "/users",
        "(a|/b)",
        r"/\w+",
        r"/a\.b",
        "(/a)?",
        "x?",
        "[/a]",
        "(?:)",
        "/(?P<id>[0-9]+)",
        r"\b",
    ]);
    let regex = prop::collection::vec(piece, 1..5)
        .prop_map(|pieces| format!("{{ regex: '{}' }}", pieces.concat()));
    prop_oneof![
        text().prop_map(|path| format!("{{ exact: {path} }}")),
        text().prop_map(|path| format!("{{ prefix: {path} }}")),
        text().prop_map(|path| format!("{{ prefix: {path}/ }}")),
        Just("{ prefix: / }".to_owned()),
        template,
        regex,
    ]
}

fn hosts() -> impl Strategy<Value = Vec<&'static str>> {
    let host = prop::sample::select(vec![
        "a.com",
        "b.com",
        "*.com",
        "*.a.com",
        "*.b.a.com",
        "localhost",
        "A.com.",
    ]);
    prop::collection::vec(host, 0..3)
}

/// A rule, if the configuration takes it: an expression made of pieces may be refused.
fn a_match() -> impl Strategy<Value = String> {
    (hosts(), prop::option::weighted(0.9, path_match()), any::<bool>()).prop_map(
        |(hosts, path, post)| {
            let hosts: Vec<String> = hosts.iter().map(|host| format!("'{host}'")).collect();
            let mut parts = Vec::new();
            if !hosts.is_empty() {
                parts.push(format!("hosts: [{}]", hosts.join(", ")));
            }
            if let Some(path) = path {
                parts.push(format!("path: {path}"));
            }
            if post || parts.is_empty() {
                parts.push("methods: [GET]".to_owned());
            }
            format!("{{ {} }}", parts.join(", "))
        },
    )
}

/// The matchers of these matches, as far as the configuration takes them: it refuses some
/// expressions. Each with the text that it was made of.
fn matchers(mut written: Vec<String>) -> Vec<(String, Matcher)> {
    let environment = [("ROWND_APP_ID".to_owned(), "app_test".to_owned())].into();
    let config = loop {
        let route =
            |(at, parts): (usize, &String)| format!("  - {{ id: r{at}, match: {parts} }}\n");
        let routes: String = written.iter().enumerate().map(route).collect();
        let yaml = if routes.is_empty() { routes } else { format!("routes:\n{routes}") };
        match config::parse("test.yaml", &yaml, &environment) {
            Ok(config) => break config,
            Err(problems) => {
                let is_bad = |at: usize| {
                    let route = format!("routes[{at}].");
                    problems.0.iter().any(|problem| problem.setting.starts_with(&route))
                };
                let before = written.len();
                let kept = written.into_iter().enumerate().filter(|(at, _)| !is_bad(*at));
                written = kept.map(|(_, parts)| parts).collect();
                assert!(written.len() < before, "{problems:?}");
            }
        }
    };
    let matcher = |route: &config::Route| match &route.applies_to {
        config::AppliesTo::Matching(parts) => Matcher::build(parts),
        config::AppliesTo::AllRequests | config::AppliesTo::NamedRequests => panic!("{route:?}"),
    };
    written.into_iter().zip(config.routes.iter().map(matcher)).collect()
}

fn request_path() -> impl Strategy<Value = String> {
    let end = prop::sample::select(vec!["", "/", "//", "/x", "/ab/1/users/b"]);
    prop_oneof![
        (text(), end.clone()).prop_map(|(path, end)| format!("{path}{end}")),
        (text(), end).prop_map(|(path, end)| format!("/{path}{end}")),
        Just("/".to_owned()),
        "/[ab/]{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn the_index_finds_each_rule_that_matches_in_order(
        written in prop::collection::vec(a_match(), 1..40),
        few in prop::sample::select(vec![0, 0, 0, 16]),
        requests in prop::collection::vec((
            prop::sample::select(vec!["a.com", "x.a.com", "x.b.a.com", "b.com", "com", "localhost", "[::1]"]),
            request_path(),
        ), 1..12),
    ) {
        let matchers = matchers(written);
        // Positions have gaps, where rules have no match.
        let positions = || matchers.iter().enumerate().map(|(at, (_, matcher))| (at * 2 + 1, matcher));
        let index = RuleIndex::build_above(few, positions());
        for (host, path) in requests {
            let request = request("GET", host, path.as_bytes());
            let asked = Asked::of(&request).unwrap();
            let fits = |matcher: &Matcher| matcher.fit(&asked, b"GET", path.as_bytes()) != Fit::No;
            let found: Vec<usize> = index.candidates(asked.host(), path.as_bytes()).collect();
            let mut ascending = found.clone();
            ascending.sort_unstable();
            ascending.dedup();
            prop_assert_eq!(&found, &ascending, "not in order, or twice");
            for (position, matcher) in positions() {
                prop_assert!(!fits(matcher) || found.contains(&position), "{host}{path}: {}", &matchers[position / 2].0);
            }
        }
    }
}

/// The number of rules that are asked about a request.
fn asked_rules(rules: impl Iterator<Item = String>, host: &str, path: &str) -> usize {
    let rules: Vec<String> = rules.collect();
    let routes = rules.iter().enumerate();
    let routes = routes.map(|(at, parts)| format!("  - {{ id: r{at}, match: {parts} }}\n"));
    let policy = policy(&format!("routes:\n{}", routes.collect::<String>()));
    let request = request("GET", host, path.as_bytes());
    assert!(policy.choose(measured(&request)).is_ok());
    policy.index.candidates(host.as_bytes(), path.as_bytes()).count()
}

#[test]
fn of_many_rules_few_are_asked() {
    let many = 0..300;
    let of = |form: &'static str| many.clone().map(move |n| form.replace('#', &n.to_string()));
    for (name, form, path) in [
        ("prefixes", "{ path: { prefix: /svc#/api } }", "/svc17/api/x"),
        ("deep prefixes", "{ path: { prefix: /api/v1/svc# } }", "/api/v1/svc17"),
        ("paths", "{ path: { exact: /svc# } }", "/svc17"),
        ("templates", "{ path: { template: '/svc#/{id}' } }", "/svc17/1"),
        ("late text", "{ path: { template: '/{tenant}/svc#/{id}' } }", "/t/svc17/1"),
        ("expressions", "{ path: { regex: '/svc#/[0-9]+' } }", "/svc17/1"),
        ("optional ends", "{ path: { regex: '/svc#(/.*)?' } }", "/svc17/1"),
        ("open beginnings", "{ path: { regex: '/[a-z]+#/.*' } }", "/svc17/1"),
        ("ends", r"{ path: { regex: '/.*\.x#' } }", "/a/b.x17"),
        ("hosts", "{ hosts: [h#.a.com] }", "/"),
        ("domains", "{ hosts: ['*.d#.com'] }", "/"),
    ] {
        let host = match name {
            "hosts" => "h17.a.com",
            "domains" => "x.d17.com",
            _ => "a.com",
        };
        // `7/` is a part of `17/`, and `.x1` of `.x17`.
        let expected = if ["open beginnings", "ends"].contains(&name) { 2 } else { 1 };
        assert_eq!(asked_rules(of(form), host, path), expected, "{name}");
    }
}
