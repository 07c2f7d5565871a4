//! How the document of a user is read, as Rownd's API and SuperTokens' plugin write it.

use serde_json::{Value, json};

use crate::{
    issuer_api::{ApiError, rownd::read_profile},
    model::{AuthLevel, Cutoff, Group, OddParts, Profile},
};

/// A day in 2025, nanoseconds.
const MIDNIGHT: i128 = 1_738_368_000_000_000_000;

fn profile(document: &Value) -> Result<Profile, ApiError> {
    read_profile(document.to_string().as_bytes())
}

#[test]
fn a_profile_is_read_as_rownd_writes_it() {
    let full = profile(&json!({
        "rownd_user": "user_1", "state": "enabled", "auth_level": "verified",
        "attributes": { "myapp:tags": ["vip"] },
        "data": { "user_id": "another", "email": "juliet@example.com" },
        "verified_data": { "email": true },
        "groups": [
            { "group": { "id": "group_1", "name": "One", "meta": null },
              "member": { "roles": ["owner", "admin"], "state": "active" } },
            { "group": { "id": "group_2" } },
            { "member": { "roles": ["of nothing"] } },
        ],
        "meta": { "created": "2023-09-01T15:41:05.725Z", "tokens_valid_since": "2025-02-01T00:00:00.000Z" },
        "connection_map": {},
    }))
    .unwrap();
    assert_eq!(full.user_id.as_deref(), Some("user_1"));
    assert!(full.enabled());
    assert_eq!(full.auth_level, Some(AuthLevel::Verified));
    assert_eq!(full.data["email"], "juliet@example.com");
    assert_eq!(full.verified_data["email"], true);
    assert_eq!(full.attributes["myapp:tags"], json!(["vip"]));
    assert_eq!(full.tokens_valid_since, Cutoff::At(MIDNIGHT));
    assert_eq!(full.meta["tokens_valid_since"], "2025-02-01T00:00:00.000Z");
    let group = |id: &str, name: Option<&str>, roles: &[&str], state: Option<&str>| Group {
        id: id.to_owned(),
        name: name.map(str::to_owned),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        member_state: state.map(str::to_owned),
    };
    let groups = [
        group("group_1", Some("One"), &["owner", "admin"], Some("active")),
        group("group_2", None, &[], None),
    ];
    assert_eq!(full.groups, groups);
    let debug = format!("{full:?}");
    assert!(!debug.contains("juliet") && !debug.contains("user_1"), "{debug}");
}

#[test]
fn a_profile_with_missing_or_malformed_parts_is_read_or_refused() {
    for (name, document, expected) in [
        ("nothing", json!({}), Err(ApiError::Shape)),
        ("somebody's error", json!({"error": "not now", "data": {}}), Err(ApiError::Shape)),
        ("the id in the data", json!({"data": {"user_id": "u"}}), Ok((Some("u"), true))),
        ("an empty id", json!({"rownd_user": "", "data": {"user_id": "u"}}), Ok((Some("u"), true))),
        ("no id", json!({"rownd_user": null, "data": {"user_id": null}}), Err(ApiError::Shape)),
        ("an odd id", json!({"rownd_user": 1, "data": []}), Err(ApiError::Shape)),
        ("disabled", json!({"state": "disabled"}), Ok((None, false))),
        ("no state", json!({"rownd_user": "u", "state": null}), Ok((Some("u"), true))),
        ("meta alone", json!({"meta": {"created": "2023"}}), Ok((None, true))),
        ("no meta either", json!({"state": null, "meta": {}}), Err(ApiError::Shape)),
        ("a state nobody knows", json!({"state": "suspended"}), Ok((None, false))),
        ("an empty state", json!({"state": ""}), Ok((None, false))),
        ("another spelling", json!({"state": "Enabled"}), Ok((None, false))),
        ("odd groups", json!({"state": "enabled", "groups": {"group": {}}}), Ok((None, true))),
        ("a state of another type", json!({"state": true}), Err(ApiError::Shape)),
        ("meta of another type", json!({"meta": "2025"}), Err(ApiError::Shape)),
        ("a list", json!([]), Err(ApiError::Shape)),
        ("a text", json!("user"), Err(ApiError::Shape)),
    ] {
        let read = profile(&document);
        let got = read.as_ref().map(|read| (read.user_id.as_deref(), read.enabled()));
        assert_eq!(got, expected.as_ref().map(|expected| *expected), "{name}");
    }
    for text in ["", "{", "<html>", "{\"state\":\"disabled\",\"state\":\"enabled\"}"] {
        assert_eq!(read_profile(text.as_bytes()).unwrap_err(), ApiError::Shape, "{text}");
    }
}

