//! The emulator's routes asked without a socket, and its listeners asked with one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test ends by panicking, and runs its own servers"
)]

mod controls;
mod groups;
mod minting;
mod oidc;
mod provider;
mod refresh;
mod seeds;
mod serving;
mod supertokens;
mod tokens;
mod users;

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    Settings,
    routes::{public, router},
    state::State,
};

const ADDRESS: SocketAddr = crate::DEFAULT_ADDRESS;

type Headers<'a> = &'a [(&'a str, &'a str)];

fn state() -> Arc<State> {
    Arc::new(State::new(Settings::default(), ADDRESS).unwrap())
}

async fn send(state: &Arc<State>, request: Request<Body>) -> Response<Body> {
    router(state).oneshot(request).await.unwrap()
}

async fn json_of(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let value = serde_json::from_slice(&body)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&body)));
    (status, value)
}

async fn get(state: &Arc<State>, path: &str, headers: Headers<'_>) -> (StatusCode, Value) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    json_of(send(state, request.body(Body::empty()).unwrap()).await).await
}

/// Any method, with headers and perhaps a JSON body; an empty answer is `null`.
async fn ask(
    state: &Arc<State>,
    (method, path): (&str, &str),
    headers: Headers<'_>,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let response = send(state, request.body(body).unwrap()).await;
    if response.status() == StatusCode::NO_CONTENT {
        return (StatusCode::NO_CONTENT, Value::Null);
    }
    json_of(response).await
}

async fn post(state: &Arc<State>, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    json_of(send(state, request).await).await
}

