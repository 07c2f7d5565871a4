//! Ending a token before it expires, through the real Envoy: by a command, and by a sign-out
//! everywhere at the emulator, which the product reads as it would read Rownd.

use std::path::PathBuf;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::stack::No;
use crate::support::{
    background,
    control::order,
    echo::Echo,
    envoy::{Envoy, EnvoyBuilder},
    eventually,
    gate::Gate,
    product::{Product, Until},
    raw::Raw,
};
use rownd_emulator::{Minter, TokenOrder};

/// The emulator as the issuer, the product, Envoy.
struct Stack {
    emulator: rownd_emulator::Settings,
    base: std::net::SocketAddr,
    minter: Minter,
    socket: PathBuf,
    envoy: Envoy,
    _product: Product,
    _files: TempDir,
}

impl Stack {
    async fn start() -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let bound = background().spawn(rownd_emulator::bind(rownd_emulator::Settings::demo(any)));
        let bound = bound.await.expect("the task").expect("the emulator");
        let (emulator, base) = (bound.settings().clone(), bound.address());
        let minter = bound.minter();
        let files = TempDir::new().expect("a directory");
        let socket = files.path().join("control.sock");
        let config = json!({
            "listeners": { "control": { "address": format!("unix:{}", socket.display()) } },
            "issuers": [{
                "name": "rownd", "kind": "rownd", "base_url": bound.base_url(),
                "apps": [{ "id": emulator.app_id, "key": emulator.app_key,
                    "secret": emulator.app_secret }],
            }],
            "routes": [{ "id": "fresh", "match": { "path": { "prefix": "/fresh" } },
                "freshness": "profile" }],
            "profiles": { "ttl": "1s" },
            "check": { "timeout": "4s" },
        });
        background().spawn(bound.run(std::future::pending()));
        let echo = Echo::start().await;
        let product = Product::start(config, Until::Ready).await;
        let envoy = EnvoyBuilder::new(echo.address())
            .authz("authz", &[product.endpoint()])
            .gate(Gate::new("revocation"))
            .start()
            .await;
        Self { emulator, base, minter, socket, envoy, _product: product, _files: files }
    }

    fn token(&self, user: &str) -> String {
        let order: TokenOrder = serde_json::from_value(json!({ "user": user })).expect("an order");
        self.minter.mint(&order).expect("a token")
    }

    async fn ask(&self, path: &str, token: &str) -> crate::support::raw::Answer {
        Raw::get(path).bearer(token).send(self.envoy.gate("revocation")).await
    }

    async fn passes(&self, path: &str, token: &str) {
        let answer = self.ask(path, token).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }

    /// Sends the request that the app's backend would send to Rownd.
    async fn tell(&self, user: &str, what: &str, body: &Value) {
        let path = format!("/applications/{}/users/{user}/{what}", self.emulator.app_id);
        let answer = Raw::new("POST", &path)
            .header("x-rownd-app-key", &self.emulator.app_key)
            .header("x-rownd-app-secret", &self.emulator.app_secret)
            .header("content-type", "application/json")
            .body(body.to_string())
            .send(self.base)
            .await;
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.text());
    }
}

fn jti(token: &str) -> String {
    let claims = token.split('.').nth(1).expect("claims");
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    claims["jti"].as_str().expect("a jti").to_owned()
}

#[tokio::test]
async fn a_token_ends_by_a_command_at_once_and_by_a_sign_out_in_time() {
    let stack = Stack::start().await;
    let (stolen, other) = (stack.token("verified"), stack.token("verified"));
    // Twice: the second time its claims are cached.
    for _ in 0..2 {
        stack.passes("/orders", &stolen).await;
    }
    order(&stack.socket, "/revoke", &json!({ "jti": jti(&stolen) })).await;
    let denied = stack.ask("/orders", &stolen).await;
    No::BadCredential.check(&denied, "revoked", "at the very next check");
    stack.passes("/orders", &other).await;
    order(&stack.socket, "/unrevoke", &json!({ "jti": jti(&stolen) })).await;
    stack.passes("/orders", &stolen).await;

    stack.passes("/fresh", &other).await;
    stack.tell("user_verified", "signout", &json!({ "sign_out_all": true })).await;
    let denied = eventually("the sign-out to be seen", || async {
        let answer = stack.ask("/fresh", &other).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    No::BadCredential.check(&denied, "revoked", "signed out everywhere");
    stack.passes("/orders", &other).await;
    eventually("signing in again", || async {
        let answer = stack.ask("/fresh", &stack.token("verified")).await;
        (answer.status == 200).then_some(())
    })
    .await;

    let guest = stack.token("guest");
    stack.passes("/fresh", &guest).await;
    stack.tell("user_guest", "state", &json!({ "state": "disabled" })).await;
    order(&stack.socket, "/profiles/invalidate", &json!({ "user_id": "user_guest" })).await;
    let denied = stack.ask("/fresh", &guest).await;
    No::BadCredential.check(&denied, "user_disabled", "at once, by a command");
}