#[test]
fn a_part_of_another_shape_is_named() {
    let odd = |parts: Value| {
        let mut document = json!({ "state": "enabled" });
        document.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
        profile(&document).unwrap().odd
    };
    let none = OddParts::default();
    let groups = OddParts { groups: true, ..none };
    let member =
        |member: Value| json!({ "groups": [{ "group": { "id": "g" }, "member": member }] });
    for (name, parts, expected) in [
        ("nothing", json!({}), none),
        ("null", json!({ "groups": null, "attributes": null, "data": null }), none),
        ("empty", json!({ "groups": [], "attributes": {}, "data": {}, "verified_data": {} }), none),
        ("groups that are an object", json!({ "groups": {} }), groups),
        ("groups that are a text", json!({ "groups": "g" }), groups),
        ("a group that is a text", json!({ "groups": ["g"] }), groups),
        ("a group without an id", json!({ "groups": [{ "group": {} }] }), groups),
        ("a good group", member(json!({ "roles": ["owner"], "state": "active" })), none),
        ("roles that are a text", member(json!({ "roles": "owner" })), groups),
        ("roles with a number", member(json!({ "roles": ["owner", 1] })), groups),
        ("a state that is a number", member(json!({ "state": 1 })), groups),
        ("attributes", json!({ "attributes": [] }), OddParts { attributes: true, ..none }),
        ("data", json!({ "data": "x" }), OddParts { data: true, ..none }),
        ("proved data", json!({ "verified_data": 1 }), OddParts { verified_data: true, ..none }),
    ] {
        assert_eq!(odd(parts), expected, "{name}");
    }
}

#[test]
fn a_cut_off_is_a_time_or_unreadable() {
    for (value, expected) in [
        (json!(null), Cutoff::None),
        (json!("2025-02-01T00:00:00Z"), Cutoff::At(MIDNIGHT)),
        (json!("2025-02-01T00:00:00.500Z"), Cutoff::At(MIDNIGHT + 500_000_000)),
        (json!("2025-02-01T01:00:00+01:00"), Cutoff::At(MIDNIGHT)),
        (json!("20250201T000000Z"), Cutoff::At(MIDNIGHT)),
        (json!("2025-02-01T00:00:00"), Cutoff::At(MIDNIGHT)),
        (json!("2025-02-01T00:00:00.500"), Cutoff::At(MIDNIGHT + 500_000_000)),
        (json!("20250201T000000"), Cutoff::At(MIDNIGHT)),
        (json!("2025-02-01T00:00:00 UTC"), Cutoff::Unreadable),
        (json!("2025-02-01"), Cutoff::Unreadable),
        (json!("2025-02-30T00:00:00Z"), Cutoff::Unreadable),
        (json!("never"), Cutoff::Unreadable),
        (json!(""), Cutoff::Unreadable),
        (json!(" 2025-02-01T00:00:00Z"), Cutoff::Unreadable),
        (json!(1_738_368_000), Cutoff::Unreadable),
        (json!({}), Cutoff::Unreadable),
    ] {
        let read = profile(&json!({ "meta": { "tokens_valid_since": value.clone() } })).unwrap();
        assert_eq!(read.tokens_valid_since, expected, "{value}");
    }
    assert_eq!(
        profile(&json!({ "rownd_user": "u", "meta": {} })).unwrap().tokens_valid_since,
        Cutoff::None
    );
}

/// Rownd's own documents write both names.
#[test]
fn meta_and_metadata_are_both_read_and_the_stricter_cut_off_holds() {
    let (early, late) = ("2025-02-01T00:00:00Z", "2025-02-01T00:00:01Z");
    let since = |value: &str| json!({ "tokens_valid_since": value });
    for (name, meta, metadata, expected) in [
        ("metadata alone", Value::Null, since(early), Cutoff::At(MIDNIGHT)),
        ("an empty meta", json!({}), since(early), Cutoff::At(MIDNIGHT)),
        (
            "the later one in metadata",
            since(early),
            since(late),
            Cutoff::At(MIDNIGHT + 1_000_000_000),
        ),
        ("the later one in meta", since(late), since(early), Cutoff::At(MIDNIGHT + 1_000_000_000)),
        ("an odd one in metadata", since(late), since("x"), Cutoff::Unreadable),
        ("an odd one in meta", since("x"), since(late), Cutoff::Unreadable),
        ("none", json!({ "created": "2023" }), json!({}), Cutoff::None),
    ] {
        let read = profile(&json!({ "meta": meta, "metadata": metadata })).unwrap();
        assert_eq!(read.tokens_valid_since, expected, "{name}");
    }
    let both = profile(&json!({ "meta": { "a": 1, "b": 1 }, "metadata": { "b": 2, "c": 2 } }));
    assert_eq!(json!(both.unwrap().meta), json!({ "a": 1, "b": 1, "c": 2 }));
    let odd = profile(&json!({ "rownd_user": "u", "metadata": "2025" }));
    assert_eq!(odd.unwrap_err(), ApiError::Shape);
}
