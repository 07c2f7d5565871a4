//! JSON on the way to a `Struct` and back.

use std::sync::Arc;

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use prost::Message as _;
use prost_types::{Struct, Value, value::Kind};
use serde_json::{Map, Value as Json, json};

use tonic::Code;
use tonic_types::StatusExt as _;

use super::{
    convert::{from_struct, wire_identity},
    fault::Fault,
    refusal::Asked,
    structure::Structures,
};
use crate::{
    authz::VerifiedToken,
    grpc::pb::rownd::auth::v1::{VerifyResponse, verify_response::Outcome},
    issuer_api::{ApiError, ExchangeError},
    model::{AuthLevel, DenialClass, DenyReason, Group, IdentityFacts},
    policy::rights::Rights,
    profile::ProfileError,
    single_flight::Missed,
    verify::Identity,
};

fn ann() -> Arc<Identity> {
    let facts = IdentityFacts::new("ann".to_owned(), "rownd".into(), AuthLevel::Verified);
    Arc::new(Identity::for_test(facts))
}

/// No roles and no permissions.
fn known() -> Rights {
    Rights { roles: Some(Vec::new()), permissions: Some(Vec::new()) }
}

fn values() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-(1_i64 << 53)..=(1_i64 << 53)).prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

/// All of it, where nothing is to be left out.
fn structure(map: &Map<String, Json>) -> Struct {
    let mut structures = Structures::default();
    let made = structures.make("x", map);
    assert_eq!(structures.omitted(), [] as [String; 0]);
    made
}

proptest! {
    #[test]
    fn json_comes_back_as_it_went(value in values()) {
        let map = Map::from_iter([("value".to_owned(), value)]);
        assert_eq!(from_struct("x", structure(&map)).unwrap(), map);
    }
}

#[test]
fn numbers_keep_what_a_double_can_hold() {
    for (number, expected) in
        [(json!(0.5), json!(0.5)), (json!(3.0), json!(3)), (json!(1e300), json!(1e300))]
    {
        let map = Map::from_iter([("n".to_owned(), number)]);
        assert_eq!(from_struct("x", structure(&map)).unwrap()["n"], expected);
    }
}

#[test]
fn a_value_that_json_has_no_word_for_is_refused() {
    let kinds = [None, Some(Kind::NumberValue(f64::INFINITY)), Some(Kind::NumberValue(f64::NAN))];
    for kind in kinds {
        let fields = Struct { fields: [("x".to_owned(), Value { kind })].into() };
        assert!(from_struct("x", fields).is_err());
    }
}

#[test]
fn an_invitation_is_no_membership_of_an_identity() {
    let group = |state: Option<&str>| Group {
        id: state.unwrap_or("none").to_owned(),
        name: None,
        roles: vec!["owner".to_owned()],
        member_state: state.map(str::to_owned),
    };
    let states =
        [Some("active"), Some("invite_pending"), Some("invite_rejected"), Some("odd"), None];
    let answer = VerifiedToken {
        identity: ann(),
        claims: Map::new(),
        memberships: states.map(group).into(),
        rights: known(),
    };
    let memberships = wire_identity(&answer, &mut Structures::default()).memberships;
    let groups: Vec<&str> = memberships.iter().map(|place| place.group_id.as_str()).collect();
    assert_eq!(groups, ["active"]);
}

#[test]
fn lists_that_are_not_known_are_empty_and_named() {
    let list = || Some(vec!["a".to_owned()]);
    for (roles, permissions, omitted) in [
        (list(), list(), &[][..]),
        (None, list(), &["roles"]),
        (list(), None, &["permissions"]),
        (None, None, &["roles", "permissions"]),
    ] {
        let rights = Rights { roles: roles.clone(), permissions: permissions.clone() };
        let (claims, memberships) = (Map::new(), Vec::new());
        let answer = VerifiedToken { identity: ann(), claims, memberships, rights };
        let mut structures = Structures::default();
        let who = wire_identity(&answer, &mut structures);
        assert_eq!(
            (who.roles, who.permissions),
            (roles.unwrap_or_default(), permissions.unwrap_or_default())
        );
        assert_eq!(structures.omitted(), omitted);
    }
}

/// A list of lists, an object of objects, or both alternately, of so many levels.
fn nested(shape: usize, depth: usize) -> Json {
    (0..depth).fold(json!("x"), |inner, level| match (shape, level % 2) {
        (0, _) | (2, 0) => json!([inner]),
        _ => json!({ "a": inner }),
    })
}

