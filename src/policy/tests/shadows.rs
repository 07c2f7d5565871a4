//! Rules and guards in shadow: they are reported, and change no verdict.

use std::sync::Arc;

use proptest::prelude::*;

use super::{
    config, measured, request,
    requirements::{Caller, Confirmed, ISSUERS, ask, compile, nobody},
};
use crate::{
    model::{CredentialSource, Group, Headers, NamedRoute},
    policy::{Policy, Presented},
    verify::Identity,
};

/// The decisions of rules and guards in shadow about a GET.
fn shadows(
    policy: &Policy,
    path: &str,
    named: Option<&'static str>,
    caller: Option<&Caller>,
) -> Vec<String> {
    let mut request = request("GET", "a.com", path.as_bytes());
    request.named_route = named.map(|id| NamedRoute::Id(id.into()));
    let rules = policy.choose(measured(&request)).unwrap();
    let identity = caller.map(|caller| Arc::new(Identity::for_test(caller.facts.clone())));
    let presented: Presented = identity.into();
    let _ = CredentialSource::Header;
    let outcomes = rules.shadows(&presented.where_read(rules.reads_credential()), None);
    outcomes.iter().map(|o| format!("{} {}", o.rule, o.decision.as_str())).collect()
}

const POLICY: &str = "
guards:
  - { id: ours, match: any, require: { issuer: rownd }, mode: shadow }
  - { id: below, match: { path: { template: '/a/{id}' } }, require: { issuer: rownd }, mode: shadow }
  - { id: in-force, match: any, require: { anonymous: false } }
routes:
  - { id: new, match: { path: { prefix: /a } }, require: { issuer: rownd, scope: a }, mode: shadow }
  - { id: named, by_name: true, require: never, mode: shadow }
  - { id: old, match: { path: { prefix: /a } }, auth: optional }
  - { id: open, match: any, auth: none }
";

#[test]
fn what_a_rule_in_shadow_would_have_decided_is_reported() {
    let policy = compile(POLICY);
    let rownd = Caller::of("rownd").with(|who| who.scopes = vec!["a".to_owned()]);
    let partner = Caller::of("partner");
    for (path, named, caller, expected) in [
        ("/a", None, Some(&rownd), &["ours would_allow", "new would_allow"][..]),
        ("/a", None, Some(&partner), &["ours would_deny", "new would_deny"]),
        ("/a", None, None, &["ours would_allow", "new would_deny"]),
        // A rule that reads no credential decides.
        ("/b", None, Some(&partner), &["ours would_allow"]),
        ("/b", Some("named"), None, &["ours would_allow", "named would_deny"]),
        ("/a", Some("old"), Some(&rownd), &["ours would_allow"]),
        // Each once, although two readings of the path choose them.
        (
            "/a/%62",
            None,
            Some(&rownd),
            &["ours would_allow", "below would_allow", "new would_allow"],
        ),
    ] {
        assert_eq!(shadows(&policy, path, named, caller), expected, "{path} {named:?} {caller:?}");
        if named.is_none() {
            assert_eq!(ask(&policy, path, caller), Ok(false), "{path}");
        }
    }
}

/// Also where no rule is in force but the default.
#[test]
fn rules_of_which_all_are_in_shadow_are_reported() {
    let policy = compile("routes: [{ id: only, match: any, require: never, mode: shadow }]");
    let who = Caller::of("rownd");
    assert_eq!(shadows(&policy, "/", None, Some(&who)), ["only would_deny"]);
    assert_eq!(ask(&policy, "/", Some(&who)), Ok(false));
}

