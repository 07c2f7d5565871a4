//! Paths with variables: the paths that fit, their variables, and the tricks by which a client would
//! have a service read one path and a rule another.

use std::sync::Arc;

use percent_encoding::percent_decode;

use super::{identity, measured, policy, request};
use crate::{
    model::{AuthLevel, DenyReason},
    policy::{
        Asked, ChosenRules, Fit, Needs, Policy,
        condition::Condition,
        evidence::Evidence,
        rule::Rule,
        unmet::{Cause, ConditionState},
    },
};

/// How surely the one rule of this match fits a path, and the variable `x` of it.
fn fit(matches: &str, path: &str) -> (Fit, Option<String>) {
    let yaml = format!("routes: [{{ id: a, match: {{ path: {matches} }} }}]");
    let rule = Rule::of_route(&super::config(&yaml).routes[0], &Arc::default()).and(own());
    let request = request("GET", "a.com", path.as_bytes());
    let found = rule.fit(&Asked::of(&request).unwrap(), b"GET", path.as_bytes());
    let variable = rule.variables(path.as_bytes()).get("x").map(<[u8]>::to_vec);
    (found, variable.map(|value| String::from_utf8(value).unwrap()))
}

#[rustfmt::skip] // one case a line
const FITS: &[(&str, &str, Fit, Option<&str>)] = &[
    ("/users/{x}", "/users/1", Fit::Surely, Some("1")),
    ("/users/{x}", "/users/a.b-c~d:@!$&'()*+,=", Fit::Surely, Some("a.b-c~d:@!$&'()*+,=")),
    ("/users/{x}", "/users/..", Fit::Surely, Some("..")),
    ("/users/{x}", "/users/1/", Fit::Possibly, Some("1")),
    ("/users/{x}", "/Users/1", Fit::Possibly, Some("1")),
    ("/users/{x}", "/USERS/A/", Fit::Possibly, Some("A")),
    ("/users/{x}", "/users/1//", Fit::No, None),
    ("/users/{x}", "/users/", Fit::No, None),
    ("/users/{x}", "/users", Fit::No, None),
    ("/users/{x}", "/users//1", Fit::No, None),
    ("/users/{x}", "/users/1/2", Fit::No, None),
    ("/users/{x}", "/user/1", Fit::No, None),
    ("/users/{x}", "/a/users/1", Fit::No, None),
    ("/users/{x}", "/", Fit::No, None),
    ("/users/{x}/", "/users/1/", Fit::Surely, Some("1")),
    ("/users/{x}/", "/users/1", Fit::Possibly, Some("1")),
    ("/users/{x}/", "/Users/1/", Fit::Possibly, Some("1")),
    ("/users/{x}/", "/users/1/2", Fit::No, None),
    ("/users/{x}/orders", "/users/1/orders", Fit::Surely, Some("1")),
    ("/users/{x}/orders", "/users//orders", Fit::No, None),
    ("/users/{x}/orders", "/users/1", Fit::No, None),
    ("/{x}", "/1", Fit::Surely, Some("1")),
    ("/{x}", "/", Fit::No, None),
    ("/{y}/{x}", "/1/2", Fit::Surely, Some("2")),
    ("/files/{x...}", "/files/a", Fit::Surely, Some("a")),
    ("/files/{x...}", "/files/a/b/", Fit::Surely, Some("a/b/")),
    ("/files/{x...}", "/files//", Fit::Surely, Some("/")),
    ("/files/{x...}", "/files/", Fit::Possibly, Some("")),
    ("/files/{x...}", "/FILES/a", Fit::Possibly, Some("a")),
    ("/files/{x...}", "/files", Fit::Possibly, Some("")),
    ("/files/{x...}", "/file", Fit::No, None),
    ("/files/{y}/{x...}", "/files", Fit::No, None),
    ("/files/{y}/{x...}", "/files/a", Fit::Possibly, Some("")),
    ("/files/{x...}", "/filesystem/a", Fit::No, None),
    ("/{x...}", "/", Fit::Possibly, Some("")),
    ("/{x...}", "/a/b", Fit::Surely, Some("a/b")),
    ("/{y}/{x...}", "/a/b/c", Fit::Surely, Some("b/c")),
    ("/{y}/{x...}", "//b", Fit::No, None),
];

#[test]
fn a_variable_is_one_segment_and_a_rest_is_the_rest() {
    for (template, path, expected, variable) in FITS {
        let found = fit(&format!("{{ template: '{template}' }}"), path);
        assert_eq!(found, (*expected, variable.map(str::to_owned)), "{template} {path}");
    }
}

#[test]
fn a_named_group_is_a_variable_too() {
    let regex = "{ regex: '/users/(?P<x>[0-9]+)(/(?P<y>a))?' }";
    assert_eq!(fit(regex, "/users/12"), (Fit::Surely, Some("12".to_owned())));
    assert_eq!(fit(regex, "/users/x"), (Fit::No, None));
    let yaml = format!("routes: [{{ id: a, match: {{ path: {regex} }} }}]");
    let config = super::config(&yaml);
    let crate::config::AppliesTo::Matching(parts) = &config.routes[0].applies_to else { panic!() };
    assert_eq!(parts.path.as_ref().unwrap().variables().collect::<Vec<_>>(), ["x", "y"]);
}

/// The variable `id`, decoded once, is the id of the user.
fn own() -> Condition {
    let ask = |evidence: &Evidence<'_>| {
        let own = evidence.identity.map(|identity| identity.user_id.as_bytes().to_vec());
        let sent = evidence.variables.get("id").map(|id| percent_decode(id).collect::<Vec<u8>>());
        if own.is_some() && sent == own {
            ConditionState::Met
        } else {
            ConditionState::Unmet(Cause::ForTest("another user's").into())
        }
    };
    Condition::ForTest {
        needs: || Needs { path_variables: true, identity: true, ..Needs::default() },
        ask,
    }
}

