//! The users and tokens of the Go client's live suite, step by step.

use serde_json::{Value, json};

use super::{Emulator, claims, text};

#[test]
fn a_user_is_made_edited_read_and_deleted() {
    let emulator = Emulator::start();
    let data = json!({ "email": "test@example.com", "first_name": "Test", "last_name": "User" });
    let made = emulator.done("PUT", "/users/__UUID__/data", Some(json!({ "data": data })));
    assert_eq!(made.get("rownd_user"), None, "an answer to a write names the id in `data` alone");
    let id = text(&made["data"]["user_id"]);
    assert_eq!(id.len(), 36, "{id}");
    let at = format!("/users/{id}/data");

    let data = json!({ "email": "test@example.com", "first_name": "Updated", "last_name": "Name" });
    let edited = emulator.done("PUT", &at, Some(json!({ "data": data })));
    assert_eq!(edited.get("rownd_user"), None);
    assert_eq!(edited["data"]["first_name"], "Updated");

    let field = format!("{at}/fields/first_name");
    let written = emulator.done("PUT", &field, Some(json!({ "value": "SingleField" })));
    assert_eq!(written.get("rownd_user"), None);
    assert_eq!(emulator.done("GET", &field, None), json!({ "value": "SingleField" }));

    let read = emulator.done("GET", &at, None);
    assert_eq!((&read["rownd_user"], &read["data"]["user_id"]), (&json!(id), &json!(id)));
    assert_eq!(read["data"]["first_name"], "SingleField");
    assert_eq!(read["data"]["last_name"], "Name", "unchanged");

    let patched = emulator.done("PATCH", &at, Some(json!({ "data": { "last_name": "Patched" } })));
    assert_eq!(patched.get("rownd_user"), None);
    assert_eq!(patched["data"]["first_name"], "SingleField", "a patch keeps the rest");

    assert_eq!(emulator.backend("DELETE", &at, None).status, 204);
    assert_eq!(emulator.backend("GET", &at, None).status, 404);
}

#[test]
fn every_kind_of_id_is_generated_in_any_case() {
    let emulator = Emulator::start();
    for (word, start, length) in [
        ("__UUID__", "", 36),
        ("__uuid__", "", 36),
        ("__ObjectId__", "", 24),
        ("__OBJECTID__", "", 24),
        ("__DEFAULT__", "user_", 29),
        ("__RowndId__", "user_", 29),
    ] {
        let body = Some(json!({ "data": { "first_name": "New" } }));
        let made = emulator.done("PUT", &format!("/users/{word}/data"), body);
        let id = text(&made["data"]["user_id"]);
        assert!(id.starts_with(start) && id.len() == length, "{word}: {id}");
        assert_eq!(emulator.done("GET", &format!("/users/{id}/data"), None)["rownd_user"], id);
    }
    let other = emulator.backend("PUT", "/users/__OTHER__/data", Some(json!({ "data": {} })));
    assert_eq!(other.status, 400);
}

#[test]
fn a_user_is_looked_up_by_address() {
    let emulator = Emulator::start();
    let data = json!({ "email": "Test.Lookup.1@example.com", "phone_number": "+19195550100" });
    let id = emulator.make_user(&data);
    let found = |filter: &str| {
        let fields = "fields=email,first_name,last_name,user_id";
        let list =
            emulator.done("GET", &format!("/users/data?{fields}&lookup_filter={filter}"), None);
        let results = list["results"].as_array().unwrap().clone();
        assert_eq!(list["total_results"], results.len());
        results.iter().map(|user| text(&user["data"]["user_id"]).to_owned()).collect::<Vec<_>>()
    };
    for (filter, expected) in [
        ("Test.Lookup.1@example.com", vec![id.as_str()]),
        ("test.lookup.1@EXAMPLE.com", vec![&id]),
        ("%2B19195550100", vec![&id]),
        ("+19195550100", vec![&id]),
        ("nobody@example.com,vera@example.com", vec!["user_verified"]),
        ("nobody@example.com", vec![]),
        ("lookup.1@example.com", vec![]),
    ] {
        assert_eq!(found(filter), expected, "{filter}");
    }
    let several = found("vera@example.com,test.lookup.1@example.com");
    assert_eq!(several.len(), 2, "{several:?}");
}

#[test]
fn a_magic_link_gives_a_token_with_an_auth_level() {
    let emulator = Emulator::start();
    let order = json!({
        "purpose": "auth",
        "verification_type": "email",
        "data": { "email": "testlink@example.com", "first_name": "Test" },
        "redirect_url": "https://example.com/redirect",
        "expiration": "30d",
    });
    let answer = emulator.with_secret("POST", "/hub/auth/magic", Some(order));
    assert_eq!(answer.status, 200);
    let made = answer.json();
    let link = text(&made["link"]);
    // The suite takes the id of the link from the end of its path.
    let id = link.rsplit('/').next().unwrap();
    let headers = [("User-Agent", "rownd sdk")];
    let answer = emulator.ask("GET", &format!("/hub/auth/magic/{id}"), &headers, None);
    assert_eq!(answer.status, 200);
    let signed_in = answer.json();
    assert_eq!(signed_in["app_user_id"], made["app_user_id"]);
    assert_eq!(signed_in["app_id"], emulator.settings.app_id);
    let claims = claims(text(&signed_in["access_token"]));
    assert_eq!(claims["https://auth.rownd.io/app_user_id"], made["app_user_id"]);
    assert_eq!(claims["https://auth.rownd.io/is_verified_user"], true);
    assert_eq!(claims["https://auth.rownd.io/auth_level"], "verified");
    let user = format!("/users/{}/data", text(&made["app_user_id"]));
    assert_eq!(emulator.backend("DELETE", &user, None).status, 204);

    let refused = emulator.with_secret("POST", "/hub/auth/magic", Some(json!({ "purpose": "x" })));
    assert_eq!(refused.status, 400);
    let error: Value = refused.json();
    assert_eq!(error["messages"], json!([error["message"]]), "the Go client reads `messages`");
}
