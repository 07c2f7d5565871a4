//! What becomes of JSON on the way to a `Struct` and back.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use prost_types::{Struct, Value, value::Kind};
use serde_json::{Map, Value as Json, json};

use super::convert::{from_struct, identity, to_struct};
use crate::{
    authz::Answer,
    model::{AuthLevel, Group, Identity},
};

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

proptest! {
    #[test]
    fn json_comes_back_as_it_went(value in values()) {
        let map = Map::from_iter([("value".to_owned(), value)]);
        assert_eq!(from_struct("x", to_struct(&map)).unwrap(), map);
    }
}

#[test]
fn numbers_keep_what_a_double_can_hold() {
    for (number, expected) in
        [(json!(0.5), json!(0.5)), (json!(3.0), json!(3)), (json!(1e300), json!(1e300))]
    {
        let map = Map::from_iter([("n".to_owned(), number)]);
        assert_eq!(from_struct("x", to_struct(&map)).unwrap()["n"], expected);
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
    let answer = Answer {
        identity: Identity::new("ann".to_owned(), "rownd".into(), AuthLevel::Verified).into(),
        claims: Map::new(),
        memberships: states.map(group).into(),
    };
    let memberships = identity(&answer).memberships;
    let groups: Vec<&str> = memberships.iter().map(|place| place.group_id.as_str()).collect();
    assert_eq!(groups, ["active"]);
}
