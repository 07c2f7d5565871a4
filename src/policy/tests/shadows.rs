//! Rules and guards in shadow: they are reported, and change no verdict.

use std::sync::Arc;

use proptest::prelude::*;

use super::{
    config, measured, request,
    requirements::{Caller, ISSUERS, ask, compile},
};
use crate::{
    model::{CredentialSource, NamedRoute},
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
    ] {
        assert_eq!(shadows(&policy, path, named, caller), expected, "{path} {named:?} {caller:?}");
        if named.is_none() {
            assert_eq!(ask(&policy, path, caller), Ok(false), "{path}");
        }
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