/// The own record, and everything else open to all.
fn own_record() -> Policy {
    let config = super::config(
        "
routes:
  - { id: own, match: { path: { template: '/users/{id}' } }, odd_paths: judge }
  - { id: own-orders, match: { path: { template: '/users/{id}/orders/{order}' } }, odd_paths: judge }
default: { auth: none, odd_paths: judge }
",
    );
    let rules = config.routes.iter().map(|route| Rule::of_route(route, &Arc::default()).and(own()));
    Policy::new(Vec::new(), rules.collect(), super::rule_of(&config.default))
}

/// The answer to `user_1`.
fn answer(policy: &Policy, path: &str) -> Result<(), DenyReason> {
    let request = request("GET", "a.com", path.as_bytes());
    let rules: ChosenRules<'_> = policy.choose(measured(&request))?;
    let who = Some(Arc::new(identity(AuthLevel::Verified)));
    rules.decide(who).map(|_| ()).map_err(|denial| denial.reason())
}

/// Each of these is the record of `user_2`, or one of its orders, to some server or some row of them.
#[rustfmt::skip] // one group a line
const TRICKS: &[&str] = &[
    "/users/user_2", "/users/user_2?x=/users/user_1", "/users/user_2#/users/user_1", "/users/user_2;x=user_1",
    "/users/user%5F2", "/users/user%5f2", "/users/%75ser_2", "/%75sers/user_2", "/%55sers/user_2",
    "/users/user%255F2", "/users/user%25255F2", "/users%2fuser_2", "/users%2Fuser_2", "/users%252fuser_2",
    "%2fusers/user_2", "/%2fusers/user_2", "/users/%2fuser_2", "/users/user_2%2f", "/users%5cuser_2",
    "/users\\user_2", "\\users\\user_2", "/users/\\user_2", "/users/user_2\\", "/users//user_2",
    "//users/user_2", "///users/user_2", "/users/user_2/", "/users/user_2//", "//users//user_2//",
    "//a.com/users/user_2", "///a.com/users/user_2", "/\\a.com/users/user_2", "/./users/user_2", "/users/./user_2",
    "/users/user_2/.", "/users/user_2/./", "/users/user_1/../user_2", "/users/user_1/%2e%2e/user_2",
    "/users/user_1/.%2e/user_2", "/users/user_1/%2E./user_2", "/users/user_1/..;/user_2", "/users/user_1/..;x=y/user_2",
    "/users/user_1/..%2fuser_2", "/users/user_1%2f..%2fuser_2", "/users/user_1/..%5cuser_2", "/users/user_1/..\\user_2",
    "/users/user_1/..//user_2", "/users/user_1//../user_2", "/users/user_1/.//../user_2", "/users/user_1/%252e%252e/user_2",
    "/x/../users/user_2", "/x/..;/users/user_2", "/x/%2e%2e/users/user_2", "/../users/user_2", "/..%2fusers%2fuser_2",
    "/users;v=1/user_2", "/users;/user_2", "/;x/users/user_2", "/users/;x/user_2", "/users/user_2;", "/users/user_2%3bx",
    "/users/user_2%3fx", "/users/user_2%23x", "/users/user_2?", "/users/user_2%3Fid=user_1", "/users/user_2#",
    "/Users/user_2", "/USERS/user_2", "/uSeRs/user_2/", "/users/user_2/orders/1", "/users/user_2/orders/1/",
    "/users/user_2/Orders/1", "/users/user_2//orders/1", "/users/user_2/orders//1", "/users/user_1/orders/../../user_2/orders/1",
    "/users/user_1/../user_2/orders/1", "/users/user_2/orders/x%2f..", "/users/user_2/orders;x/1", "/users/user_2/orders/1%2f",
    "/users/user_1;/../user_2", "/users/user_1/orders/1/../../../user_2", "/users/user_1%2f%2e%2e%2fuser_2",
];

#[test]
fn no_trick_opens_the_record_of_another() {
    let policy = own_record();
    assert!(TRICKS.len() >= 60, "{}", TRICKS.len());
    for path in TRICKS {
        let denied = answer(&policy, path);
        assert!(
            matches!(denied, Err(DenyReason::AuthLevelTooLow | DenyReason::PathRefused)),
            "{path}: {denied:?}"
        );
    }
}

#[test]
fn the_own_record_stays_open() {
    let policy = own_record();
    for path in [
        "/users/user_1",
        "/users/user_1?x=/users/user_2",
        "/users/user%5F1",
        "/users/%75ser_1",
        "/users/user_1/",
        "/Users/user_1",
        "//users//user_1",
        "/users/./user_1",
        "/users/user_1/orders/7",
        "/users",
        "/other/user_2",
    ] {
        assert_eq!(answer(&policy, path), Ok(()), "{path}");
    }
}

/// Each of these is something else than a template's path to every server, so that no rule of it is
/// asked.
#[test]
fn a_path_of_another_shape_is_left_to_the_next_rule() {
    let policy = policy(
        "
routes:
  - { id: own, match: { path: { template: '/users/{id}/orders' } }, auth_level: verified }
default: { auth: none }
",
    );
    for path in ["/users/user_2", "/users/user_2/orders/1", "/users/a/b/orders", "/user/a/orders"] {
        assert_eq!(answer(&policy, path), Ok(()), "{path}");
    }
}
