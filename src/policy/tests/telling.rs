//! The outputs of a rule: the facts that have to be known for them, and the permits that have them.

use std::sync::Arc;

use super::{
    config, measured, request,
    requirements::{Caller, ISSUERS, ask},
};
use crate::{
    policy::{Permit, Policy},
    verify::Identity,
};

fn build(rest: &str) -> Policy {
    Policy::build(&config(&format!("{ISSUERS}{rest}")))
}

/// A policy with passports, whose key has no part in its decisions.
fn with_passport(rest: &str) -> Policy {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.pem");
    std::fs::write(&file, "no key").unwrap();
    let keys = format!("keys: [{{ file: '{}' }}]", file.display());
    build(&format!(
        "passport: {{ issuer: 'https://a.test', subject: issuer_and_user_id, {keys} }}\n{rest}"
    ))
}

/// Whether the profile is read for a user of each issuer, and for nobody.
fn reads(policy: &Policy) -> [bool; 3] {
    let users = [Caller::of("rownd").profile(|_| {}), Caller::of("partner").profile(|_| {})];
    let read = |caller| ask(policy, "/a", caller).unwrap();
    [read(Some(&users[0])), read(Some(&users[1])), read(None)]
}

const GROUPS: &str = "role_sources: [{ issuers: [rownd], group_roles: true }]\n";
const CLAIM: &str = "role_sources: [{ issuers: [rownd], claim: roles }]\n";

#[test]
fn the_profile_is_read_where_something_told_is_in_it() {
    let rownd = [true, false, false];
    let nobody = [false; 3];
    let header = |from: &str| {
        let is_list = from.ends_with("roles") || from.ends_with("permissions");
        let format = if is_list { "list" } else { "text" };
        format!("headers: [{{ name: x-a, from: {{ {from} }}, format: {format} }}]")
    };
    let response = |from: &str| format!("response_headers: [{{ name: x-a, from: {{ {from} }} }}]");
    let query = |from: &str| format!("query: {{ set: [{{ name: a, from: {{ {from} }} }}] }}");
    let passport =
        |claim: &str| format!("passport: {{ audience: a, claims: {{ x: {{ {claim} }} }} }}");
    #[rustfmt::skip] // one case a line
    let cases = [
        ("", header("claim: plan"), nobody),
        ("", header("identity: user_id"), nobody),
        ("", header("identity: roles"), nobody),
        ("", header("constant: a"), nobody),
        ("", header("cel: request.path"), nobody),
        ("", header("cel: path.id"), nobody),
        ("", header("profile: /data/plan"), rownd),
        ("", header("cel: has(profile.data.plan)"), rownd),
        ("", response("profile: /data/plan"), rownd),
        ("", query("profile: /data/plan"), rownd),
        (GROUPS, header("identity: roles"), rownd),
        (GROUPS, header("identity: permissions"), rownd),
        (GROUPS, header("identity: user_id"), nobody),
        (CLAIM, header("identity: roles"), nobody),
        ("", passport("claim: plan"), nobody),
        ("", passport("identity: roles"), nobody),
        ("", passport("profile: plan"), rownd),
        (GROUPS, passport("identity: roles"), rownd),
        (GROUPS, passport("identity: auth_level"), nobody),
        (CLAIM, passport("identity: roles"), nobody),
    ];
    for (sources, told, expected) in cases {
        let match_path = "match: { path: { template: '/{id}' } }";
        let optional =
            format!("{sources}routes: [{{ id: it, {match_path}, auth: optional, {told} }}]");
        let required = format!("{sources}routes: [{{ id: it, {match_path}, {told} }}]");
        let policy = with_passport(&optional);
        assert_eq!(reads(&policy), expected, "{optional}");
        assert_eq!(policy.needs().profile, expected == rownd, "{optional}");
        let required =
            ask(&with_passport(&required), "/a", Some(&Caller::of("rownd").profile(|_| {})));
        assert_eq!(required, Ok(expected == rownd), "{told}");
        // A header of all rules is one of each rule.
        if told.starts_with("headers") {
            let common =
                format!("{sources}{told}\nroutes: [{{ id: it, {match_path}, auth: optional }}]");
            let open = common.replace("optional", "none");
            if !told.contains("path.id") {
                assert_eq!(reads(&build(&common)), expected, "{common}");
                assert_eq!(reads(&build(&open)), nobody, "{open}");
            }
        }
    }
}

/// The permit of a user for a GET of this path.
fn permit(policy: &Policy, path: &str) -> Permit {
    let request = request("GET", "a.com", path.as_bytes());
    let identity = Identity::for_test(Caller::of("partner").facts);
    let rules = policy.choose(measured(&request)).unwrap();
    rules.decide(Some(Arc::new(identity))).unwrap().permit().unwrap()
}

/// The rule that tells something, and its variable.
type Told<'a> = (&'a str, Option<&'a str>);

