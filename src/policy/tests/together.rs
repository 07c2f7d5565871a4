//! The rules of one request together: the form of their denials, the outputs that they tell, and the
//! number that is kept.

use std::{sync::Arc, time::Duration};

use super::{chosen, config, policy, request};
use crate::{
    config::Config,
    model::{AuthLevel, DenyReason},
    policy::{
        BesideRules, ChosenRule,
        outputs::CommonOutputs,
        requirement::FactSources,
        rule::Rule,
        unmet::{Cause, Unmet},
    },
};

/// The rules of these routes, with their outputs.
fn rules(config: &Config) -> Vec<Rule> {
    let sources = Arc::new(FactSources::build(config));
    let common = CommonOutputs::build(config);
    let rule = |route| Rule::of_route(route, &sources).telling(&route.outputs, &common, &sources);
    config.routes.iter().map(rule).collect()
}

#[test]
fn the_form_of_a_denial_is_the_one_that_all_rules_have() {
    let config = config(
        "routes:
  - { id: page, match: { path: { prefix: /a } }, denial: { html: {} } }
  - { id: page-too, match: { path: { prefix: /b } }, denial: { html: {} } }
  - { id: json, match: { path: { prefix: /c } }, denial: { json: true } }
  - { id: none, match: { path: { prefix: /d } } }",
    );
    let rules = rules(&config);
    let form = |at: usize| config.routes[at].denial.as_ref().map(|denial| &**denial.form());
    let request = request("GET", "a.com", b"/");
    for (held, expected) in [
        (&[0][..], Some(0)),
        (&[2], Some(2)),
        (&[3], None),
        (&[0, 1], Some(0)),
        (&[0, 2], None),
        (&[0, 1, 2], None),
        (&[0, 2, 1], None),
        (&[0, 3], None),
        (&[3, 0], None),
    ] {
        let held_rules: Vec<&Rule> = held.iter().map(|at| &rules[*at]).collect();
        let found = chosen(&request, &held_rules).denial_form().map(|form| &**form);
        assert_eq!(found, expected.and_then(form), "{held:?}");
    }
}

#[test]
fn a_rule_that_several_readings_choose_is_told_once() {
    let config = config(
        "routes:
  - { id: a, match: { path: { prefix: /a } }, strip_credential: true }
  - { id: b, match: { path: { prefix: /b } }, strip_credential: true }",
    );
    let rules = rules(&config);
    let request = request("GET", "a.com", b"/");
    let (a, b) = (&rules[0], &rules[1]);
    for (readings, expected) in
        [(&[a, a][..], &["a"][..]), (&[a, b, a, b, b], &["a", "b"]), (&[b, a, b], &["b", "a"])]
    {
        let granted = chosen(&request, readings).granted();
        let told: Vec<&str> = granted.iter().map(|rule| &*rule.outputs().id).collect();
        assert_eq!(told, expected);
    }
}

/// A client that makes many readings adds nothing to the work behind this bound.
#[test]
fn of_many_rules_in_shadow_eight_are_kept() {
    for (written, kept) in [(7, 7), (8, 8), (9, 8), (12, 8)] {
        let route = |at| format!("  - {{ id: r{at}, match: any, mode: shadow }}\n");
        let rules = rules(&config(&format!(
            "routes:\n{}  - {{ id: last, match: any }}",
            (0..written).map(route).collect::<String>()
        )));
        let mut beside = BesideRules::default();
        for rule in rules.iter().take(written) {
            beside.add_shadow(ChosenRule::new(rule, b"/"));
        }
        assert_eq!(beside.shadows.len(), kept, "{written}");
    }
}

#[test]
fn a_policy_names_its_guards_and_rules_and_knows_its_roles() {
    let named = policy(
        "guards: [{ id: g, match: any, require: never }]
roles: { editor: {} }
role_sources: [{ claim: roles }]
routes: [{ id: a, match: { path: { prefix: /a } } }, { id: b, by_name: true }]",
    );
    assert_eq!(named.ids().collect::<Vec<_>>(), ["g", "default", "a", "b"]);
    assert!(named.rights().is_configured());
    assert!(!policy("").rights().is_configured());
}

/// One sign-in can be enough for all of them, so the shortest time is told whatever the order is.
#[test]
fn of_several_ages_beside_a_level_the_shortest_is_told() {
    let seconds = |seconds| Cause::MaxAge(Duration::from_secs(seconds));
    let level = Cause::AuthLevel(AuthLevel::Verified);
    for causes in [
        [seconds(60), level.clone(), seconds(900)],
        [seconds(900), level.clone(), seconds(60)],
        [level.clone(), seconds(60), seconds(900)],
        [seconds(60), seconds(900), level],
    ] {
        let unmet = causes.iter().cloned().map(Unmet::from).reduce(Unmet::and).unwrap();
        let denial = unmet.denial(true);
        assert_eq!(denial.reason(), DenyReason::StepUpRequired, "{causes:?}");
        assert_eq!(denial.max_age(), Some(Duration::from_secs(60)), "{causes:?}");
    }
}