/// A rule in shadow decides nothing, not even if the proxy names it: the default does.
#[test]
fn a_rule_in_shadow_that_the_proxy_names_opens_nothing() {
    let policy = compile(
        "routes:
           - { id: loose, by_name: true, auth: none, mode: shadow }
           - { id: open, by_name: true, auth: none }",
    );
    for (name, opened) in [("open", true), ("loose", false)] {
        let mut request = request("GET", "a.com", b"/");
        request.named_route = Some(NamedRoute::Id(name.into()));
        let rules = policy.choose(measured(&request)).unwrap();
        assert_eq!(rules.decide(nobody()).is_ok(), opened, "{name}");
    }
}

/// A rule in shadow that stands behind a rule that surely matches would never be reached.
#[test]
fn a_rule_in_shadow_that_is_never_reached_is_not_reported() {
    let policy = compile(
        "routes:
           - { id: first, match: { path: { prefix: /a } }, auth: optional }
           - { id: later, match: any, require: never, mode: shadow }
           - { id: open, match: any, auth: optional }",
    );
    for (path, expected) in [("/a", &[][..]), ("/b", &["later would_deny"])] {
        assert_eq!(shadows(&policy, path, None, None), expected, "{path}");
    }
}

#[test]
fn what_needs_a_profile_that_nobody_reads_is_not_judged() {
    let policy = compile(
        "routes:
           - { id: new, match: any, require: { issuer: rownd, group: g }, mode: shadow }
           - { id: old, match: any }",
    );
    assert_eq!(shadows(&policy, "/", None, Some(&Caller::of("rownd"))), ["new unjudged"]);
    assert_eq!(ask(&policy, "/", Some(&Caller::of("rownd"))), Ok(false), "without the profile");
}

#[test]
fn a_rule_in_shadow_that_reads_more_than_the_rules_in_force_is_not_judged() {
    let policy = compile(
        "routes:
           - { id: strict, match: { path: { prefix: /a } }, mode: shadow }
           - { id: public, match: { path: { prefix: /b } }, auth: none, mode: shadow }
           - { id: open, match: any, auth: none }",
    );
    let who = Caller::of("rownd");
    for (path, expected) in
        [("/a", &["strict unjudged"][..]), ("/b", &["public would_allow"]), ("/c", &[])]
    {
        assert_eq!(shadows(&policy, path, None, Some(&who)), expected, "{path}");
    }
}

#[test]
fn the_profile_that_a_rule_in_force_needs_judges_those_in_shadow_too() {
    let policy = compile(
        "guards:
           - { id: staff, match: any, require: { issuer: rownd, group: staff }, mode: shadow }
         routes:
           - { id: new, match: any, require: { issuer: rownd, group: g }, mode: shadow }
           - { id: old, match: any, freshness: profile }",
    );
    let group = |id: &str| Group {
        id: id.to_owned(),
        name: None,
        roles: Vec::new(),
        member_state: Some("active".to_owned()),
    };
    for (id, expected) in [
        ("g", ["staff would_deny", "new would_allow"]),
        ("staff", ["staff would_allow", "new would_deny"]),
    ] {
        let user = Caller::of("rownd").profile(|profile| profile.groups = vec![group(id)]);
        let request = request("GET", "a.com", b"/");
        let rules = policy.choose(measured(&request)).unwrap();
        let identity = Some(Arc::new(Identity::for_test(user.facts.clone())));
        let unconfirmed = rules.decide(identity).unwrap().permit().expect_err("it needs a profile");
        let confirmed = Confirmed(Arc::new(user.profile.clone().unwrap()));
        let permit = unconfirmed.confirmed(&confirmed).unwrap();
        assert_eq!(permit.profile(), Some(&confirmed.0));
        let said = permit.shadows().iter().map(|o| format!("{} {}", o.rule, o.decision.as_str()));
        assert_eq!(said.collect::<Vec<_>>(), expected, "{id}");
    }
}