#[test]
fn a_permit_has_the_rules_that_tell_something_each_with_its_variables() {
    let policy = with_passport(
        "routes:
  - { id: silent, match: { path: { exact: /silent } } }
  - { id: header, match: { path: { template: '/header/{id}' } }, headers: [{ name: x-a, from: { path: id } }] }
  - { id: unread, match: { path: { template: '/unread/{id}' } }, headers: [{ name: x-a, from: { constant: a } }] }
  - { id: claimed, match: { path: { template: '/claimed/{id}' } }, headers: [{ name: x-a, from: { claim: a } }] }
  - { id: response, match: { path: { prefix: /response } }, response_headers: [{ name: x-a, from: { constant: a } }] }
  - { id: query, match: { path: { prefix: /query } }, query: { remove: [a] } }
  - { id: strip, match: { path: { prefix: /strip } }, strip_credential: true }
  - { id: passport, match: { path: { template: '/passport/{id}' } }, passport: { audience: a, claims: { x: { path: id } } } }",
    );
    #[rustfmt::skip] // one case a line
    let cases: [(&str, &[Told<'_>]); 11] = [
        ("/silent", &[]),
        ("/header/7", &[("header", Some("7"))]),
        ("/header/%37", &[("header", Some("%37")), ("header", Some("7"))]),
        ("/unread/7", &[("unread", None)]),
        // Two readings of one rule, of whose variables nothing is told.
        ("/unread/%37", &[("unread", None)]),
        ("/claimed/%37", &[("claimed", None)]),
        ("/response", &[("response", None)]),
        ("/query", &[("query", None)]),
        ("/strip", &[("strip", None)]),
        ("/passport/7", &[("passport", Some("7"))]),
        ("/other", &[]),
    ];
    for (path, expected) in cases {
        let permit = permit(&policy, path);
        assert_eq!(permit.identity().map(|who| &*who.user_id), Some("user_1"), "{path}");
        let told = permit.granted().iter().map(|granted| {
            let id = granted.variable("id").map(|id| std::str::from_utf8(id).unwrap());
            (&*granted.outputs().id, id)
        });
        let told: Vec<_> = told.collect();
        assert_eq!(told, expected, "{path}");
    }
    let asked = build(
        "headers: [{ name: x-a, from: { claim: a } }]\nroutes: [{ id: it, match: any, response_headers: [{ name: x-b, from: { cel: claims.b } }] }]",
    );
    assert_eq!(asked.asked_claims().iter().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn the_same_settings_of_the_same_rule_tell_the_same() {
    let granted = |rest: &str| {
        let policy = with_passport(&format!("routes: [{{ id: it, match: any, {rest} }}]"));
        permit(&policy, "/").granted()[0].clone()
    };
    let one = "headers: [{ name: x-a, from: { constant: a } }]";
    let others = [
        "headers: [{ name: x-a, from: { constant: b } }]".to_owned(),
        format!("{one}, response_headers: [{{ name: x-a, from: {{ constant: a }} }}]"),
        format!("{one}, query: {{ remove: [a] }}"),
        format!("{one}, strip_credential: true"),
        format!("{one}, passport: {{ audience: a }}"),
    ];
    assert_eq!(granted(one), granted(one));
    let renamed = with_passport(&format!("routes: [{{ id: other, match: any, {one} }}]"));
    assert_ne!(granted(one), permit(&renamed, "/").granted()[0], "another rule");
    for other in others {
        assert_ne!(granted(one), granted(&other), "{other}");
    }
}

#[test]
fn an_own_header_takes_the_place_of_the_common_one_of_its_name() {
    let list = |setting: &str, names: &[&str]| {
        let header = |name| format!("{{ name: {name}, from: {{ constant: a }} }}");
        let headers: Vec<String> = names.iter().map(header).collect();
        format!("{setting}: [{}]", headers.join(", "))
    };
    #[rustfmt::skip] // one case a line
    let cases: [(&[&str], &[&str], &[&str]); 4] = [
        (&["x-a", "x-b"], &["x-a"], &["x-b", "x-a"]),
        (&["x-a", "x-b"], &["x-a", "x-c"], &["x-b", "x-a", "x-c"]),
        (&["x-a", "x-b"], &["x-c"], &["x-a", "x-b", "x-c"]),
        (&["x-a"], &["x-a"], &["x-a"]),
    ];
    for (common, own, expected) in cases {
        let policy = build(&format!(
            "{}\n{}\nroutes: [{{ id: it, match: any, {}, {} }}]",
            list("headers", common),
            list("response_headers", common),
            list("headers", own),
            list("response_headers", own),
        ));
        let permit = permit(&policy, "/");
        let outputs = permit.granted()[0].outputs();
        for headers in [&outputs.headers, &outputs.response_headers] {
            let names: Vec<&str> = headers.iter().map(|header| &*header.name).collect();
            assert_eq!(names, expected, "{common:?} {own:?}");
        }
    }
}
