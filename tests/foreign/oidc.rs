//! `openid-client`, which others wrote, completes the code flow at the emulator.
//!
//! In: a client with a secret, by both of its ways to prove it, and one without. Out:
//! what the library got out of discovery, page, codes, user info and refresh; it checks
//! state, nonce, `iss` and the signatures itself.

use serde_json::json;

use super::talk::{Running, node};

#[tokio::test]
async fn a_foreign_client_completes_the_code_flow() {
    let running = Running::start().await;
    let secret = &running.settings.app_secret;
    let flow = |name: &str, id: &str, method: &str, pkce: bool| {
        let mut flow = json!({
            "name": name, "client_id": id, "auth_method": method, "pkce": pkce,
            "user": "user_verified",
        });
        if method != "none" {
            flow["client_secret"] = json!(secret);
        }
        flow
    };
    let key = "key_demooidc000000000000000001";
    let flows = [
        (flow("basic", key, "client_secret_basic", false), key, false),
        (flow("post with pkce", key, "client_secret_post", true), key, false),
        (flow("public with pkce", "oc_demo_public", "none", true), "oc_demo_public", true),
    ];
    let question = json!({
        "issuer": format!("{}/oidc/{}", running.base_url, running.settings.app_id),
        "flows": flows.iter().map(|(flow, ..)| flow).collect::<Vec<_>>(),
    });
    let said = node("tests/foreign/oidc/flow.cjs", &question).await;
    for (flow, client, rotates) in flows {
        let name = flow["name"].as_str().unwrap();
        let got = &said["flows"][name];
        assert_eq!(got["claims"]["aud"], client, "{name}: {got}");
        assert_eq!(got["claims"]["sub"], "user_verified", "{name}");
        assert_eq!(got["info"]["email"], "vera@example.com", "{name}");
        assert_eq!(got["info"]["name"], "Demo verified", "{name}");
        assert_eq!(got["refreshed"], rotates, "{name}: a new refresh token");
        assert_eq!(got["active"], json!([true, false]), "{name}: revoked");
        assert_eq!(got["replay"], "invalid_grant", "{name}: a code works once");
    }
    running.end().await;
}
