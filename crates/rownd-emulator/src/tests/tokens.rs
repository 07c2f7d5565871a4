//! Tokens for tokens: exchange by every kind of validator, instant users, guests.

use std::sync::{Arc, PoisonError};

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header},
    routing::any,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{ADDRESS, Headers, ask, get, members, post, state};
use crate::{Minter, Seed, Settings, SignedBy, TokenOrder, state::State};

pub(super) const APP: &str = "app_seeded000000000000000000001";
pub(super) const KEY: (&str, &str) = ("x-rownd-app-key", "key_seeded");
pub(super) const SECRET: (&str, &str) = ("x-rownd-app-secret", "ras_seeded");
pub(super) const IDP: &str = "https://idp.example.com";

/// An app that trusts the keys of `idp`, as an issuer of its own and as Firebase, and
/// whatever the service at `rest` knows.
pub(super) fn seeded(idp: &State, rest: &str) -> Arc<State> {
    let keys = idp.ring().key_set();
    let text = json!({ "apps": [{
        "id": APP, "key": KEY.1, "secret": SECRET.1,
        "variants": [{ "id": "variant_1", "key": "key_variant", "name": "Sub-brand" }],
        "schema": { "email": {}, "plan": {}, "seats": { "type": "number" } },
        "audience": ["https://api.example.com"],
        "custom_claims": {
            "plan": { "source": "user_profile", "value": "plan" },
            "https://example.com/tier": { "source": "static_value", "value": 3 },
        },
        "token_validators": [
            { "kind": "jwks", "issuer": IDP, "audience": "my-app", "jwks": keys },
            { "kind": "firebase", "project": "fire-1", "jwks": keys },
            { "kind": "rest", "url": rest, "method": "POST", "user_id_field": "userId" },
        ],
        "groups": [
            { "id": "group_open", "name": "Open", "admission_policy": "open" },
            { "id": "group_closed", "name": "Closed" },
        ],
        "users": [
            { "id": "known", "data": { "email": "known@example.com" } },
            { "id": "gone", "state": "disabled", "data": { "email": "gone@example.com" } },
            { "id": "2022", "sub": "auth0|2022", "meta": { "access_token_ttl": "never" } },
        ],
    }] });
    let seed = Seed::parse("seed.yaml", &text.to_string()).unwrap();
    Arc::new(State::new(Settings { seed, ..Settings::default() }, ADDRESS).unwrap())
}

/// A token of the foreign issuer.
pub(super) fn foreign(idp: &Arc<State>, issuer: &str, claims: &Value) -> String {
    let mut order = TokenOrder::default().claim("iss", issuer).claim("aud", "my-app");
    for (name, value) in claims.as_object().unwrap() {
        order = order.claim(name, value.clone());
    }
    Minter::new(Arc::clone(idp)).mint(&order).unwrap()
}

