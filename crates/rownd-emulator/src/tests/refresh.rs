//! Refresh tokens, each good once; and magic links, followed by SDKs and browsers.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use super::{
    Headers, ask, get, members, post, send, state,
    tokens::{APP, IDP, KEY, SECRET, claims, exchange, foreign, profile, seeded},
};
use crate::{Controls, Endpoint, Fault, Minter, SignedBy, TokenOrder};

#[tokio::test]
async fn a_refresh_token_works_once() {
    let idp = state();
    let state = seeded(&idp, "http://127.0.0.1:9/");
    let token = foreign(&idp, IDP, &json!({ "sub": "known" }));
    let (_, first) = exchange(&state, json!({ "id_token": token })).await;
    // Without any key, as phones send it.
    let refresh = async |token: &Value| {
        let (status, body) =
            post(&state, "/hub/auth/token", &json!({ "refresh_token": token })).await;
        (status.as_u16(), body)
    };
    let (status, second) = refresh(&first["refresh_token"]).await;
    assert_eq!(status, 200, "{second}");
    assert_eq!(members(&second), ["access_token", "refresh_token"].into());
    let replay = json!({
        "statusCode": 400,
        "error": "Bad Request",
        "message": "Invalid refresh token: Refresh token has been consumed",
    });
    assert_eq!(refresh(&first["refresh_token"]).await, (400, replay));
    let with_data =
        json!({ "refresh_token": &second["refresh_token"], "user_data": { "plan": "x" } });
    let (status, body) = post(&state, "/hub/auth/token", &with_data).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "`user_data` is not valid there: {body}");
    assert_eq!(refresh(&second["refresh_token"]).await.0, 200, "the family lives on");

    let minter = Minter::new(Arc::clone(&state));
    let of = |user: &str| TokenOrder { app: Some(APP.to_owned()), ..TokenOrder::of(user) };
    let mint = |order: TokenOrder| json!(minter.mint(&order).unwrap());
    let bad = [
        ("an access token", mint(of("known"))),
        ("expired", mint(of("known").refresh().issued(-40 * 24 * 3_600))),
        ("forged", mint(of("known").refresh().signed_by(SignedBy::Foreign))),
        ("disabled", mint(of("gone").refresh())),
        ("unknown user", mint(of("nobody").refresh())),
        ("unknown app", mint(TokenOrder { app: Some("app_x".to_owned()), ..of("x") }.refresh())),
        ("no jti", mint(of("known").refresh().without_claim("jti"))),
        ("no token", json!("x")),
    ];
    for (case, token) in bad {
        let (status, body) = refresh(&token).await;
        assert_eq!(status, 400, "{case}");
        assert_eq!(members(&body), ["statusCode", "error", "message"].into(), "{case}");
    }
    let waiting = mint(of("known").refresh());
    let path = format!("/applications/{APP}/users/known/signout");
    let all = Some(json!({ "sign_out_all": true }));
    ask(&state, ("POST", &path), &[KEY, SECRET], all).await;
    assert_eq!(refresh(&waiting).await.0, 400, "signed out");
}

#[tokio::test]
async fn a_lost_answer_burns_the_refresh_token() {
    let state = state();
    let refresh = TokenOrder::default().refresh();
    let token = Minter::new(Arc::clone(&state)).mint(&refresh).unwrap();
    let body = json!({ "refresh_token": token });
    let fault = Fault::status(Endpoint::Token, 502).after().times(1);
    Controls::new(Arc::clone(&state)).inject(fault).unwrap();
    let (status, _) = post(&state, "/hub/auth/token", &body).await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    let (status, body) = post(&state, "/hub/auth/token", &body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_wins() {
    let state = state();
    let refresh = TokenOrder::default().refresh();
    let token = Minter::new(Arc::clone(&state)).mint(&refresh).unwrap();
    let body = json!({ "refresh_token": token });
    let storm = (0..20).map(|_| post(&state, "/hub/auth/token", &body));
    let answers = futures_util::future::join_all(storm).await;
    let won = answers.iter().filter(|(status, _)| *status == StatusCode::OK).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_magic_link_signs_in_sdks_and_sends_browsers_on() {
    let idp = state();
    let state = seeded(&idp, "http://127.0.0.1:9/");
    let make = async |body: Value, headers: Headers<'_>| {
        let (status, body) = ask(&state, ("POST", "/hub/auth/magic"), headers, Some(body)).await;
        (status.as_u16(), body)
    };
    let order = json!({
        "verification_mode": "email", "redirect_url": "https://app.example.com/in",
        "data": { "email": "link@example.com" }, "link_data": { "k": "v" },
    });
    assert_eq!(make(order.clone(), &[KEY]).await.0, 401, "the secret is needed");
    let (status, made) = make(order.clone(), &[KEY, SECRET]).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(members(&made), ["link", "app_user_id"].into());
    let user = made["app_user_id"].as_str().unwrap();
    assert_eq!(profile(&state, user).await.1["auth_level"], "unverified", "not followed yet");
    let path = made["link"].as_str().unwrap().strip_prefix("http://127.0.0.1:8787").unwrap();

    let browser = axum::http::Request::get(path).header("accept", "text/html");
    let answer = send(&state, browser.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::FOUND);
    assert_eq!(answer.headers()[header::LOCATION], "https://app.example.com/in");

    for sign in [("user-agent", "Rownd SDK for Go/1.0"), ("accept", "application/json")] {
        let (status, body) = get(&state, path, &[sign]).await;
        assert_eq!(status, StatusCode::OK, "{sign:?}");
        let expected = [
            "access_token",
            "refresh_token",
            "app_user_id",
            "app_id",
            "last_sign_in",
            "redirect_url",
            "link_data",
            "magic_link",
        ];
        assert_eq!(members(&body), expected.into());
        assert_eq!(body["link_data"], json!({ "k": "v" }));
        let access = claims(&body["access_token"]);
        assert_eq!(access["https://auth.rownd.io/app_user_id"], user);
        assert_eq!(access["https://auth.rownd.io/auth_level"], "verified");
    }
    // Now that the address is proved, the next link is for the same user.
    assert_eq!(make(order, &[KEY, SECRET]).await.1["app_user_id"], user);

    let url = "https://app.example.com";
    let cases = [
        ("relative", json!({ "redirect_url": "/in" })),
        ("too long", json!({ "redirect_url": url, "expiration": "31d" })),
        ("no duration", json!({ "redirect_url": url, "expiration": "soon" })),
        ("no address", json!({ "redirect_url": url, "data": { "email": "x" } })),
    ];
    for (case, order) in cases {
        assert_eq!(make(order, &[KEY, SECRET]).await.0, 400, "{case}");
    }
    let order = json!({ "redirect_url": url, "expiration": "0s", "user_id": "known" });
    let (_, made) = make(order, &[KEY, SECRET]).await;
    let path = made["link"].as_str().unwrap().strip_prefix("http://127.0.0.1:8787").unwrap();
    let json = ("accept", "application/json");
    assert_eq!(get(&state, path, &[json]).await.0, StatusCode::BAD_REQUEST, "expired");
    let late = ("x-rownd-magic-allow-exp", "true");
    assert_eq!(get(&state, path, &[json, late]).await.0, StatusCode::OK, "as iOS asks");
    assert_eq!(get(&state, "/hub/auth/magic/x", &[json]).await.0, StatusCode::NOT_FOUND);
}
