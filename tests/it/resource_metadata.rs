//! The metadata of the service behind on the listener `http`: what a challenge names is what is served.

use rownd_authz::app::ListenAddress;
use serde_json::{Value, json};

use crate::support::{Ask, Issuer, Key, TestApp, config_with, http};

const PATH: &str = "/.well-known/oauth-protected-resource/orders";

fn settings(issuer: &Issuer, serve: &[&str]) -> Value {
    config_with(issuer, |settings| {
        settings["listeners"]["http"] = json!({ "address": "127.0.0.1:0", "serve": serve });
        settings["protected_resource"] = json!({
            "resource": "https://api.example.com/orders",
            "authorization_servers": ["https://id.example.com"],
            "scopes_supported": ["orders:read", "orders:write"],
            "resource_name": "Orders",
        });
    })
}

async fn get(app: &TestApp, path: &str) -> http::Answer {
    let Some(ListenAddress::Tcp(address)) = &app.http else { panic!("it listens") };
    http::request(*address, &format!("GET {path}"), "", "").await
}

#[tokio::test]
async fn the_challenge_leads_to_the_metadata() {
    let issuer = Issuer::with_keys(&[&Key::new("sig-1")]);
    let app = TestApp::ready(&settings(&issuer, &["resource_metadata"])).await;
    for (what, ask) in [("nobody", Ask::get("/")), ("a bad token", Ask::with_token("bad"))] {
        let answer = app.check(&ask).await;
        let challenge = answer.header("www-authenticate").unwrap();
        let expected = format!(", resource_metadata=\"https://api.example.com{PATH}\"");
        assert!(challenge.ends_with(&expected), "{what}: {challenge}");
    }
    let document = get(&app, PATH).await;
    assert_eq!(document.status, 200);
    assert_eq!(document.header("content-type"), "application/json");
    assert_eq!(document.header("access-control-allow-origin"), "*");
    assert_eq!(
        document.json(),
        json!({
            "resource": "https://api.example.com/orders",
            "authorization_servers": ["https://id.example.com"],
            "scopes_supported": ["orders:read", "orders:write"],
            "resource_name": "Orders",
            "bearer_methods_supported": ["header"],
        })
    );
    for path in ["/.well-known/oauth-protected-resource", "/orders", "/.well-known/jwks.json"] {
        assert_eq!(get(&app, path).await.status, 404, "{path}");
    }
}