pub(super) fn claims(token: &Value) -> Value {
    let part = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub(super) async fn exchange(state: &Arc<State>, more: Value) -> (u16, Value) {
    let mut body = json!({ "app_id": APP });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (status, answer) = post(state, "/hub/auth/token", &body).await;
    (status.as_u16(), answer)
}

pub(super) async fn profile(state: &Arc<State>, user: &str) -> (u16, Value) {
    let path = format!("/applications/{APP}/users/{user}/data");
    let (status, body) = get(state, &path, &[KEY, SECRET]).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn an_issuers_token_is_exchanged_and_its_id_adopted() {
    let idp = state();
    let state = seeded(&idp, "http://127.0.0.1:9/");
    let said = json!({
        "sub": "ext|1", "email": "new@example.com", "plan": "pro", "seats": 3, "shoe_size": 44,
    });
    let token = foreign(&idp, IDP, &said);
    let (status, first) = exchange(&state, json!({ "id_token": token })).await;
    assert_eq!(status, 200, "{first}");
    let expected = ["access_token", "refresh_token", "user_type", "app_variant_user_type"];
    assert_eq!(members(&first), expected.into());
    assert_eq!(first["user_type"], "new_user");
    let access = claims(&first["access_token"]);
    assert_eq!(access["https://auth.rownd.io/app_user_id"], "ext|1");
    assert_eq!(access["https://auth.rownd.io/auth_level"], "verified");
    assert_eq!(access["aud"], json!([format!("app:{APP}"), "https://api.example.com"]));
    assert_eq!(access["plan"], "pro");
    assert_eq!(access["https://example.com/tier"], 3);
    let refresh = claims(&first["refresh_token"]);
    assert_eq!(refresh["https://auth.rownd.io/jwt_type"], "refresh_token");
    assert!(refresh.get("plan").is_none());

    let (_, profile) = profile(&state, "ext%7C1").await;
    let data = json!({
        "user_id": "ext|1", "email": "new@example.com", "plan": "pro", "seats": 3,
    });
    assert_eq!(profile["data"], data, "what the schema does not know is dropped");
    assert_eq!(profile["verified_data"], json!({ "email": "new@example.com" }));
    let (_, second) = exchange(&state, json!({ "id_token": token })).await;
    assert_eq!(second["user_type"], "existing_user");
}

#[tokio::test]
async fn a_token_that_is_not_good_is_refused() {
    let idp = state();
    let state = seeded(&idp, "http://127.0.0.1:9/");
    let sub = json!({ "sub": "x" });
    let past = json!({ "sub": "x", "exp": 1 });
    let forged =
        TokenOrder::default().claim("iss", IDP).claim("aud", "my-app").signed_by(SignedBy::Foreign);
    let cases = [
        ("forged", Minter::new(Arc::clone(&idp)).mint(&forged).unwrap(), 400),
        ("expired", foreign(&idp, IDP, &past), 400),
        ("other audience", foreign(&idp, IDP, &json!({ "sub": "x", "aud": "other" })), 400),
        ("odd id", foreign(&idp, IDP, &json!({ "sub": "__uuid__" })), 400),
        ("list for an id", foreign(&idp, IDP, &json!({ "sub": ["x"] })), 400),
        ("unknown issuer, validator away", foreign(&idp, "https://other", &sub), 503),
        ("no token, validator away", "opaque".to_owned(), 503),
    ];
    for (case, token, expected) in cases {
        let (status, body) = exchange(&state, json!({ "id_token": token })).await;
        assert_eq!(status, expected, "{case}: {body}");
    }
    let (status, _) = get(&state, "/hub/app-config", &[KEY]).await;
    assert_eq!(status, StatusCode::OK);
    let cases = [
        ("no app", json!({ "id_token": "x" }), 400),
        ("unknown app", json!({ "id_token": "x", "app_id": "app_x" }), 404),
        ("nothing", json!({ "app_id": APP }), 400),
        ("both", json!({ "app_id": APP, "refresh_token": "x", "id_token": "y" }), 400),
    ];
    for (case, body, expected) in cases {
        let (status, body) = post(&state, "/hub/auth/token", &body).await;
        assert_eq!(status, expected, "{case}: {body}");
    }
}

#[tokio::test]
async fn firebase_keeps_its_uid() {
    let idp = state();
    let state = seeded(&idp, "http://127.0.0.1:9/");
    let issuer = "https://securetoken.google.com/fire-1";
    let said = json!({
        "sub": "uid28chars", "aud": "fire-1", "email": "f@example.com", "email_verified": false,
    });
    let token = foreign(&idp, issuer, &said);
    let (status, pair) = exchange(&state, json!({ "id_token": token })).await;
    assert_eq!(status, 200, "{pair}");
    let access = claims(&pair["access_token"]);
    assert_eq!(access["https://auth.rownd.io/app_user_id"], "uid28chars");
    assert_eq!(access["https://auth.rownd.io/auth_level"], "unverified", "says Firebase");
    let other = foreign(&idp, issuer, &json!({ "sub": "uid", "aud": "fire-2" }));
    assert_eq!(exchange(&state, json!({ "id_token": other })).await.0, 400);
}

/// A customer's service: says what it was asked, and answers by the token.
async fn customer(seen: Arc<std::sync::Mutex<Vec<Value>>>) -> String {
    let answer = move |headers: HeaderMap, Json(body): Json<Value>| {
        let seen = Arc::clone(&seen);
        async move {
            let bearer = headers[header::AUTHORIZATION].to_str().unwrap().to_owned();
            let said = match body["token"].as_str().unwrap() {
                "one" => (StatusCode::OK, json!({ "userId": "c-1", "email": "c@example.com" })),
                "no id" => (StatusCode::OK, json!({ "email": "known@example.com", "plan": "x" })),
                "bad" => (StatusCode::BAD_REQUEST, json!({})),
                "missing" => (StatusCode::NOT_FOUND, json!({})),
                _ => (StatusCode::INTERNAL_SERVER_ERROR, json!({})),
            };
            let asked = json!({ "bearer": bearer, "body": body });
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
            (said.0, Json(said.1))
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(answer))).await });
    format!("http://{address}/validate")
}

