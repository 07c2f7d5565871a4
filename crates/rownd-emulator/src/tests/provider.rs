//! The tokens of the OpenID provider: for the app, by either algorithm, introspected and revoked; and
//! the end of a session.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::json;

use super::{
    get, json_of,
    oidc::{PUBLIC, at, by_code, challenge, code, good, post_form, redeem},
    send, state,
    tokens::claims,
};
use crate::{Controls, Rotation, Signing, keys::jws, state::State};

#[tokio::test]
async fn a_token_for_the_app_is_a_jwt_of_the_provider() {
    let state = state();
    let challenge = challenge();
    let resource = format!("app:{}", state.settings.app_id);
    let mut asked = good(PUBLIC, &challenge);
    asked.push(("resource", &resource));
    let code = code(&state, &asked, "user_guest").await;
    let (_, body) = redeem(&state, &by_code(PUBLIC, &code), &[]).await;
    let access = claims(&body["access_token"]);
    assert_eq!(access["aud"], json!([resource]));
    assert_eq!(access["https://auth.rownd.io/auth_level"], "guest");
    let how = Rotation { withdraw: true, ..Rotation::default() };
    let rotated = Controls::new(Arc::clone(&state)).rotate_provider(Signing::RS256, how).unwrap();
    let (_, keys) = get(&state, &at(&state, "/jwks"), &[]).await;
    assert_eq!(keys["keys"][0]["kid"], rotated.kid);
    let token = body["access_token"].as_str().unwrap();
    let issuer = format!("http://127.0.0.1:8787{}", at(&state, ""));
    assert!(jws::verify(token, &keys, &issuer).is_err(), "its key is gone");
}

#[tokio::test]
async fn tokens_are_looked_into_and_taken_back() {
    let state = state();
    let challenge = challenge();
    let code = code(&state, &good(PUBLIC, &challenge), "user_verified").await;
    let (_, body) = redeem(&state, &by_code(PUBLIC, &code), &[]).await;
    let (access, refresh) =
        (body["access_token"].as_str().unwrap(), body["refresh_token"].as_str().unwrap());
    let look = async |token: &str| {
        let pairs = [("client_id", PUBLIC), ("token", token)];
        json_of(post_form(&state, "/token/introspection", &pairs, &[]).await).await.1
    };
    for token in [access, refresh] {
        let seen = look(token).await;
        assert_eq!((&seen["active"], &seen["sub"]), (&json!(true), &json!("user_verified")));
    }
    assert_eq!(look("x").await, json!({ "active": false }));
    let pairs = [("client_id", PUBLIC), ("token", refresh)];
    let answer = post_form(&state, "/token/revocation", &pairs, &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    for token in [access, refresh] {
        assert_eq!(look(token).await, json!({ "active": false }));
    }
}

#[tokio::test]
async fn the_way_out_leads_to_registered_places_only() {
    let state = state();
    let cases = [
        ("", StatusCode::OK),
        ("?client_id=oc_demo&post_logout_redirect_uri=http://localhost:1/", StatusCode::SEE_OTHER),
        ("?client_id=oc_demo&post_logout_redirect_uri=http://evil/", StatusCode::BAD_REQUEST),
        ("?post_logout_redirect_uri=http://localhost:1/", StatusCode::BAD_REQUEST),
    ];
    for (query, expected) in cases {
        let path = format!("{}{query}", at(&state, "/session/end"));
        let answer = send(&state, Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), expected, "{query}");
    }
}

#[tokio::test]
async fn an_app_may_sign_with_ed25519() {
    let names = crate::Settings::default();
    let text = json!({ "apps": [{
        "id": names.app_id, "key": names.app_key, "secret": names.app_secret,
        "oidc_signing": "EdDSA",
        "oidc_clients": [{ "id": PUBLIC, "redirect_uris": ["http://127.0.0.1/callback"] }],
        "users": [{ "id": "ann" }],
    }] });
    let seed = crate::Seed::parse("seed.yaml", &text.to_string()).unwrap();
    let settings = crate::Settings { seed, ..names };
    let state = Arc::new(State::new(settings, super::ADDRESS).unwrap());
    let challenge = challenge();
    let code = code(&state, &good(PUBLIC, &challenge), "ann").await;
    let (_, body) = redeem(&state, &by_code(PUBLIC, &code), &[]).await;
    let (_, keys) = get(&state, &at(&state, "/jwks"), &[]).await;
    assert_eq!(keys["keys"][0]["kty"], "OKP");
    let issuer = format!("http://127.0.0.1:8787{}", at(&state, ""));
    let id = jws::verify(body["id_token"].as_str().unwrap(), &keys, &issuer).unwrap();
    assert_eq!(id["sub"], "ann");
}
