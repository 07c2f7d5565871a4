//! The controls: faults, counts of requests, and wrong orders.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::{assert_error, get, json_of, post, send, state};
use crate::{Controls, Endpoint, Fault};

#[tokio::test]
async fn faults_take_their_turns_and_end() {
    let state = state();
    let controls = Controls::new(Arc::clone(&state));
    let one = Fault::status(Endpoint::Keys, 503).times(2);
    controls.inject(one).unwrap();
    controls.inject(Fault::body(Endpoint::Keys, "{\"keys\":[]}").times(1)).unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (status, body) = get(&state, "/hub/auth/keys", &[]).await;
        let keys = body["keys"].as_array().map(Vec::len);
        seen.push((status.as_u16(), keys));
    }
    let expected = [(503, None), (503, None), (200, Some(0)), (200, Some(1))];
    assert_eq!(seen, expected);
    assert_eq!(controls.hits(Endpoint::Keys), 4);
    assert_eq!(controls.hits(Endpoint::Metadata), 0, "untouched");
}

#[tokio::test(start_paused = true)]
async fn a_delay_alone_is_the_true_answer_late() {
    let state = state();
    let late = std::time::Duration::from_secs(30);
    let controls = Controls::new(Arc::clone(&state));
    controls.inject(Fault::delay(Endpoint::Keys, late).times(1)).unwrap();
    let started = tokio::time::Instant::now();
    let (status, body) = get(&state, "/hub/auth/keys", &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["keys"].as_array().unwrap().len(), 1);
    assert!(started.elapsed() >= late);
}

#[tokio::test]
async fn faults_and_hits_over_http() {
    let state = state();
    let order = json!({ "endpoint": "keys", "garbage": true });
    let (status, body) = post(&state, "/__emulator/faults", &order).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["faults"][0]["endpoint"], "keys");
    let request = Request::get("/hub/auth/keys").body(Body::empty()).unwrap();
    let garbage = send(&state, request).await.into_body();
    let garbage = garbage.collect().await.unwrap().to_bytes();
    assert!(serde_json::from_slice::<Value>(&garbage).is_err());

    let request = Request::delete("/__emulator/faults");
    let answer = send(&state, request.body(Body::empty()).unwrap()).await;
    assert_eq!(json_of(answer).await.1, json!({ "faults": [] }));
    let (status, _) = get(&state, "/hub/auth/keys", &[]).await;
    assert_eq!(status, StatusCode::OK);

    let (_, hits) = get(&state, "/__emulator/hits", &[]).await;
    assert_eq!(hits["keys"], 2);
    assert_eq!(hits["app_config"], 0);
    let request = Request::delete("/__emulator/hits");
    let answer = send(&state, request.body(Body::empty()).unwrap()).await;
    assert_eq!(json_of(answer).await.1["keys"], 0);
}

#[tokio::test]
async fn a_wrong_order_says_why() {
    let state = state();
    let cases = [
        ("/__emulator/faults", json!({ "endpoint": "keys" }), "needs"),
        ("/__emulator/faults", json!({ "endpoint": "kyes", "status": 500 }), "kyes"),
        ("/__emulator/faults", json!({ "endpoint": "keys", "status": 42 }), "200 to 599"),
        (
            "/__emulator/faults",
            json!({ "endpoint": "keys", "garbage": true, "times": 0 }),
            "at least 1",
        ),
        (
            "/__emulator/faults",
            json!({ "endpoint": "keys", "garbage": true, "body": "" }),
            "exclude",
        ),
        ("/__emulator/token", json!({ "usr": "guest" }), "usr"),
        ("/__emulator/rotate", json!({ "withdrawn": true }), "withdrawn"),
    ];
    for (path, order, word) in cases {
        let (status, body) = post(&state, path, &order).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {order}");
        assert_error(path, status, &body);
        let message = body["message"].as_str().unwrap();
        assert!(message.contains(word), "{order}: {message}");
    }
}

#[tokio::test]
async fn orders_must_be_labelled_json() {
    let request = Request::post("/__emulator/token")
        .header(header::CONTENT_TYPE, "text/plain")
        .body(Body::from("{}"))
        .unwrap();
    let (status, body) = json_of(send(&state(), request).await).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_error("text/plain", status, &body);
}

#[tokio::test]
async fn users_are_listed() {
    let state = state();
    let (status, body) = get(&state, "/__emulator/users", &[]).await;
    assert_eq!(status, StatusCode::OK);
    let listed = body["users"].as_array().unwrap();
    assert_eq!(listed.len(), 5);
    let verified = json!({
        "app": state.settings.app_id,
        "user": {
            "name": "verified",
            "id": "user_verified",
            "auth_level": "verified",
            "state": "enabled",
        },
    });
    assert!(listed.contains(&verified), "{body}");
}

#[tokio::test]
async fn a_backend_learns_its_secret_here() {
    let state = state();
    let (_, body) = get(&state, "/__emulator/apps", &[]).await;
    let (app, text) = (&body["apps"][0], |value: &Value| value.as_str().unwrap().to_owned());
    let (key, secret) = (text(&app["key"]), text(&app["secret"]));
    let path = format!("/applications/{}/users/data", text(&app["id"]));
    let headers = [("x-rownd-app-key", key.as_str()), ("x-rownd-app-secret", &secret)];
    assert_eq!(get(&state, &path, &headers).await.0, StatusCode::OK);
}