#[tokio::test]
async fn a_rest_validator_is_asked_and_may_abort() {
    let seen = Arc::default();
    let url = customer(Arc::clone(&seen)).await;
    let state = seeded(&self::state(), &url);
    let cases = [
        ("one", 200, "c-1", "new_user"),
        ("one", 200, "c-1", "existing_user"),
        // No id, but an address that somebody proved before.
        ("no id", 200, "known", "existing_user"),
        ("bad", 400, "", ""),
        ("missing", 400, "", ""),
        ("broken", 503, "", ""),
    ];
    for (token, expected, user, user_type) in cases {
        let (status, body) = exchange(&state, json!({ "id_token": token })).await;
        assert_eq!(status, expected, "{token}: {body}");
        if status == 200 {
            let access = claims(&body["access_token"]);
            assert_eq!(access["https://auth.rownd.io/app_user_id"], user, "{token}");
            assert_eq!(body["user_type"], user_type, "{token}");
        }
    }
    let first = seen.lock().unwrap_or_else(PoisonError::into_inner)[0].clone();
    assert_eq!(first, json!({ "bearer": "Bearer one", "body": { "token": "one" } }));
}

#[tokio::test]
async fn an_intent_that_does_not_fit_gives_no_tokens() {
    let idp = state();
    let state = seeded(&idp, "http://127.0.0.1:9/");
    let new = foreign(&idp, IDP, &json!({ "sub": "nobody" }));
    let known = foreign(&idp, IDP, &json!({ "sub": "known" }));
    let cases = [
        ("sign_in", &new, Some("E_SIGN_IN_USER_NOT_FOUND")),
        ("sign_up", &known, Some("E_SIGN_UP_USER_EXISTS")),
        ("sign_in", &known, None),
    ];
    for (intent, token, code) in cases {
        let order = json!({ "id_token": token, "intent": intent });
        let (status, body) = exchange(&state, order.clone()).await;
        assert_eq!(status, 200, "{intent}");
        assert_eq!(body.get("access_token").is_none(), code.is_some(), "{intent}: {body}");
        let mut order = order;
        order["intent_mismatch_behavior"] = json!("throw");
        let (status, body) = exchange(&state, order).await;
        if let Some(code) = code {
            assert_eq!(status, 400, "{intent}");
            assert_eq!(body["code"], code);
            let shape = ["statusCode", "error", "code", "messages"];
            assert_eq!(members(&body), shape.into(), "as the vendor's sample");
        } else {
            assert_eq!(status, 200, "{intent}");
        }
    }
    assert_eq!(profile(&state, "nobody").await.0, 404, "nobody was made on the way");
    let gone = foreign(&idp, IDP, &json!({ "sub": "gone" }));
    assert_eq!(exchange(&state, json!({ "id_token": gone })).await.0, 403, "disabled");
}

