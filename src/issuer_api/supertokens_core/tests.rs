//! Profiles from the core's metadata, and the changes of metadata for a write.

use serde_json::{Map, Value, json};

use super::{
    profile::document,
    record::{CoreUser, Metadata, UserRecord},
    update_of,
};
use crate::issuer_api::administration::users::UserWrite;

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn metadata(id: &str, members: &Value) -> Metadata {
    Metadata { id: id.to_owned(), members: map(members) }
}

fn passwordless(id: &str, email: &str, verified: bool) -> Value {
    json!({
        "recipeId": "passwordless", "recipeUserId": id, "tenantIds": ["public"], "email": email,
        "verified": verified, "timeJoined": 1_700_000_000_000_i64,
    })
}

fn provider(provider: &str, subject: &str, email: &str) -> Value {
    json!({
        "recipeId": "thirdparty", "recipeUserId": subject, "tenantIds": ["public"],
        "email": email, "thirdParty": { "id": provider, "userId": subject }, "verified": true,
        "timeJoined": 1_700_000_001_000_i64,
    })
}

fn record(methods: &[Value], primary: &Value, linked: Vec<Metadata>) -> UserRecord {
    let user = json!({ "id": "ann", "timeJoined": 1_700_000_000_999_i64, "loginMethods": methods });
    let user: CoreUser = serde_json::from_value(user).unwrap();
    UserRecord {
        user,
        external_id: Some("ann".to_owned()),
        primary: metadata("internal", primary),
        linked,
    }
}

fn original() -> Value {
    json!({
        "data": { "user_id": "ann", "email": "old@example.com", "plan": "basic", "team": "red" },
        "verified_data": { "email": "old@example.com", "phone_number": true },
        "state": "disabled", "auth_level": "unverified",
        "groups": [{ "group": { "id": "g" } }], "attributes": { "shop:tags": ["vip"] },
    })
}

#[test]
fn fields_that_were_written_count_more_than_the_imported_profile() {
    let primary = json!({
        "original_rownd_user": original(), "plan": "pro", "seen_tour": true,
        "last_sign_in": "2024-01-01T00:00:00Z", "rownd_migration_complete": true,
        "rownd_profile_authoritative_fields": ["plan", "team", "email", "rownd_x", 5],
    });
    let shown =
        document(&record(&[passwordless("ann", "ann@example.com", true)], &primary, vec![]));
    assert_eq!(
        shown["data"],
        json!({ "user_id": "ann", "plan": "pro", "email": "ann@example.com" })
    );
    assert_eq!(shown["verified_data"], json!({ "email": "ann@example.com", "phone_number": true }));
    assert_eq!((&shown["state"], &shown["auth_level"]), (&json!("disabled"), &json!("verified")));
    assert_eq!(shown["groups"], original()["groups"]);
    assert_eq!(shown["attributes"], original()["attributes"]);
    assert_eq!(
        shown["meta"],
        json!({
            "seen_tour": true, "created": "2023-11-14T22:13:20Z",
            "first_sign_in": "2023-11-14T22:13:20Z", "first_sign_in_method": "email",
        })
    );
}

#[test]
fn what_proves_an_address_is_the_way_to_sign_in() {
    let made_up = "st-google-0@stfakeemail.supertokens.com";
    let proof = json!({ "data": {}, "verified_data": { "google_id": "g-1" } });
    for (name, methods, imported, data, verified, level) in [
        (
            "an address that is not proved",
            vec![passwordless("a", "a@b.test", false)],
            json!({}),
            json!({ "email": "a@b.test" }),
            json!({}),
            "unverified",
        ),
        (
            "a provider's address",
            vec![provider("google", "g-1", "a@b.test")],
            json!({}),
            json!({ "email": "a@b.test", "google_id": "g-1" }),
            json!({ "email": "a@b.test", "google_id": "g-1" }),
            "verified",
        ),
        (
            "a provider whose address is made up",
            vec![provider("google", "g-1", made_up)],
            json!({}),
            json!({ "google_id": "g-1" }),
            json!({}),
            "unverified",
        ),
        (
            "the same, and the imported profile says that it is proved",
            vec![provider("google", "g-1", made_up)],
            proof,
            json!({ "google_id": "g-1" }),
            json!({ "google_id": "g-1" }),
            "verified",
        ),
        (
            "a guest",
            vec![provider("guest", "x", "x@anonymous.local")],
            json!({}),
            json!({ "email": "x@anonymous.local", "anonymous_id": "anon_ann" }),
            json!({ "email": "x@anonymous.local" }),
            "guest",
        ),
        ("no way at all", vec![], json!({}), json!({}), json!({}), "unverified"),
    ] {
        let shown =
            document(&record(&methods, &json!({ "original_rownd_user": imported }), vec![]));
        let mut data = map(&data);
        data.insert("user_id".to_owned(), json!("ann"));
        assert_eq!(shown["data"], Value::Object(data), "{name}");
        assert_eq!(shown["verified_data"], verified, "{name}");
        assert_eq!(shown["auth_level"], level, "{name}");
    }
}

#[test]
fn the_metadata_of_other_ids_fill_what_the_own_ones_lack() {
    let primary = json!({
        "nick": "A", "rownd_profile_authoritative_fields": ["nick", "gone"],
        "rownd_migration_complete": true, "settings": { "a": 1 },
    });
    let linked = vec![
        metadata("z", &json!({ "nick": "Z", "gone": 1, "settings": { "a": 2, "b": 2 } })),
        metadata(
            "ann",
            &json!({ "original_rownd_user": original(), "rownd_migration_target": "x", "more": 1 }),
        ),
    ];
    let shown = document(&record(&[], &primary, linked));
    assert_eq!(
        shown["data"],
        json!({ "user_id": "ann", "nick": "A", "plan": "basic", "team": "red" })
    );
    assert_eq!(shown["meta"]["settings"], json!({ "a": 1, "b": 2 }));
    assert_eq!((&shown["meta"]["more"], &shown["state"]), (&json!(1), &json!("disabled")));
    assert!(shown["meta"].get("gone").is_none(), "cleared here");
    assert!(!shown.to_string().contains("rownd_migration"), "{shown}");
}

#[test]
fn a_write_names_its_fields_among_those_that_count_more() {
    let known = map(&json!({ "rownd_profile_authoritative_fields": ["zip", "plan"], "plan": "x" }));
    let write = UserWrite {
        data: map(&json!({ "plan": "pro", "a.b": [1] })),
        cleared: vec!["team".to_owned()],
        ..UserWrite::default()
    };
    assert_eq!(
        Value::Object(update_of(&known, &write)),
        json!({
            "plan": "pro", "a.b": [1], "team": null,
            "rownd_profile_authoritative_fields": ["a.b", "plan", "team", "zip"],
        })
    );
}

#[test]
fn fields_of_others_are_not_written() {
    for (name, writable) in [
        ("plan", true),
        ("a.b", true),
        ("Email", true),
        ("email", false),
        ("phone_number", false),
        ("google_id", false),
        ("apple_id", false),
        ("user_id", false),
        ("original_rownd_user", false),
        ("rownd_profile_authoritative_fields", false),
        ("rownd_anything_of_later", false),
        ("_supertokens", false),
    ] {
        assert_eq!(super::fields::why_not_writable(name).is_none(), writable, "{name}");
    }
}
