//! Users written, read, listed, disabled and signed out, by a backend and by themselves.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Headers, ask, assert_error, members, state};
use crate::{Controls, Minter, TokenOrder, state::State};

/// The demo app's backend.
struct Backend {
    state: Arc<State>,
    app: String,
    headers: Vec<(&'static str, String)>,
}

impl Backend {
    fn new() -> Self {
        let state = state();
        let settings = &state.settings;
        let headers = vec![
            ("x-rownd-app-key", settings.app_key.clone()),
            ("x-rownd-app-secret", settings.app_secret.clone()),
        ];
        Self { app: settings.app_id.clone(), headers, state }
    }

    /// Asks below the app, with key and secret.
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let path = format!("/applications/{}{path}", self.app);
        let (status, body) = ask(&self.state, (method, &path), &headers, body).await;
        if !status.is_success() && body.get("field_errors").is_none() {
            assert_error(&path, status, &body);
        }
        (status.as_u16(), body)
    }

    async fn profile(&self, id: &str) -> Value {
        let (status, profile) = self.ask("GET", &format!("/users/{id}/data"), None).await;
        assert_eq!(status, 200, "{profile}");
        profile
    }

    /// Asks below `/me` with a token.
    async fn me(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> (u16, Value) {
        let bearer = format!("Bearer {token}");
        let headers: Headers<'_> = &[("authorization", &bearer)];
        let path = path.replace("{app}", &self.app);
        let (status, body) = ask(&self.state, (method, &path), headers, body).await;
        (status.as_u16(), body)
    }

    fn token(&self, order: &TokenOrder) -> String {
        Minter::new(Arc::clone(&self.state)).mint(order).unwrap()
    }
}

#[tokio::test]
async fn a_user_is_written_patched_read_and_deleted() {
    let backend = Backend::new();
    let at = "/users/auth0%7Cjuliet/data";
    let data = json!({ "data": { "email": "juliet@example.com", "first_name": "Juliet" } });
    let (status, profile) = backend.ask("PUT", at, Some(data)).await;
    assert_eq!(status, 200);
    assert_eq!(profile.get("rownd_user"), None, "an answer to a write");
    assert_eq!(profile["auth_level"], "unverified", "a backend writes, it does not prove");
    assert_eq!(profile["data"]["user_id"], "auth0|juliet");
    let mut read = backend.profile("auth0%7Cjuliet").await;
    assert_eq!(read["rownd_user"], "auth0|juliet");
    read.as_object_mut().unwrap().remove("rownd_user");
    assert_eq!(profile, read);

    let patch = json!({ "data": { "last_name": "Rose", "first_name": null } });
    let (_, patched) = backend.ask("PATCH", at, Some(patch)).await;
    let expected = json!({
        "user_id": "auth0|juliet", "email": "juliet@example.com", "last_name": "Rose",
    });
    assert_eq!(patched["data"], expected);

    let (_, put) = backend.ask("PUT", at, Some(json!({ "data": { "first_name": "J" } }))).await;
    assert_eq!(put["data"], json!({ "user_id": "auth0|juliet", "first_name": "J" }));

    assert_eq!(backend.ask("DELETE", at, None).await, (204, Value::Null));
    for (method, body) in [("GET", None), ("DELETE", None), ("PATCH", Some(json!({ "data": {} })))]
    {
        assert_eq!(backend.ask(method, at, body).await.0, 404, "{method}");
    }
}

#[tokio::test]
async fn the_members_of_a_profile_are_those_of_the_real_one() {
    let backend = Backend::new();
    let expected = [
        "rownd_user",
        "state",
        "auth_level",
        "attributes",
        "data",
        "verified_data",
        "groups",
        "meta",
        "connection_map",
    ];
    let profile = backend.profile("user_verified").await;
    assert_eq!(members(&profile), expected.into());
    let place = &profile["groups"][0];
    assert_eq!(place["member"]["roles"], json!(["owner", "editor"]));
    assert_eq!(place["member"]["group_id"], place["group"]["id"]);
    let (_, sample) = backend.ask("GET", "/users/__sample__/data", None).await;
    assert_eq!(members(&sample), expected.into());
}

#[tokio::test]
async fn ids_are_generated_where_a_generator_is_named() {
    let backend = Backend::new();
    for (word, start, length) in [
        ("__default__", "user_", 29),
        ("__rowndid__", "user_", 29),
        ("__uuid__", "", 36),
        ("__objectid__", "", 24),
    ] {
        let body = Some(json!({ "data": { "email": "new@example.com" } }));
        let (status, profile) = backend.ask("PUT", &format!("/users/{word}/data"), body).await;
        assert_eq!(status, 200, "{word}");
        let id = profile["data"]["user_id"].as_str().unwrap();
        assert!(id.starts_with(start) && id.len() == length, "{word}: {id}");
        assert_eq!(backend.profile(id).await["data"]["email"], "new@example.com", "{word}");
    }
}

#[tokio::test]
async fn a_write_that_does_not_fit_says_which_fields() {
    let backend = Backend::new();
    let cases = [
        ("no address", json!({ "data": { "email": "juliet" } }), "email", "is invalid"),
        ("no number", json!({ "data": { "phone_number": "555" } }), "phone_number", "is invalid"),
        ("no text", json!({ "data": { "first_name": 7 } }), "first_name", "must be a string"),
        (
            "no namespace",
            json!({ "data": {}, "attributes": { "tags": ["a"] } }),
            "attributes.tags",
            "is not of the form namespace:key",
        ),
        (
            "reserved",
            json!({ "data": {}, "attributes": { "rownd:x": ["a"] } }),
            "attributes.rownd:x",
            "is in a reserved namespace",
        ),
        (
            "no list",
            json!({ "data": {}, "attributes": { "my:tags": "a" } }),
            "attributes.my:tags",
            "must be a list of strings",
        ),
    ];
    for (case, body, field, fault) in cases {
        let (status, answer) = backend.ask("PUT", "/users/somebody/data", Some(body)).await;
        assert_eq!(status, 400, "{case}");
        assert_eq!(answer["code"], "E_USER_UPDATE_FAILED", "{case}");
        assert_eq!(answer["field_errors"], json!({ field: [fault] }), "{case}");
        assert_eq!(answer["messages"], json!([format!("{field} {fault}")]), "{case}");
        let (status, _) = backend.ask("GET", "/users/somebody/data", None).await;
        assert_eq!(status, 404, "{case}: nothing is kept");
    }
    for id in ["__other__", "%20", "a%0Ab", ".."] {
        let body = Some(json!({ "data": {} }));
        let (status, _) = backend.ask("PUT", &format!("/users/{id}/data"), body).await;
        assert_eq!(status, 400, "{id}");
    }
}

#[tokio::test]
async fn a_changed_value_is_no_longer_proved() {
    let backend = Backend::new();
    let patch = |email: &str| Some(json!({ "data": { "email": email } }));
    let at = "/users/user_verified/data";
    let (_, same) = backend.ask("PATCH", at, patch("vera@example.com")).await;
    assert_eq!(same["verified_data"], json!({ "email": "vera@example.com" }));
    let (_, other) = backend.ask("PATCH", at, patch("mallory@example.com")).await;
    assert_eq!(other["verified_data"], json!({}));
}

#[tokio::test]
async fn single_fields_are_read_and_written() {
    let backend = Backend::new();
    let at = |field: &str| format!("/users/user_verified/data/fields/{field}");
    let cases = [
        ("email", 200, json!("vera@example.com")),
        ("phone_number", 200, Value::Null),
        ("user_id", 200, json!("user_verified")),
        ("shoe_size", 404, Value::Null),
    ];
    for (field, expected, value) in cases {
        let (status, body) = backend.ask("GET", &at(field), None).await;
        assert_eq!(status, expected, "{field}");
        if status == 200 {
            assert_eq!(body, json!({ "value": value }), "{field}");
        }
    }
    let value = Some(json!({ "value": "Vera" }));
    let (status, profile) = backend.ask("PUT", &at("first_name"), value).await;
    assert_eq!((status, &profile["data"]["first_name"]), (200, &json!("Vera")));
    for (field, expected) in [("user_id", 404), ("shoe_size", 404), ("email", 400)] {
        let (status, _) = backend.ask("PUT", &at(field), Some(json!({ "value": "x" }))).await;
        assert_eq!(status, expected, "{field}");
    }
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let backend = Backend::new();
    let cases: [(&str, usize, &[&str]); 8] = [
        (
            "",
            5,
            &["user_disabled", "user_guest", "user_instant", "user_unverified", "user_verified"],
        ),
        ("?page_size=2", 5, &["user_disabled", "user_guest"]),
        ("?page_size=2&after=user_guest", 5, &["user_instant", "user_unverified"]),
        ("?page_size=1&sort=desc", 5, &["user_verified"]),
        ("?page_size=1&sort=desc&after=user_verified", 5, &["user_unverified"]),
        ("?id_filter=user_guest,user_nobody", 1, &["user_guest"]),
        ("?lookup_filter=vera@example.com", 1, &["user_verified"]),
        ("?lookup_filter=uma@example.com", 1, &["user_unverified"]),
    ];
    for (query, total, expected) in cases {
        let (status, body) = backend.ask("GET", &format!("/users/data{query}"), None).await;
        assert_eq!(status, 200, "{query}");
        assert_eq!(body["total_results"], total, "{query}");
        let results = body["results"].as_array().unwrap();
        let ids: Vec<&str> =
            results.iter().map(|user| user["rownd_user"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    for query in ["?page_size=0", "?page_size=1001", "?page_size=x", "?sort=up"] {
        let (status, _) = backend.ask("GET", &format!("/users/data{query}"), None).await;
        assert_eq!(status, 400, "{query}");
    }
}

#[tokio::test]
async fn one_bad_entry_does_not_undo_a_bulk_write() {
    let backend = Backend::new();
    let users = json!({ "users": [
        { "user_id": "__default__", "data": { "email": "a@example.com" } },
        { "user_id": "second", "data": { "email": "b" } },
    ] });
    let (status, body) = backend.ask("PUT", "/users/data", Some(users)).await;
    assert_eq!(status, 200);
    assert_eq!((&body["total_results"], &body["has_failures"]), (&json!(2), &json!(true)));
    assert_eq!(body["results"][0]["status"], "success");
    let id = body["results"][0]["result"]["user_id"].as_str().unwrap();
    assert_eq!(backend.profile(id).await["data"]["email"], "a@example.com");
    assert_eq!(body["results"][1]["status"], "failure");
    assert_eq!(body["results"][1]["error"]["field_errors"], json!({ "email": ["is invalid"] }));

    let delete = |data: Value| json!({ "action": "delete", "user": { "data": data } });
    let actions = json!({ "actions": [
        delete(json!({ "user_id": id })),
        delete(json!({ "email": "vera@example.com" })),
        delete(json!({ "user_id": "second" })),
    ] });
    let (_, body) = backend.ask("POST", "/users/actions", Some(actions)).await;
    let statuses: Vec<&str> = body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["fulfilled", "fulfilled", "rejected"]);
    assert_eq!(backend.ask("GET", "/users/user_verified/data", None).await.0, 404);
}

#[tokio::test]
async fn an_account_is_disabled_and_signed_out() {
    let backend = Backend::new();
    let token = backend.token(&TokenOrder::default());
    assert_eq!(backend.me("GET", "/me", &token, None).await.0, 200);
    let to = |state: &str| Some(json!({ "state": state }));
    let at = "/users/user_verified/state";
    let (status, profile) = backend.ask("POST", at, to("disabled")).await;
    assert_eq!((status, &profile["state"]), (200, &json!("disabled")));
    assert_eq!(backend.me("GET", "/me", &token, None).await.0, 401);
    assert_eq!(backend.ask("POST", at, to("asleep")).await.0, 400);
    backend.ask("POST", at, to("enabled")).await;
    assert_eq!(backend.me("GET", "/me", &token, None).await.0, 200);

    let at = "/users/user_verified/signout";
    let all = |all: bool| Some(json!({ "sign_out_all": all }));
    assert_eq!(backend.ask("POST", at, all(false)).await.0, 204);
    assert!(backend.profile("user_verified").await["meta"].get("tokens_valid_since").is_none());
    assert_eq!(backend.ask("POST", at, all(true)).await.0, 204);
    let since = backend.profile("user_verified").await["meta"]["tokens_valid_since"].clone();
    assert!(humantime::parse_rfc3339(since.as_str().unwrap()).is_ok(), "{since}");
    assert_eq!(backend.me("GET", "/me", &token, None).await.0, 401);
    let later = backend.token(&TokenOrder::default().issued(5));
    assert_eq!(backend.me("GET", "/me", &later, None).await.0, 200);
}

#[tokio::test]
async fn a_user_reaches_their_own_account_and_no_other() {
    let backend = Backend::new();
    let token = backend.token(&TokenOrder::default());
    let at = "/me/applications/{app}/data";
    let (status, profile) = backend.me("GET", at, &token, None).await;
    assert_eq!((status, &profile["rownd_user"]), (200, &json!("user_verified")));
    let data = Some(json!({ "data": { "email": "vera@example.com", "first_name": "V" } }));
    let (status, profile) = backend.me("PUT", at, &token, data).await;
    assert_eq!((status, &profile["data"]["first_name"]), (200, &json!("V")));
    let grab = Some(json!({ "data": {}, "attributes": { "my:admin": ["yes"] } }));
    assert_eq!(backend.me("PUT", at, &token, grab).await.0, 403, "attributes");
    let field = format!("{at}/fields/first_name");
    assert_eq!(backend.me("GET", &field, &token, None).await.1, json!({ "value": "V" }));
    let other = "/me/applications/app_other/data";
    assert_eq!(backend.me("GET", other, &token, None).await.0, 403, "another app");

    let bad = [
        ("refresh", backend.token(&TokenOrder::default().refresh())),
        ("expired", backend.token(&TokenOrder::default().issued(-7_200))),
        ("forged", backend.token(&TokenOrder::default().signed_by(crate::SignedBy::Foreign))),
        ("other issuer", backend.token(&TokenOrder::default().claim("iss", "https://x"))),
        ("nobody", backend.token(&TokenOrder::of("user_nobody"))),
        ("no token", "x".to_owned()),
    ];
    for (case, token) in bad {
        let (status, body) = backend.me("GET", "/me", &token, None).await;
        assert_eq!(status, 401, "{case}");
        assert_error(case, StatusCode::UNAUTHORIZED, &body);
    }

    let out = "/me/applications/{app}/signout";
    let all = Some(json!({ "sign_out_all": true }));
    assert_eq!(backend.me("POST", out, &token, all).await.0, 204);
    assert_eq!(backend.me("GET", "/me", &token, None).await.0, 401);
}

#[tokio::test]
async fn a_reset_brings_the_seed_back() {
    let backend = Backend::new();
    backend.ask("DELETE", "/users/user_verified/data", None).await;
    backend.ask("PUT", "/users/new/data", Some(json!({ "data": {} }))).await;
    let (status, _) = ask(&backend.state, ("POST", "/__emulator/reset"), &[], None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    backend.profile("user_verified").await;
    assert_eq!(backend.ask("GET", "/users/new/data", None).await.0, 404);
    backend.ask("DELETE", "/users/user_verified/data", None).await;
    Controls::new(Arc::clone(&backend.state)).reset();
    backend.profile("user_verified").await;
}
