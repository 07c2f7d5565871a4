//! The evidence of a condition: the request, the variables of its path, the identity, its claims and
//! the user's profile. The conditions here exist in tests only; they are asked in the same way as
//! those of settings.

use std::{net::Ipv4Addr, sync::Arc};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{identity, measured, request};
use crate::{
    config::{Auth, DefaultRoute},
    model::{
        AuthLevel, Cutoff, Denial, DenyReason, Downstream, EncodedDownstream, IdentityFacts,
        NamedRoute, OddParts, Profile, RequestContext, Workload,
    },
    policy::{
        ConfirmedByProfile, Needs, Policy,
        condition::Condition,
        evidence::Evidence,
        rule::Rule,
        unmet::{Cause, ConditionState},
    },
    verify::Identity,
};

/// A profile that was read and found good.
struct Confirmed(Arc<Profile>);

impl ConfirmedByProfile for Confirmed {
    fn profile(&self) -> &Arc<Profile> {
        &self.0
    }
}

fn profile(plan: &str) -> Confirmed {
    let attributes = json!({ "plan": plan });
    Confirmed(Arc::new(Profile {
        user_id: Some("user_1".to_owned()),
        state: None,
        auth_level: None,
        data: Map::new(),
        verified_data: Map::new(),
        attributes: attributes.as_object().unwrap().clone(),
        groups: Vec::new(),
        meta: Map::new(),
        tokens_valid_since: Cutoff::None,
        odd: OddParts::default(),
    }))
}

fn met(is_met: bool) -> ConditionState {
    if is_met { ConditionState::Met } else { ConditionState::Unmet(Cause::ForTest("no").into()) }
}

fn condition(needs: fn() -> Needs, ask: fn(&Evidence<'_>) -> ConditionState) -> Condition {
    Condition::ForTest { needs, ask }
}

/// A policy of these routes and the default, the conditions added to each.
fn policy(yaml: &str, conditions: fn() -> Vec<Condition>) -> Policy {
    let config = super::config(yaml);
    let add = |rule: Rule| conditions().into_iter().fold(rule, Rule::and);
    let rules = config.routes.iter().map(|route| add(Rule::of_route(route, &Arc::default())));
    Policy::new(Vec::new(), rules.collect(), add(super::rule_of(&config.default)))
}

/// The profile's attribute `plan` is `gold`.
fn gold_plan() -> Vec<Condition> {
    let ask = |evidence: &Evidence<'_>| match evidence.profile {
        Some(profile) => met(profile.attributes.get("plan") == Some(&json!("gold"))),
        None => ConditionState::NeedsProfile,
    };
    vec![condition(|| Needs { profile: true, ..Needs::default() }, ask)]
}

#[test]
fn a_condition_on_the_profile_is_asked_once_the_profile_is_there() {
    let policy = policy("", gold_plan);
    assert!(policy.needs().profile);
    let request = request("GET", "a.com", b"/");
    for (plan, expected) in [("gold", true), ("tin", false)] {
        let rules = policy.choose(measured(&request)).unwrap();
        let who = Arc::new(identity(AuthLevel::Verified));
        let allowed = rules.decide(Some(who.clone())).unwrap();
        let unconfirmed = allowed.permit().expect_err("the profile is not known yet");
        assert!(Arc::ptr_eq(unconfirmed.identity(), &who));
        assert_eq!(unconfirmed.confirmed(&profile(plan)).is_ok(), expected, "{plan}");
    }
}

#[test]
fn a_condition_on_the_profile_never_lets_nobody_pass() {
    let policy = policy("default: { auth: optional }", gold_plan);
    let request = request("GET", "a.com", b"/");
    let denied = policy.choose(measured(&request)).unwrap().decide(None).map(|_| ());
    assert_eq!(denied, Err(DenyReason::CredentialMissing.into()));
}