fn members(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn assert_error(case: &str, status: StatusCode, body: &Value) {
    let expected = ["statusCode", "error", "code", "message", "messages"];
    assert_eq!(members(body), BTreeSet::from(expected), "{case}");
    assert_eq!(body["statusCode"], status.as_u16(), "{case}");
    assert_eq!(body["error"], status.canonical_reason().unwrap_or("Error"), "{case}");
    assert_eq!(body["messages"], json!([body["message"]]), "{case}");
}

#[tokio::test]
async fn app_config_answers_by_key_or_id() {
    let state = state();
    let settings = state.settings.clone();
    let key = "x-rownd-app-key";
    let cases: [(&str, String, Headers<'_>, u16, &str); 8] = [
        ("no key", String::new(), &[], 401, ""),
        ("wrong key", String::new(), &[(key, "key_x")], 401, ""),
        ("empty key", String::new(), &[(key, "")], 401, ""),
        ("key", String::new(), &[(key, &settings.app_key)], 200, "app"),
        ("variant key", String::new(), &[(key, &settings.variant.key)], 200, "variant"),
        ("app id", format!("?app_id={}", settings.app_id), &[], 200, "app"),
        ("unknown id", "?app_id=app_x".to_owned(), &[], 404, ""),
        (
            "wrong key beside a good id",
            format!("?app_id={}", settings.app_id),
            &[(key, "key_x")],
            401,
            "",
        ),
    ];
    for (case, query, headers, expected, config_type) in cases {
        let (status, body) = get(&state, &format!("/hub/app-config{query}"), headers).await;
        assert_eq!(status, expected, "{case}");
        if status == StatusCode::OK {
            assert_eq!(body["config_type"], config_type, "{case}");
            assert_eq!(body["app"]["id"], settings.app_id, "{case}");
            assert_eq!(body.get("variant").is_some(), config_type == "variant", "{case}");
        } else {
            assert_error(case, status, &body);
        }
    }
}

#[tokio::test]
async fn app_config_has_the_members_of_the_real_one() {
    let (_, body) =
        get(&state(), "/hub/app-config", &[("x-rownd-app-key", &Settings::default().app_key)])
            .await;
    let app = [
        "id",
        "name",
        "icon",
        "schema",
        "user_verification_field",
        "user_verification_fields",
        "config",
    ];
    assert_eq!(members(&body["app"]), BTreeSet::from(app));
    assert!(body["app"]["config"]["hub"]["auth"]["audience"].is_array());
}

#[tokio::test]
async fn metadata_points_back_at_the_emulator_whatever_the_issuer() {
    let settings =
        Settings { issuer: Some("https://api.rownd.io".to_owned()), ..Settings::default() };
    let state = Arc::new(State::new(settings, ADDRESS).unwrap());
    let path = "/hub/auth/.well-known/oauth-authorization-server";
    let (status, body) = get(&state, path, &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["issuer"], "https://api.rownd.io");
    assert_eq!(body["jwks_uri"], "http://127.0.0.1:8787/hub/auth/keys");
    assert_eq!(body["id_token_signing_alg_values_supported"], json!(["EdDSA"]));
    let plain = public::metadata_json(&self::state());
    assert_eq!(plain["issuer"], "http://127.0.0.1:8787");
}

#[tokio::test]
async fn the_key_set_is_public_and_cacheable() {
    let state = state();
    let request = Request::get("/hub/auth/keys").body(Body::empty()).unwrap();
    let response = send(&state, request).await;
    assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=300");
    let (_, body) = json_of(response).await;
    let keys = body["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    let expected = ["kty", "alg", "kid", "use", "crv", "x"];
    assert_eq!(members(&keys[0]), BTreeSet::from(expected), "and no `d`");
}

#[tokio::test]
async fn profiles_need_key_and_secret() {
    let state = state();
    let settings = state.settings.clone();
    let app = &settings.app_id;
    let path = format!("/applications/{app}/users/user_verified/data");
    let key = ("x-rownd-app-key", settings.app_key.as_str());
    let secret = ("x-rownd-app-secret", settings.app_secret.as_str());
    let cases: [(&str, &str, Headers<'_>, u16); 7] = [
        ("nothing", &path, &[], 401),
        ("key alone", &path, &[key], 401),
        ("secret alone", &path, &[secret], 401),
        ("wrong secret", &path, &[key, (secret.0, "ras_x")], 401),
        ("both", &path, &[key, secret], 200),
        ("other app", "/applications/app_x/users/user_verified/data", &[key, secret], 403),
        ("unknown user", &format!("/applications/{app}/users/a%7Cb/data"), &[key, secret], 404),
    ];
    for (case, path, headers, expected) in cases {
        let (status, body) = get(&state, path, headers).await;
        assert_eq!(status, expected, "{case}");
        if status == StatusCode::OK {
            assert_eq!(body["rownd_user"], "user_verified", "{case}");
        } else {
            assert_error(case, status, &body);
        }
    }
}

#[tokio::test]
async fn each_seeded_user_has_a_profile() {
    let state = state();
    let settings = state.settings.clone();
    let headers = [
        ("x-rownd-app-key", settings.app_key.as_str()),
        ("x-rownd-app-secret", settings.app_secret.as_str()),
    ];
    let cases = [
        ("user_verified", "verified", "enabled", true),
        ("user_unverified", "unverified", "enabled", false),
        ("user_guest", "guest", "enabled", false),
        ("user_instant", "instant", "enabled", false),
        ("user_disabled", "verified", "disabled", true),
    ];
    for (id, level, enabled, proved) in cases {
        let path = format!("/applications/{}/users/{id}/data", settings.app_id);
        let (status, body) = get(&state, &path, &headers).await;
        assert_eq!(status, StatusCode::OK, "{id}");
        assert_eq!(body["auth_level"], level, "{id}");
        assert_eq!(body["state"], enabled, "{id}");
        assert_eq!(body["data"]["user_id"], id, "{id}");
        assert_eq!(body["verified_data"].get("email").is_some(), proved, "{id}");
        let (_, cut) = get(&state, &format!("{path}?fields=user_id"), &headers).await;
        assert_eq!(members(&cut["data"]), BTreeSet::from(["user_id"]), "{id}");
    }
}

#[tokio::test]
async fn what_is_unknown_is_said_in_rownds_shape() {
    let state = state();
    for path in ["/", "/mine", "/hub/auth/keys/", "/__emulator/nothing"] {
        let (status, body) = get(&state, path, &[]).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_error(path, status, &body);
    }
    for path in ["/hub/auth/keys", "/__emulator/users"] {
        let (status, body) = post(&state, path, &json!({})).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_error(path, status, &body);
    }
}

#[tokio::test]
async fn health_endpoints_answer() {
    let state = state();
    for path in ["/ready", "/service_health"] {
        let (status, _) = get(&state, path, &[]).await;
        assert_eq!(status, StatusCode::OK, "{path}");
    }
}
