//! Signed events of an issuer: pushed and polled security event tokens, and logout tokens.
//!
//! In: good tokens, odd ones and hostile ones. Out: the answer to the sender, and which access tokens
//! the next check refuses.

mod events;
mod hostile;
mod logout;
mod replicas;

use serde_json::{Value, json};

use super::send;
use crate::support::{
    Ask, Claims, Issuer, Key, TestApp, config_with,
    forge::{Algorithm, now},
};

/// The audiences of the issuer's access tokens, of its events, and of its logout tokens.
const API: &str = "shop-api";
const RECEIVER: &str = "https://authz.example/webhooks/idp";
const CLIENT: &str = "shop-web";
const SET: &str = "content-type: application/secevent+jwt\r\n";
const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type";
const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type";
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A service with two issuers; one of them sends events.
struct Rig {
    app: TestApp,
    issuer: Issuer,
    key: Key,
    other: (Issuer, Key),
    settings: Value,
}

fn oidc(name: &str, issuer: &Issuer) -> Value {
    json!({
        "name": name, "kind": "oidc", "issuer": issuer.url(), "audiences": [API],
        "jwks_url": format!("{}/hub/auth/keys", issuer.url()), "algorithms": ["EdDSA"],
        "keys": { "cooldown": "100ms" },
    })
}

fn claims(value: Value) -> Claims {
    let Value::Object(claims) = value else { panic!("claims are an object") };
    Claims(claims)
}

fn jti() -> String {
    format!("{:032x}", rand::random::<u128>())
}

impl Rig {
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Value)) -> Self {
        let made = |kid: &str| {
            let key = Key::of(Algorithm::EdDsa, kid);
            (Issuer::with_keys(&[&key]), key)
        };
        let ((issuer, key), other) = (made("idp"), made("other"));
        let settings = config_with(&issuer, |config| {
            config["listeners"]["http"] =
                json!({ "address": "127.0.0.1:0", "serve": ["webhooks"] });
            config["issuers"] = json!([oidc("idp", &issuer), oidc("other", &other.0)]);
            config["events"] = json!({ "sources": [
                { "name": "idp", "kind": "shared_signals", "issuer": "idp",
                  "audiences": [RECEIVER] },
                { "name": "logout", "kind": "back_channel_logout", "issuer": "idp",
                  "audiences": [CLIENT] },
            ] });
            change(config);
        });
        Self { app: TestApp::ready(&settings).await, issuer, key, other, settings }
    }

    /// An access token of a user, issued so many seconds ago.
    fn access(&self, user: &str, age: i64) -> Claims {
        claims(json!({
            "iss": self.issuer.url(), "aud": API, "sub": user, "iat": now() - age,
            "exp": now() + 3600, "jti": format!("jti-{user}"), "sid": format!("sid-{user}"),
        }))
    }

    async fn reason(&self, claims: &Claims) -> String {
        self.app.check(&Ask::with_token(self.key.token(claims))).await.reason().to_owned()
    }

    fn user(&self, user: &str) -> Value {
        json!({ "format": "iss_sub", "iss": self.issuer.url(), "sub": user })
    }

    /// The claims of a security event token.
    fn set(&self, event: &str, subject: Value) -> Claims {
        let mut all = json!({
            "iss": self.issuer.url(), "aud": [RECEIVER], "iat": now(), "jti": jti(),
            "events": { event: { "event_timestamp": now() } },
        });
        all["sub_id"] = subject;
        claims(all)
    }

    fn logout(&self, name: &str, value: &str) -> Claims {
        claims(json!({
            "iss": self.issuer.url(), "aud": CLIENT, "iat": now(), "exp": now() + 120,
            "jti": jti(), name: value, "events": { LOGOUT: {} },
        }))
    }

    fn signed(&self, typ: &str, claims: &Claims) -> String {
        signed_by(&self.key, typ, claims)
    }

    async fn push_raw(&self, token: &str) -> (u16, Value) {
        let answer = send(&self.app, "POST /webhooks/idp", SET, token).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
    }

    async fn push(&self, claims: &Claims) -> (u16, Value) {
        self.push_raw(&self.signed("secevent+jwt", claims)).await
    }

    async fn log_out(&self, token: &str) -> (u16, Value) {
        let body = format!("logout_token={token}");
        let answer = send(&self.app, "POST /webhooks/logout", FORM, &body).await;
        (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
    }

    fn counted(&self, kind: &str, result: &str) -> f64 {
        let labels = [("kind", kind), ("result", result)];
        self.app.metric("rownd_authz_inbound_requests_total", &labels)
    }
}

fn signed_by(key: &Key, typ: &str, claims: &Claims) -> String {
    let mut header = key.header();
    header["typ"] = json!(typ);
    key.token_under(&header, claims)
}
