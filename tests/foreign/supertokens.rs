//! Sessions by SuperTokens' own `supertokens-python` 0.31.4.
//!
//! In: what the library put into its sessions' tokens, the keys it publishes, and its verdict on
//! each token. Out: the same verdict here, in the header and in the cookie, for the same user.

use std::collections::BTreeMap;

use rownd_authz::{app::ListenAddress, model::DenyReason};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{package, talk::python, tool};
use crate::support::{
    Answer, Ask, Issuer, Reply, TestApp, config_with,
    forge::{APP, USER},
};

const BASE_PATH: &str = "/auth";
const COOKIE: &str = "sAccessToken";

/// The keys and sessions of the library.
#[derive(Debug, Deserialize)]
struct Minted {
    version: String,
    keys: Vec<Value>,
    tokens: BTreeMap<String, String>,
    /// The user of the session; empty if the library does not accept it as a session.
    judged: BTreeMap<String, Option<String>>,
    anti_csrf: String,
    claims: BTreeMap<String, Value>,
}

async fn mint(issuer: &Issuer) -> Minted {
    tool("venv/supertokens.stamp");
    let name = |name: &str| format!("https://auth.rownd.io/{name}");
    let question = json!({
        "api_domain": issuer.url(),
        "api_base_path": BASE_PATH,
        "user": "st-user-1",
        "roles": ["admin", "editor"],
        // Claims that Rownd's plugin adds, and claims that no caller may add: the library reserves
        // them.
        "payload": {
            (name("app_user_id")): USER,
            (name("auth_level")): "verified",
            (name("is_verified_user")): true,
            "stt": 1, "sub": "somebody-else", "tId": "another", "iss": "https://evil.example",
        },
    });
    let said = python("tests/foreign/minters/supertokens_mint.py", &question).await;
    let minted: Minted = serde_json::from_value(said).unwrap();
    let wanted = std::fs::read_to_string(package(".ci/tools/supertokens.txt")).unwrap();
    let version = format!("supertokens-python=={} ", minted.version);
    assert!(wanted.contains(&version), "{version}: run `make tools` again");
    minted
}

/// A service that trusts the issuer, with the keys that the library publishes.
async fn serve(issuer: &Issuer, minted: &Minted) -> TestApp {
    serve_with(issuer, minted, |_| {}).await
}

async fn serve_with(issuer: &Issuer, minted: &Minted, change: impl FnOnce(&mut Value)) -> TestApp {
    let keys = Reply::json(&json!({ "keys": minted.keys }));
    issuer.set(&format!("{BASE_PATH}/jwt/jwks.json"), keys);
    let settings = config_with(issuer, |config| {
        config["issuers"] = json!([{
            "name": "supertokens", "kind": "supertokens", "apps": [{ "id": APP }],
            "base_url": format!("{}{BASE_PATH}", issuer.url()),
        }]);
        config["credentials"] = json!([{ "header": "authorization" }, { "cookie": COOKIE }]);
        change(config);
    });
    TestApp::ready(&settings).await
}

fn cookie(method: &str, token: &str) -> Ask {
    Ask::get("/").method(method).header("cookie", format!("{COOKIE}={token}"))
}

fn assert_user(answer: &Answer, minted: &Minted, name: &str) {
    answer.assert_allowed(name, "authenticated");
    let handle = minted.claims[name]["sessionHandle"].as_str().unwrap();
    for (header, expected) in [
        ("x-rownd-user-id", USER),
        ("x-rownd-auth-level", "verified"),
        ("x-rownd-verified", "true"),
        ("x-rownd-app-id", APP),
        ("x-rownd-issuer", "supertokens"),
        ("x-rownd-session-id", handle),
        ("x-rownd-roles", "admin,editor"),
    ] {
        assert_eq!(answer.set(header), Some(expected), "{name}: {header}");
    }
}