#[test]
fn a_condition_that_is_not_met_is_told_before_the_profile_is_read() {
    let policy = policy("default: { auth_level: verified, step_up: true }", gold_plan);
    let request = request("GET", "a.com", b"/");
    let guest = Arc::new(identity(AuthLevel::Guest));
    let denied = policy.choose(measured(&request)).unwrap().decide(Some(guest)).map(|_| ());
    let denied = denied.map_err(Denial::unexplained);
    assert_eq!(denied, Err(Denial::level_too_low(AuthLevel::Verified, true)));
}

#[test]
fn a_condition_that_wants_more_than_the_profile_is_no_yes() {
    let policy = policy("", || vec![condition(Needs::default, |_| ConditionState::NeedsProfile)]);
    let request = request("GET", "a.com", b"/");
    let who = Some(Arc::new(identity(AuthLevel::Verified)));
    let allowed = policy.choose(measured(&request)).unwrap().decide(who).unwrap();
    let confirmed = allowed.permit().expect_err("not confirmed").confirmed(&profile("gold"));
    assert_eq!(confirmed, Err(DenyReason::Internal.into()));
}

const ROLES: &str = "/realm_access/roles";

fn claim_is(evidence: &Evidence<'_>, name: &str, value: &Value) -> ConditionState {
    met(evidence.identity.is_some_and(|identity| identity.claims.get(name) == Some(value)))
}

/// The claims `tid` and `roles` of `realm_access` have these values.
fn acme_admin() -> Vec<Condition> {
    let roles = || Needs { claims: [ROLES.to_owned()].into(), ..Needs::default() };
    let tenant = || Needs { claims: ["tid".to_owned()].into(), ..Needs::default() };
    vec![
        condition(roles, |evidence| claim_is(evidence, ROLES, &json!(["admin"]))),
        condition(tenant, |evidence| claim_is(evidence, "tid", &json!("acme"))),
    ]
}

#[test]
fn the_claims_of_all_rules_are_asked_for_together() {
    let policy = policy("routes: [{ id: a, match: any }, { id: b, match: any }]", acme_admin);
    let asked = policy.asked_claims();
    assert_eq!(asked.iter().collect::<Vec<_>>(), [ROLES, "tid"]);
    // No setting asks for a claim yet.
    assert_eq!(super::policy("").asked_claims().iter().count(), 0);
}

#[test]
fn a_condition_sees_the_claims_that_it_asked_for() {
    let policy = policy("", acme_admin);
    let request = request("GET", "a.com", b"/");
    for (roles, tenant, expected) in [
        (json!(["admin"]), json!("acme"), true),
        (json!(["editor"]), json!("acme"), false),
        (json!(["admin"]), json!("other"), false),
    ] {
        let mut facts =
            IdentityFacts::new("user_1".to_owned(), "rownd".into(), AuthLevel::Verified);
        facts.claims = [(ROLES.into(), roles), ("tid".into(), tenant)].into_iter().collect();
        let who = Some(Arc::new(Identity::for_test(facts)));
        let rules = policy.choose(measured(&request)).unwrap();
        assert_eq!(rules.decide(who).is_ok(), expected);
    }
    let who = Some(Arc::new(identity(AuthLevel::Verified)));
    assert!(policy.choose(measured(&request)).unwrap().decide(who).is_err(), "no such claims");
}

/// The variable `id` of the path is the id of the user.
fn own_item() -> Vec<Condition> {
    let ask = |evidence: &Evidence<'_>| {
        let own = evidence.identity.map(|identity| identity.user_id.as_bytes());
        met(own.is_some() && evidence.variables.get("id") == own)
    };
    vec![condition(|| Needs { path_variables: true, ..Needs::default() }, ask)]
}

const ITEMS: &str = "
routes:
  - { id: item, match: { path: { regex: '/users/(?P<id>[^/]+)' } }, odd_paths: judge }
  - { id: named, by_name: true }
default: { odd_paths: judge }
";