#[test]
fn each_reading_with_other_variables_is_judged_and_no_more_than_eight_are_told() {
    let own = compile(
        "guards:
           - id: mine
             match: { path: { template: '/users/{id}' } }
             require: { issuer: rownd, equals: { path: id, identity: user_id } }
             mode: shadow
         routes:
           - id: own
             match: { path: { template: '/users/{id}' } }
             require: { issuer: rownd, equals: { path: id, identity: user_id } }
             mode: shadow
           - { id: open, match: any, auth: optional }",
    );
    let user = Caller::of("rownd");
    for (path, expected) in [
        ("/users/user_1", &["mine would_allow", "own would_allow"][..]),
        (
            "/users/user_1;x",
            &["mine would_deny", "mine would_allow", "own would_deny", "own would_allow"],
        ),
    ] {
        assert_eq!(shadows(&own, path, None, Some(&user)), expected, "{path}");
    }
    for (guards, rules, told) in
        [(0, 12, 8), (3, 12, 8), (12, 0, 8), (12, 3, 8), (3, 4, 7), (4, 4, 8)]
    {
        let guard =
            |at| format!("{{ id: g{at}, match: any, require: {{ issuer: rownd }}, mode: shadow }}");
        // A rule in shadow that matched surely would end the search.
        let rule = |at| {
            let part = "headers: [{ name: x-a, exact: '1' }]";
            format!("{{ id: r{at}, match: {{ {part} }}, mode: shadow }}, ")
        };
        let guards: Vec<String> = (0..guards).map(guard).collect();
        let policy = compile(&format!(
            "guards: [{}]\nroutes: [{}{{ id: open, match: any }}]",
            guards.join(", "),
            (0..rules).map(rule).collect::<String>(),
        ));
        let mut request = request("GET", "a.com", b"/");
        request.headers = Headers::new(vec![("x_a".into(), "1".into())], false);
        let rules = policy.choose(measured(&request)).unwrap();
        let presented: Presented = Some(Arc::new(Identity::for_test(user.facts.clone()))).into();
        assert_eq!(rules.shadows(&presented, None).len(), told, "{guards:?}");
    }
}

prop_compose! {
    fn part()(
        auth in prop::sample::select(vec!["none", "optional", "required"]),
        path in prop::sample::select(vec!["any", "{ path: { prefix: /a } }", "{ methods: [GET] }"]),
        require in prop::sample::select(vec!["never", "{ issuer: rownd }", "{ issuer: rownd, group: g }"]),
        has_require: bool,
    ) -> (String, bool) {
        let reads = auth != "none" || require == "never";
        let require = if has_require && reads { format!(", require: {require}") } else { String::new() };
        (format!("match: {path}, auth: {auth}{require}"), has_require)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_rule_or_guard_in_shadow_changes_no_verdict(
        rules in prop::collection::vec((part(), any::<bool>()), 1..5),
        guard in prop::option::of(prop::sample::select(vec!["never", "{ issuer: rownd }"])),
        path in prop::sample::select(vec!["/a", "/a/b", "/b"]),
        issuer in prop::sample::select(vec!["rownd", "partner", ""]),
    ) {
        let write = |with_shadows: bool| {
            let routes = rules.iter().enumerate().filter(|(_, (_, shadow))| with_shadows || !shadow);
            let routes: Vec<String> = routes
                .map(|(index, ((rule, _), shadow))| {
                    let mode = if *shadow { "shadow" } else { "enforce" };
                    format!("{{ id: r{index}, {rule}, mode: {mode} }}")
                })
                .collect();
            let guards = guard.filter(|_| with_shadows).map_or(String::new(), |require| {
                format!("guards: [{{ id: g, match: any, require: {require}, mode: shadow }}]\n")
            });
            Policy::build(&config(&format!("{ISSUERS}{guards}routes: [{}]", routes.join(", "))))
        };
        let caller = Caller::of(issuer).profile(|_| {});
        let caller = (!issuer.is_empty()).then_some(&caller);
        let said = |policy: &Policy| ask(policy, path, caller).map_err(|denial| denial.reason());
        prop_assert_eq!(said(&write(true)), said(&write(false)));
    }
}
