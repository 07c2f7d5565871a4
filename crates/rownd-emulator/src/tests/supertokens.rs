//! SuperTokens with the Rownd plugin: migration, guests, sessions, rotation.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    body::Body,
    http::{Request, Response, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Headers, get, json_of, members, send, state, tokens::claims};
use crate::{
    Controls, Endpoint, Fault, Minter, Rotation, SignedBy, TokenOrder, keys::jws, state::State,
};

const ISSUER: &str = "http://127.0.0.1:8787/auth";

async fn call(
    state: &Arc<State>,
    (method, path): (&str, &str),
    headers: Headers<'_>,
    body: Option<Value>,
) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(format!("/auth{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    send(state, request.body(body).unwrap()).await
}

/// The three headers.
#[derive(Clone, Debug)]
struct SessionTokens {
    access: String,
    refresh: String,
    front: Value,
}

fn tokens(answer: &Response<Body>) -> SessionTokens {
    assert_eq!(answer.status(), StatusCode::OK);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let front = STANDARD.decode(header("front-token")).unwrap();
    SessionTokens {
        access: header("st-access-token"),
        refresh: header("st-refresh-token"),
        front: serde_json::from_slice(&front).unwrap(),
    }
}

async fn migrate(state: &Arc<State>, order: &TokenOrder) -> Response<Body> {
    let token = Minter::new(Arc::clone(state)).mint(order).unwrap();
    let bearer = format!("Bearer {token}");
    call(state, ("POST", "/plugin/rownd/migrate"), &[("authorization", &bearer)], None).await
}

async fn session(state: &Arc<State>, access: &str) -> (StatusCode, Value) {
    let bearer = format!("Bearer {access}");
    json_of(call(state, ("GET", "/plugin/rownd/user"), &[("authorization", &bearer)], None).await)
        .await
}

async fn key_set(state: &Arc<State>) -> Value {
    get(state, "/auth/jwt/jwks.json", &[]).await.1
}

#[tokio::test]
async fn a_rownd_token_becomes_a_session() {
    let state = state();
    for order in [TokenOrder::default(), TokenOrder::default().refresh()] {
        // A call may be repeated.
        for _ in 0..2 {
            let answer = migrate(&state, &order).await;
            let tokens = tokens(&answer);
            assert_eq!(json_of(answer).await.1, json!({ "status": "OK" }));
            let claims = jws::verify(&tokens.access, &key_set(&state).await, ISSUER).unwrap();
            let expected = [
                "iat",
                "exp",
                "sub",
                "tId",
                "rsub",
                "sessionHandle",
                "refreshTokenHash1",
                "parentRefreshTokenHash1",
                "antiCsrfToken",
                "iss",
                "stt",
                "app_user_id",
                "auth_level",
                "is_verified_user",
                "rownd_session_authentication",
                "st-ev",
                "https://auth.rownd.io/app_user_id",
                "https://auth.rownd.io/auth_level",
                "https://auth.rownd.io/is_verified_user",
            ];
            assert_eq!(members(&claims), BTreeSet::from(expected));
            assert_eq!((&claims["sub"], &claims["stt"]), (&json!("user_verified"), &json!(0)));
            assert_ne!(claims["sub"], claims["rsub"]);
            assert_eq!(tokens.front["uid"], "user_verified");
            assert_eq!(tokens.front["up"], claims);
            let header = tokens.access.split('.').next().unwrap();
            let header = jsonwebtoken::decode_header(format!("{header}.e30.x")).unwrap();
            assert_eq!(
                (header.alg, header.typ.as_deref()),
                (jsonwebtoken::Algorithm::RS256, Some("JWT"))
            );
            assert!(header.kid.unwrap().starts_with("d-"));
            let (status, profile) = session(&state, &tokens.access).await;
            assert_eq!(status, StatusCode::OK);
            let expected = [
                "status",
                "rownd_user",
                "data",
                "meta",
                "verified_data",
                "state",
                "auth_level",
                "redacted",
                "groups",
                "attributes",
            ];
            assert_eq!(members(&profile), BTreeSet::from(expected));
        }
    }
}

#[tokio::test]
async fn what_cannot_be_migrated_is_told_why() {
    let state = state();
    let none = call(&state, ("POST", "/plugin/rownd/migrate"), &[], None).await;
    let mut cases = vec![("no token", none, "TOKEN_MALFORMED", "token_validate")];
    for (case, order, reason, stage) in [
        ("expired", TokenOrder::default().issued(-7_200), "TOKEN_EXPIRED", "token_validate"),
        (
            "forged",
            TokenOrder::default().signed_by(SignedBy::Foreign),
            "TOKEN_SIGNATURE_INVALID",
            "token_validate",
        ),
        (
            "unknown key",
            TokenOrder::default().header("kid", "sig-0"),
            "TOKEN_KID_UNKNOWN",
            "token_validate",
        ),
        (
            "other issuer",
            TokenOrder::default().claim("iss", "https://x"),
            "TOKEN_CLAIMS_INVALID",
            "token_validate",
        ),
        (
            "no expiry",
            TokenOrder::default().without_claim("exp"),
            "TOKEN_CLAIMS_INVALID",
            "token_validate",
        ),
        ("nobody", TokenOrder::of("x"), "ROWND_USER_NOT_FOUND", "rownd_profile_fetch"),
        ("disabled", TokenOrder::of("disabled"), "TOKEN_REVOKED", "rownd_profile_fetch"),
    ] {
        cases.push((case, migrate(&state, &order).await, reason, stage));
    }
    for (case, answer, reason, stage) in cases {
        let (status, body) = json_of(answer).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{case}");
        let expected = ["status", "code", "reason", "message", "retryable", "stage", "operationId"];
        assert_eq!(members(&body), BTreeSet::from(expected), "{case}");
        assert_eq!((&body["reason"], &body["stage"]), (&json!(reason), &json!(stage)), "{case}");
        assert_eq!((&body["code"], &body["retryable"]), (&json!(401), &json!(false)), "{case}");
    }
    let fault = Fault::status(Endpoint::Supertokens, 503).times(1);
    Controls::new(Arc::clone(&state)).inject(fault).unwrap();
    let answer = migrate(&state, &TokenOrder::default()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn guests_get_sessions_too() {
    let state = state();
    let path = ("POST", "/plugin/rownd/guest?tenantId=eu");
    let guest = |level: &str| Some(json!({ "auth_level": level }));
    let first = tokens(&call(&state, path, &[], guest("guest")).await);
    let claims = claims(&json!(first.access));
    assert_eq!(claims["tId"], "eu");
    assert_eq!(claims["sub"], claims["rsub"]);
    assert_eq!(claims["is_anonymous"], true);
    assert_eq!(claims["is_verified_user"], true, "the trap is here as well");
    assert_eq!(claims["anonymous_id"], format!("anon_{}", claims["sub"].as_str().unwrap()));
    assert!(claims.get("stt").is_none());
    let instant = tokens(&call(&state, path, &[], guest("instant")).await);
    let claims = self::claims(&json!(instant.access));
    assert_eq!(claims["rownd_session_authentication"], "instant");
    assert_eq!(claims["https://auth.rownd.io/is_verified_user"], false);
    let (status, body) = json_of(call(&state, path, &[], guest("verified")).await).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("ERROR")), "told with 200");
}

#[tokio::test]
async fn a_session_is_refreshed_and_a_stolen_token_ends_it() {
    let state = state();
    let first = tokens(&migrate(&state, &TokenOrder::default()).await);
    let refresh = async |token: &str| {
        let bearer = format!("Bearer {token}");
        call(&state, ("POST", "/session/refresh"), &[("authorization", &bearer)], None).await
    };
    let second = tokens(&refresh(&first.refresh).await);
    assert_ne!(first.refresh, second.refresh);
    let handle = |tokens: &SessionTokens| claims(&json!(tokens.access))["sessionHandle"].clone();
    assert_eq!(handle(&first), handle(&second));
    assert_eq!(session(&state, &second.access).await.0, StatusCode::OK);
    assert_eq!(refresh(&first.refresh).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&second.refresh).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(session(&state, &second.access).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn sign_out_ends_all_sessions_and_cookies_work() {
    let state = state();
    let token = Minter::new(Arc::clone(&state)).mint(&TokenOrder::default()).unwrap();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("st-auth-mode", "cookie")];
    let answer = call(&state, ("POST", "/plugin/migrate-session"), &headers, None).await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("sAccessToken=") && cookie.contains("HttpOnly"), "{cookie}");
    assert!(answer.headers().get("st-access-token").is_none());
    let cookie = cookie.split(';').next().unwrap();
    let other = tokens(&migrate(&state, &TokenOrder::default()).await);
    let headers = [("cookie", cookie)];
    let read = call(&state, ("GET", "/plugin/rownd/user"), &headers, None).await;
    assert_eq!(read.status(), StatusCode::OK);
    let out = call(&state, ("POST", "/plugin/rownd/signout"), &headers, None).await;
    assert_eq!(json_of(out).await, (StatusCode::OK, json!({ "status": "OK" })));
    assert_eq!(session(&state, &other.access).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_reads_and_writes_its_own_profile() {
    let state = state();
    let tokens = tokens(&migrate(&state, &TokenOrder::default()).await);
    let bearer = format!("Bearer {}", tokens.access);
    let ask = async |method: &str, path: &str, body: Option<Value>| {
        let answer = call(&state, (method, path), &[("authorization", &bearer)], body).await;
        json_of(answer).await
    };
    let field = "/plugin/rownd/user/field?field=first_name";
    let (status, _) = ask("PUT", field, Some(json!({ "value": "Vera" }))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ask("GET", field, None).await.1, json!({ "status": "OK", "value": "Vera" }));
    let meta = json!({ "meta": { "seen_tour": true, "tokens_valid_since": "never" } });
    let (_, body) = ask("PUT", "/plugin/rownd/user/meta", Some(meta)).await;
    assert_eq!(body["meta"]["seen_tour"], true);
    assert!(body["meta"].get("tokens_valid_since").is_none(), "that is not the user's");
    let data = json!({ "data": { "email": "vera@example.com" } });
    let (_, body) = ask("PUT", "/plugin/rownd/user", Some(data)).await;
    let first_name = &body["data"]["first_name"];
    assert_eq!((first_name, &body["data"]["email"]), (&json!("Vera"), &json!("vera@example.com")));
    for (path, body) in [
        ("/plugin/rownd/user", json!({ "data": { "first_name": "X", "unknown": 1 } })),
        ("/plugin/rownd/user", json!({ "data": { "user_id": "user_guest" } })),
        ("/plugin/rownd/user/field?field=unknown", json!({ "value": 1 })),
    ] {
        let (status, said) = ask("PUT", path, Some(body)).await;
        assert_eq!((status, &said["code"]), (StatusCode::FORBIDDEN, &json!(403)), "{path}: {said}");
    }
    assert_eq!(ask("GET", field, None).await.1["value"], "Vera", "nothing was written");
    let (status, _) = ask("DELETE", "/plugin/rownd/user", None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ask("GET", "/plugin/rownd/user", None).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn dynamic_keys_rotate_and_the_static_one_stays() {
    let state = state();
    let first = tokens(&migrate(&state, &TokenOrder::default()).await);
    let kids = |set: &Value| -> Vec<String> {
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    let before = key_set(&state).await;
    let expected = ["kty", "kid", "n", "e", "alg", "use"];
    assert_eq!(members(&before["keys"][0]), BTreeSet::from(expected), "and no `d`");
    let controls = Controls::new(Arc::clone(&state));
    let rotated = controls.rotate_supertokens(Rotation::default()).unwrap();
    let after = key_set(&state).await;
    assert_eq!(kids(&before)[0], kids(&after)[0], "static");
    assert!(kids(&before)[0].starts_with("s-") && rotated.kid.starts_with("d-"));
    assert_eq!(kids(&after)[1..], [rotated.kid.clone(), kids(&before)[1].clone()]);
    assert_eq!(session(&state, &first.access).await.0, StatusCode::OK, "still published");
    let how = Rotation { withdraw: true, ..Rotation::default() };
    controls.rotate_supertokens(how).unwrap();
    assert_eq!(session(&state, &first.access).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_plugin_knows_its_app() {
    let state = state();
    let path = "/auth/plugin/rownd/app-config";
    let (status, body) = get(&state, path, &[]).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("OK")));
    assert_eq!(body["app"]["id"], state.settings.app_id);
    let known = format!("{path}?app_variant_id={}", state.settings.variant.id);
    assert_eq!(get(&state, &known, &[]).await.1["config_type"], "variant");
    let (status, body) = get(&state, &format!("{path}?app_variant_id=x"), &[]).await;
    assert_eq!((status.as_u16(), &body["reason"]), (400, &json!("UNKNOWN_APP_VARIANT")));
}

#[tokio::test]
async fn the_copy_of_rownds_keys_stays_when_rownd_is_gone() {
    let state = state();
    let copy = "/.well-known/rownd-jwks.json";
    let (_, own) = get(&state, "/hub/auth/keys", &[]).await;
    assert_eq!(get(&state, copy, &[]).await, (StatusCode::OK, own));
    let controls = Controls::new(Arc::clone(&state));
    controls.inject(Fault::status(Endpoint::Keys, 503)).unwrap();
    controls.rotate(Rotation::default()).unwrap();
    assert_eq!(get(&state, "/hub/auth/keys", &[]).await.0, StatusCode::SERVICE_UNAVAILABLE);
    let (status, body) = get(&state, copy, &[]).await;
    assert_eq!((status, body["keys"].as_array().map(Vec::len)), (StatusCode::OK, Some(2)));
    assert_eq!(controls.hits(Endpoint::Supertokens), 2);
}
