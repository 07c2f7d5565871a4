//! SuperTokens' core: users, their metadata and their sessions, with the API key.

use serde_json::{Value, json};

use super::{Answer, Emulator};
use rownd_emulator::TokenOrder;

fn core(emulator: &Emulator, method: &str, below: &str, body: Option<Value>) -> Answer {
    let headers = [("api-key", emulator.settings.app_secret.as_str()), ("cdi-version", "5.4")];
    emulator.ask(method, &format!("/supertokens-core{below}"), &headers, body)
}

fn session_of(emulator: &Emulator, user: &str) -> String {
    let migrated = emulator.user(user, "POST", "/auth/plugin/rownd/migrate", None);
    assert_eq!(migrated.status, 200);
    format!("Bearer {}", migrated.header("st-access-token"))
}

fn own_profile(emulator: &Emulator, session: &str) -> Answer {
    emulator.ask("GET", "/auth/plugin/rownd/user", &[("authorization", session)], None)
}

#[test]
fn a_backend_ends_the_sessions_of_a_user() {
    let emulator = Emulator::start();
    let sessions = [session_of(&emulator, "verified"), session_of(&emulator, "verified")];
    let other = session_of(&emulator, "guest");
    let path = "/recipe/session/user?userId=user_verified";
    let open = core(&emulator, "GET", path, None).json();
    assert_eq!(open["sessionHandles"].as_array().unwrap().len(), 2);
    let order = json!({
        "userId": "user_verified", "revokeAcrossAllTenants": true,
        "revokeSessionsForLinkedAccounts": true,
    });
    let mut ended = core(&emulator, "POST", "/recipe/session/remove", Some(order.clone())).json();
    assert_eq!(ended["status"], "OK");
    let mut open = open["sessionHandles"].as_array().unwrap().clone();
    let ended = ended["sessionHandlesRevoked"].as_array_mut().unwrap();
    for handles in [&mut open, ended] {
        handles.sort_by_key(Value::to_string);
    }
    assert_eq!(open, *ended);
    for session in &sessions {
        assert_eq!(own_profile(&emulator, session).status, 401);
    }
    assert_eq!(own_profile(&emulator, &other).status, 200, "another user's");
    let again = core(&emulator, "POST", "/recipe/session/remove", Some(order)).json();
    assert_eq!(again, json!({ "status": "OK", "sessionHandlesRevoked": [] }));
    assert_eq!(core(&emulator, "GET", path, None).json()["sessionHandles"], json!([]));
}

#[test]
fn the_state_of_a_user_is_in_the_metadata() {
    let emulator = Emulator::start();
    let session = session_of(&emulator, "verified");
    let path = "/recipe/user/metadata?userId=user_verified";
    let before = core(&emulator, "GET", path, None).json();
    let mut original = before["metadata"]["original_rownd_user"].clone();
    assert_eq!(
        (&original["state"], &original["auth_level"]),
        (&json!("enabled"), &json!("verified"))
    );
    original["state"] = json!("disabled");
    let write = |update: Value| {
        let body = json!({ "userId": "user_verified", "metadataUpdate": update });
        core(&emulator, "PUT", "/recipe/user/metadata", Some(body)).json()
    };
    let after = write(json!({ "original_rownd_user": original, "mine": 1 }));
    assert_eq!((&after["status"], &after["metadata"]["mine"]), (&json!("OK"), &json!(1)));
    let profile = own_profile(&emulator, &session);
    assert_eq!((profile.status, &profile.json()["state"]), (200, &json!("disabled")));
    let after = write(json!({ "mine": null }));
    assert_eq!(after["metadata"].get("mine"), None);
    assert_eq!(after["metadata"]["original_rownd_user"]["state"], "disabled", "the rest stays");
    let nobody = core(&emulator, "GET", "/recipe/user/metadata?userId=nobody", None).json();
    assert_eq!(nobody, json!({ "status": "OK", "metadata": {} }));
}

#[test]
fn users_are_known_and_removed() {
    let emulator = Emulator::start();
    let session = session_of(&emulator, "verified");
    let path = "/user/id?userId=user_verified";
    let user = core(&emulator, "GET", path, None).json();
    assert_eq!((&user["status"], &user["user"]["id"]), (&json!("OK"), &json!("user_verified")));
    assert_eq!(user["user"]["emails"], json!(["vera@example.com"]));
    let order = json!({ "userId": "user_verified", "removeAllLinkedAccounts": true });
    for _ in 0..2 {
        let removed = core(&emulator, "POST", "/user/remove", Some(order.clone())).json();
        assert_eq!(removed, json!({ "status": "OK" }));
    }
    assert_eq!(own_profile(&emulator, &session).status, 401);
    assert_eq!(
        core(&emulator, "GET", path, None).json(),
        json!({ "status": "UNKNOWN_USER_ID_ERROR" })
    );
}

#[test]
fn the_core_needs_its_key() {
    let emulator = Emulator::start();
    let bearer = format!("Bearer {}", emulator.token(&TokenOrder::default()));
    for (method, below) in [
        ("GET", "/apiversion"),
        ("GET", "/user/id?userId=user_verified"),
        ("POST", "/user/remove"),
        ("GET", "/recipe/user/metadata?userId=user_verified"),
        ("PUT", "/recipe/user/metadata"),
        ("GET", "/recipe/session/user?userId=user_verified"),
        ("POST", "/recipe/session/remove"),
    ] {
        let path = format!("/supertokens-core{below}");
        for headers in [&[][..], &[("api-key", "x")], &[("authorization", bearer.as_str())]] {
            let answer = emulator.ask(method, &path, headers, None);
            assert_eq!((answer.status, answer.body), (401, b"Invalid API key".to_vec()), "{below}");
        }
    }
    let versions = core(&emulator, "GET", "/apiversion", None).json();
    assert!(versions["versions"].as_array().unwrap().contains(&json!("5.4")));
    for (method, below) in [
        ("GET", "/user/id"),
        ("GET", "/recipe/user/metadata"),
        ("PUT", "/recipe/user/metadata"),
        ("POST", "/recipe/session/remove"),
    ] {
        assert_eq!(core(&emulator, method, below, Some(json!({}))).status, 400, "{below}");
    }
}