#[tokio::test]
async fn sessions_of_the_library_are_taken_and_its_other_tokens_are_not() {
    let issuer = Issuer::start();
    let minted = mint(&issuer).await;
    let app = serve(&issuer, &minted).await;
    let iss = format!("{}{BASE_PATH}", issuer.url());
    for (name, expected) in [
        ("session", Ok(())),
        ("without anti-csrf", Ok(())),
        // Of the same issuer and its keys, each good for something else.
        ("oauth2", Err(DenyReason::TokenKindRefused)),
        ("jwt", Err(DenyReason::TokenKindRefused)),
        ("forged", Err(DenyReason::SignatureInvalid)),
    ] {
        let (token, claims) = (&minted.tokens[name], &minted.claims[name]);
        assert_eq!(claims["iss"], iss.as_str(), "{name}: the library says whose it is");
        let ours = expected.is_ok().then_some("st-user-1");
        assert_eq!(minted.judged[name].as_deref(), ours, "{name}: by the library itself");
        for ask in [Ask::with_token(token), cookie("GET", token)] {
            let answer = app.check(&ask).await;
            match expected {
                Ok(()) => assert_user(&answer, &minted, name),
                Err(reason) => {
                    answer.assert_denied(name, reason);
                    assert_eq!(answer.fact("issuer"), "supertokens", "{name}");
                }
            }
        }
    }
    assert_eq!(minted.claims["oauth2"]["stt"], 1);
    assert!(minted.claims["oauth2"]["sessionHandle"].is_string(), "the type alone tells it apart");
    assert_eq!(minted.claims["session"]["sub"], "st-user-1", "what is reserved stays its own");
}

#[tokio::test]
async fn a_session_cookie_shows_the_proof_of_the_library() {
    let issuer = Issuer::start();
    let minted = mint(&issuer).await;
    let app = serve(&issuer, &minted).await;
    let (value, name) = (minted.anti_csrf.as_str(), "session");
    for (what, headers, taken) in [
        ("nothing", vec![], false),
        ("its value", vec![("anti-csrf", value)], true),
        ("another value", vec![("anti-csrf", "other")], false),
        ("rid", vec![("rid", "session")], true),
        ("another origin", vec![("origin", "https://evil.example")], false),
    ] {
        let ask = cookie("POST", &minted.tokens[name]);
        let ask = headers.iter().fold(ask, |ask, (header, value)| ask.header(header, value));
        let answer = app.check(&ask).await;
        if taken {
            assert_user(&answer, &minted, name);
        } else {
            answer.assert_denied(what, DenyReason::CookieCrossSite);
        }
    }
}

#[tokio::test]
async fn a_session_that_its_backend_signs_out_ends_here() {
    let issuer = Issuer::start();
    let minted = mint(&issuer).await;
    let app = serve_with(&issuer, &minted, |config| {
        config["listeners"]["http"] = json!({ "address": "127.0.0.1:0", "serve": ["webhooks"] });
        config["events"] = json!({ "sources": [
            { "name": "page", "kind": "browser_callbacks", "issuer": "supertokens" },
        ] });
    })
    .await;
    let Some(ListenAddress::Tcp(http)) = &app.http else { panic!("it listens") };
    let (own, other) = (&minted.tokens["session"], &minted.tokens["without anti-csrf"]);
    let handle = |name: &str| minted.claims[name]["sessionHandle"].clone();
    assert_ne!(handle("session"), handle("without anti-csrf"));
    for token in [own, other] {
        app.check(&Ask::with_token(token)).await.assert_allowed("before", "authenticated");
    }
    let said = python(
        "tests/foreign/supertokens/sign_out.py",
        &json!({
            "url": format!("http://{http}/webhooks/page/post-sign-out"),
            // No server listens there.
            "dead_url": "http://127.0.0.1:1/webhooks/page/post-sign-out",
            "token": own,
        }),
    )
    .await;
    assert_eq!(said["revoked"], json!({ "url": 1, "dead_url": 1 }), "{said}");
    let answer = app.check(&Ask::with_token(own)).await;
    answer.assert_denied("the session", DenyReason::Revoked);
    app.check(&Ask::with_token(other)).await.assert_allowed("another", "authenticated");
}
