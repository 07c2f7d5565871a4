//! One service before one emulator that plays Rownd, its OpenID provider and SuperTokens:
//! the shapes were written on both ends apart from each other, and meet here.
//!
//! In: tokens as clients get them, by HTTP. Out: who the service takes them for, while
//! keys rotate.

use std::net::SocketAddr;

use rownd_authz::model::DenyReason;
use rownd_emulator::{Rotation, Settings, Signing, TokenOrder};
use serde_json::json;

use crate::support::{Ask, TestApp, http::request, sign_in};

const CALLBACK: &str = "http://127.0.0.1:1/callback";

/// A session for a Rownd token.
async fn migrate(to: SocketAddr, token: &str) -> String {
    let bearer = format!("authorization: Bearer {token}\r\n");
    let answer = request(to, "POST /auth/plugin/rownd/migrate", &bearer, "").await;
    assert_eq!(answer.json()["status"], "OK");
    answer.header("st-access-token").to_owned()
}

/// An access token of the OpenID provider, for the app, through the page.
pub(super) async fn sign_in(to: SocketAddr, app: &str, secret: &str, user: &str) -> String {
    let resource = format!("app:{app}");
    let asked = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", "oc_demo"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
            ("resource", &resource),
        ])
        .finish();
    let back = sign_in::consent(to, &format!("/oidc/{app}/auth?{asked}"), user).await;
    let (_, code) = back.query_pairs().find(|(name, _)| name == "code").unwrap();
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let body = format!(
        "grant_type=authorization_code&client_id=oc_demo&client_secret={secret}&code={code}&redirect_uri={CALLBACK}"
    );
    let answer = request(to, &format!("POST /oidc/{app}/token"), form, &body).await;
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn tokens_of_three_families_are_taken_while_their_keys_rotate() {
    let free = "127.0.0.1:0".parse().unwrap();
    let emulator = rownd_emulator::bind(Settings::demo(free)).await.unwrap();
    let (to, base) = (emulator.address(), emulator.base_url().to_owned());
    let (minter, controls) = (emulator.minter(), emulator.controls());
    let names = emulator.settings().clone();
    let running = tokio::spawn(emulator.run(std::future::pending()));
    let app_id = names.app_id.as_str();
    let service = TestApp::ready(&json!({
        "listeners": {
            "grpc": { "address": "127.0.0.1:0", "workers": 1 },
            "ops": { "address": "127.0.0.1:0" },
        },
        "issuers": [
            { "name": "rownd", "kind": "rownd", "base_url": base, "apps": [{ "id": app_id }],
              "keys": { "cooldown": "100ms" } },
            { "name": "sessions", "kind": "supertokens", "base_url": format!("{base}/auth"),
              "keys": { "cooldown": "100ms" } },
            { "name": "provider", "kind": "oidc", "issuer": format!("{base}/oidc/{app_id}"),
              "audiences": [format!("app:{app_id}")],
              "claims": { "auth_level": "https://auth.rownd.io/auth_level" },
              "keys": { "cooldown": "100ms" } },
        ],
        "check": { "timeout": "20s" },
        "shutdown": { "drain_delay": "0s", "grace": "5s" },
    }))
    .await;

    // Before and after a rotation of all keys; no token is refused in between.
    let mut tokens: Vec<(&str, &str, String)> = Vec::new();
    for round in 0..2 {
        if round == 1 {
            controls.rotate(Rotation::default()).unwrap();
            controls.rotate_supertokens(Rotation::default()).unwrap();
            controls.rotate_provider(Signing::RS256, Rotation::default()).unwrap();
        }
        for (user, level) in [("user_verified", "verified"), ("user_guest", "guest")] {
            let own = minter.mint(&TokenOrder::of(user)).unwrap();
            tokens.push(("sessions", level, migrate(to, &own).await));
            tokens.push(("rownd", level, own));
            let signed_in = sign_in(to, app_id, &names.app_secret, user).await;
            tokens.push(("provider", level, signed_in));
        }
        for (issuer, level, token) in &tokens {
            let what = format!("{issuer} {level}");
            let answer = service.check(&Ask::with_token(token)).await;
            answer.assert_allowed(&what, "authenticated");
            let user = format!("user_{level}");
            for (header, expected) in [
                ("x-rownd-issuer", *issuer),
                ("x-rownd-user-id", &user),
                ("x-rownd-auth-level", level),
            ] {
                assert_eq!(answer.set(header), Some(expected), "{what}: {header}");
            }
        }
    }

    let refresh = minter.mint(&TokenOrder::default().refresh()).unwrap();
    let answer = service.check(&Ask::with_token(&refresh)).await;
    answer.assert_denied("a refresh token", DenyReason::TokenKindRefused);
    running.abort();
}