/// Within 100 levels of messages, which is what libraries take: the one of this test takes as many.
#[test]
fn an_answer_has_no_more_levels_than_libraries_take() {
    for shape in 0..3 {
        for depth in (0..=60).chain([100, 120]) {
            let deep =
                json!({ "before": 1, "deep": nested(shape, depth), "with.dot": nested(shape, 21) });
            let answer = VerifiedToken {
                identity: ann(),
                claims: deep.as_object().unwrap().clone(),
                memberships: Vec::new(),
                rights: known(),
            };
            let mut structures = Structures::default();
            let outcome = Outcome::Identity(wire_identity(&answer, &mut structures));
            let sent = VerifyResponse { outcome: Some(outcome), omitted: structures.omitted() };
            let read = VerifyResponse::decode(sent.encode_to_vec().as_slice());
            let read = read.unwrap_or_else(|error| panic!("{shape} {depth}: {error}"));
            let Some(Outcome::Identity(who)) = read.outcome else { panic!("{shape} {depth}") };
            let fields = who.claims.unwrap().fields;
            assert_eq!(fields.contains_key("deep"), depth <= 20, "{shape} {depth}");
            assert!(fields.contains_key("before"));
            let mut expected = vec!["claims.with.dot"];
            if depth > 20 {
                expected.insert(0, "claims.deep");
            }
            assert_eq!(read.omitted, expected, "{shape} {depth}");
        }
    }
}

/// A profile of a mebibyte can be a structure of six: more than libraries take in one answer.
#[test]
fn an_answer_has_no_more_bytes_than_libraries_take() {
    let mut structures = Structures::default();
    let numbers = |count: usize| json!(vec![1; count]);
    let data =
        json!({ "a": numbers(100_000), "b": numbers(400_000), "c": numbers(100_000), "d": "x" });
    let made = structures.make("data", data.as_object().unwrap());
    let meta = structures.make("meta", json!({ "e": numbers(100_000) }).as_object().unwrap());
    let bytes = made.encoded_len() + meta.encoded_len();
    assert!(bytes < 3 << 20, "{bytes}");
    assert_eq!(structures.omitted(), ["data.b", "meta.e"]);
}

/// The bytes of the answer count, and no others: many small members have room up to the same bound.
#[test]
fn many_small_members_are_left_out_only_beyond_the_bound() {
    let members = |count: usize| {
        let each = (0..count).map(|number| (format!("k{number}"), json!(1)));
        each.collect::<serde_json::Map<_, _>>()
    };
    for (count, all) in [(68_000, true), (145_000, true), (200_000, false)] {
        let mut structures = Structures::default();
        let made = structures.make("data", &members(count));
        let (bytes, omitted) = (made.encoded_len(), structures.omitted().len());
        assert_eq!(made.fields.len() + omitted, count);
        assert_eq!(omitted == 0, all, "{count}: {bytes} bytes, {omitted} left out");
        assert!(bytes <= 3 << 20, "{count}: {bytes}");
        assert!(all || bytes + 64 > 3 << 20, "{count}: {bytes}");
    }
}

fn code_and_reason(fault: Fault) -> (Code, String) {
    let status = fault.status();
    (status.code(), status.get_error_details().error_info().unwrap().reason.clone())
}

/// Faults that no answer of an issuer can cause.
#[test]
fn a_fault_of_this_program_is_internal_and_never_unavailable() {
    let internal = (Code::Internal, "INTERNAL".to_owned());
    let second = std::time::Duration::from_secs(1);
    for (name, fault) in [
        ("a token", Fault::undecided(DenyReason::Internal.into(), second)),
        ("a refresh", Fault::exchange(Asked::Refresh, Missed::Panicked.into())),
        ("a profile", Fault::profile(ProfileError::Missed(Missed::Panicked))),
        ("a body", Fault::exchange(Asked::Refresh, ApiError::BodyNotWritable.into())),
        ("a nonce", Fault::exchange(Asked::AuthorizationUrl, ApiError::NoRandomness.into())),
        ("a call", Fault::Internal),
    ] {
        assert_eq!(code_and_reason(fault), internal, "{name}");
    }
    let unsupported = Fault::exchange(Asked::Guest, ExchangeError::Unsupported);
    let expected = (Code::FailedPrecondition, "EXCHANGE_UNSUPPORTED".to_owned());
    assert_eq!(code_and_reason(unsupported), expected);
}

/// A token that cannot be judged now is `UNAVAILABLE`, by one of the documented reasons.
#[test]
fn a_token_that_cannot_be_judged_now_has_a_documented_reason() {
    let page = include_str!("../../../docs/rownd-auth-errors.md");
    // These are about checks of Envoy, and about passports.
    let of_checks =
        [DenyReason::PassportUnavailable, DenyReason::RouteUnknown, DenyReason::Cancelled];
    for reason in DenyReason::ALL.iter().copied() {
        let undecided = matches!(reason.class(), DenialClass::Pending | DenialClass::Unavailable);
        if !undecided || of_checks.contains(&reason) {
            continue;
        }
        let fault = Fault::undecided(reason.into(), std::time::Duration::from_secs(1));
        let (code, word) = code_and_reason(fault);
        assert!(page.contains(&format!("`{word}`")), "{word} is not on the page");
        let expected = if word == "INTERNAL" { Code::Internal } else { Code::Unavailable };
        assert_eq!(code, expected, "{word}");
    }
}