#[test]
fn the_variables_of_every_reading_of_a_path_count() {
    let policy = policy(ITEMS, own_item);
    for (path, expected) in [
        ("/users/user_1", true),
        ("/users/user%5F1", false),
        ("/users/user_2", false),
        ("/users/user_2/../user_1", false),
        ("/users/user_1;x", false),
    ] {
        let request = request("GET", "a.com", path.as_bytes());
        let who = Some(Arc::new(identity(AuthLevel::Verified)));
        let allowed = policy.choose(measured(&request)).unwrap().decide(who).is_ok();
        assert_eq!(allowed, expected, "{path}");
    }
}

#[test]
fn a_rule_that_the_proxy_names_has_no_variables_without_a_match() {
    let policy = policy(ITEMS, own_item);
    let mut request = request("GET", "a.com", b"/users/user_1");
    for (name, expected) in [("item", true), ("named", false)] {
        request.named_route = Some(NamedRoute::Id(name.into()));
        let who = Some(Arc::new(identity(AuthLevel::Verified)));
        let allowed = policy.choose(measured(&request)).unwrap().decide(who).is_ok();
        assert_eq!(allowed, expected, "{name}");
    }
}

#[test]
fn variables_that_no_condition_needs_are_not_read() {
    let rule = Rule::of_route(&super::config(ITEMS).routes[0], &Arc::default());
    assert_eq!(rule.variables(b"/users/user_1").get("id"), None);
    let rule = own_item().into_iter().fold(rule, Rule::and);
    assert_eq!(rule.variables(b"/users/user_1").get("id"), Some(b"user_1".as_slice()));
    assert_eq!(rule.variables(b"/users/user_1").get("name"), None);
    assert_eq!(rule.variables(b"/other").get("id"), None);
}

/// The condition holds for this request and its client.
fn holds(ask: fn(&Evidence<'_>) -> ConditionState, request: &RequestContext) -> bool {
    let open = DefaultRoute { auth: Auth::None, ..DefaultRoute::default() };
    let rule = super::rule_of(&open).and(condition(Needs::default, ask));
    Policy::new(Vec::new(), Vec::new(), rule)
        .choose(measured(request))
        .unwrap()
        .decide(None)
        .is_ok()
}

#[test]
fn a_condition_sees_the_query_the_workload_and_the_address_of_the_client() {
    let decode = |encoded: &Bytes| Downstream {
        workload: Workload::new(String::from_utf8(encoded.to_vec()).unwrap()),
        address: Some(Ipv4Addr::LOCALHOST.into()),
    };
    let request = |target: &str, client: &'static str| RequestContext {
        downstream: EncodedDownstream::new(client.into(), decode),
        ..RequestContext::for_test(target)
    };
    let web = request("/?plan=gold", "spiffe://a/web");
    let other = request("/?plan=tin", "spiffe://a/other");
    let gold = |evidence: &Evidence<'_>| {
        met(evidence.request.query().values("plan").any(|plan| *plan == *b"gold"))
    };
    assert!(holds(gold, &web) && !holds(gold, &other));
    let is_web = |evidence: &Evidence<'_>| {
        let workload = evidence.request.downstream().workload;
        met(workload.is_some_and(|it| it.spiffe_id() == Some("spiffe://a/web")))
    };
    assert!(holds(is_web, &web) && !holds(is_web, &other));
    let is_local = |evidence: &Evidence<'_>| {
        met(evidence.request.downstream().address.is_some_and(|it| it.is_loopback()))
    };
    assert!(holds(is_local, &web) && !holds(is_local, &RequestContext::for_test("/")));
}

#[test]
fn the_client_is_decoded_only_for_a_condition_that_asks_for_it() {
    let request = RequestContext {
        downstream: EncodedDownstream::new(Bytes::new(), |_| panic!("nobody asked")),
        ..RequestContext::for_test("/")
    };
    assert!(holds(|_| met(true), &request));
    assert!(super::policy("").choose(measured(&request)).unwrap().decide(None).is_err());
}