#[tokio::test]
async fn data_groups_and_variants_come_with_the_exchange() {
    let idp = state();
    let state = seeded(&idp, "http://127.0.0.1:9/");
    let token = foreign(&idp, IDP, &json!({ "sub": "joiner" }));
    let order = json!({
        "id_token": token, "user_data": { "plan": "free" }, "group_to_join": "group_open",
    });
    let headers: Headers<'_> = &[("x-rownd-app-key", "key_variant")];
    for expected in ["new_user", "existing_user"] {
        let (status, body) =
            ask(&state, ("POST", "/hub/auth/token"), headers, Some(order.clone())).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(body["app_variant_user_type"], expected);
        assert_eq!(claims(&body["access_token"])["aud"][1], "app_variant:variant_1");
    }
    let (_, profile) = profile(&state, "joiner").await;
    assert_eq!(profile["attributes"]["rownd:app_variants"], json!(["variant_1"]));
    assert_eq!(profile["data"]["plan"], "free");
    assert_eq!(profile["groups"][0]["group"]["id"], "group_open");
    for (group, expected) in [("group_closed", 403), ("group_none", 404)] {
        let order = json!({ "id_token": token, "group_to_join": group });
        assert_eq!(exchange(&state, order).await.0, expected, "{group}");
    }
    let order = json!({ "id_token": token, "user_data": { "seats": "many" } });
    let (status, body) = exchange(&state, order).await;
    assert_eq!(status, 400);
    assert_eq!(body["field_errors"], json!({ "seats": ["must be a number"] }));
}

#[tokio::test]
async fn instant_users_and_guests_become_somebody() {
    let idp = state();
    let state = seeded(&idp, "http://127.0.0.1:9/");
    let path = ("POST", "/hub/auth/instant");
    let (status, _) = ask(&state, path, &[], Some(json!({}))).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (_, made) = ask(&state, path, &[KEY], None).await;
    let expected = ["message", "auth_tokens", "init_data", "registration_status", "user_type"];
    assert_eq!(members(&made), expected.into());
    assert_eq!(made["user_type"], "instant_user");
    let id = made["init_data"]["user_id"].as_str().unwrap();
    let access = claims(&made["auth_tokens"]["access_token"]);
    assert_eq!(access["https://auth.rownd.io/app_user_id"], id);
    assert_eq!(access["https://auth.rownd.io/auth_level"], "instant");
    assert_eq!(access["https://auth.rownd.io/is_anonymous"], true);

    let guest = json!({ "access_token_type": "anonymous", "access_token": "device-1" });
    for expected in ["new_user", "existing_user"] {
        let (_, body) = exchange(&state, guest.clone()).await;
        assert_eq!(body["user_type"], expected);
        let access = claims(&body["access_token"]);
        assert_eq!(access["https://auth.rownd.io/auth_level"], "guest");
        assert_eq!(access["https://auth.rownd.io/is_verified_user"], true);
    }

    let token = foreign(&idp, IDP, &json!({ "sub": "ext", "email": "i@example.com" }));
    let order = json!({ "id_token": token, "instant_user_id": id });
    let (status, body) = exchange(&state, order.clone()).await;
    assert_eq!((status, &body["user_type"]), (200, &json!("new_user")), "{body}");
    assert_eq!(profile(&state, id).await.0, 404, "the issuer's id is adopted");
    let (_, after) = profile(&state, "ext").await;
    assert_eq!(after["auth_level"], "verified");
    assert!(after["data"]["anonymous_id"].is_string(), "what was theirs stays theirs");
    assert_eq!(exchange(&state, order).await.0, 400, "no instant user any more");
}

#[tokio::test]
async fn a_token_may_never_expire_and_have_another_sub() {
    let idp = state();
    let state = seeded(&idp, "http://127.0.0.1:9/");
    let token = foreign(&idp, IDP, &json!({ "sub": "2022" }));
    let (_, body) = exchange(&state, json!({ "id_token": token })).await;
    let access = claims(&body["access_token"]);
    assert!(access.get("exp").is_none(), "{access}");
    assert_eq!(access["sub"], "auth0|2022");
    assert_eq!(access["https://auth.rownd.io/app_user_id"], "2022");
}
