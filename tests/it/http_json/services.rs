//! The sister services: served by the table of methods, without a line of their own.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rownd_authz::grpc::rownd_auth::paths;
use serde_json::{Value, json};

use super::{JSON, address, assert_error, bearer, start, with};
use crate::{
    it::rownd_auth::{APP, Rig, TRADER},
    support::http::{Answer, request},
};

const USERS: &str = "a-secret-for-the-users-of-this-test";

async fn ask(rig: &Rig, method: &str, secret: &str, body: &Value) -> Answer {
    let headers = format!("{JSON}{}", bearer(secret));
    let line = format!("POST /rownd.auth.v1.UserService/{method}");
    request(address(rig), &line, &headers, &body.to_string()).await
}

#[tokio::test]
async fn every_method_of_every_service_answers_and_asks_for_a_caller() {
    let rig = start().await;
    for path in paths() {
        let answer = request(address(&rig), &format!("POST {path}"), JSON, "{}").await;
        if path.ends_with("/StreamEvents") {
            // A stream has no form in unary JSON.
            assert_error(&path, &answer, 501, "unimplemented", "METHOD_UNKNOWN");
            continue;
        }
        assert_error(&path, &answer, 403, "permission_denied", "CALLER_REQUIRED");
    }
    assert!(paths().count() > 10);
}

#[tokio::test]
async fn the_users_of_an_app_are_listed_page_by_page() {
    let rig = with(|settings| {
        let users = json!({ "name": "users", "secret": USERS, "allow": ["read_users"] });
        settings["rownd_auth"]["callers"].as_array_mut().unwrap().push(users);
    })
    .await;
    let first = json!({ "issuer": "rownd", "appId": APP, "pageSize": 1, "readMask": "id" });
    let answer = ask(&rig, "ListUsers", USERS, &first).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let page = answer.json();
    assert_eq!(page["users"], json!([{ "id": "ann" }]), "{page}");
    // 64 bits are text: JavaScript's numbers are doubles.
    assert!(page["totalSize"].is_string(), "{page}");
    let mut next = first.clone();
    next["pageToken"] = page["nextPageToken"].clone();
    let page = ask(&rig, "ListUsers", USERS, &next).await.json();
    assert_eq!(page["users"], json!([{ "id": "banned" }]), "{page}");
    for (name, size) in
        [("a fraction", json!(1.5)), ("too large", json!(5_000_000_000_u64)), ("text", json!("x"))]
    {
        let mut asked = first.clone();
        asked["pageSize"] = size;
        let answer = ask(&rig, "ListUsers", USERS, &asked).await;
        assert_error(name, &answer, 400, "invalid_argument", "BAD_REQUEST");
    }
    let answer = ask(&rig, "ListUsers", TRADER, &first).await;
    assert_error("another caller", &answer, 403, "permission_denied", "CALLER_NOT_GRANTED");
    let answer = ask(&rig, "DeleteUser", USERS, &json!({ "userId": "ann" })).await;
    assert_error("another right", &answer, 403, "permission_denied", "CALLER_NOT_GRANTED");
}

/// The largest body there is: bytes are a third longer in base64.
#[tokio::test]
async fn a_file_of_the_largest_size_comes_through() {
    let rig = with(|settings| {
        let users = json!({ "name": "users", "secret": USERS, "allow": ["write_users"] });
        settings["rownd_auth"]["callers"].as_array_mut().unwrap().push(users);
    })
    .await;
    let request = |bytes: usize| {
        json!({
            "issuer": "rownd", "appId": APP, "userId": "ann", "field": "no_such_field",
            "contentType": "image/png", "content": STANDARD.encode(vec![7; bytes]),
        })
    };
    let largest = ask(&rig, "UpdateUserFile", USERS, &request(5_000_000)).await;
    // It reached the issuer, which knows no such field.
    assert!(matches!(largest.status, 400 | 404), "{} {}", largest.status, largest.body);
    assert!(!largest.body.contains("MESSAGE_TOO_LARGE"), "{}", largest.body);
    let more = ask(&rig, "UpdateUserFile", USERS, &request(6_000_000)).await;
    assert_error("too large", &more, 429, "resource_exhausted", "MESSAGE_TOO_LARGE");
}
