//! The emulator sends as Rownd does, and as a transmitter of events does; the service obeys.

use std::net::SocketAddr;

use rownd_emulator::{Minter, Settings, TokenOrder};
use serde_json::{Value, json};

use super::{SECRET, http_address};
use crate::{
    it::emulated::sign_in,
    support::{Ask, TestApp, eventually, http::request},
};

const JSON: &str = "content-type: application/json\r\n";
const AUDIENCE: &str = "https://authz.example";

struct Rig {
    emulator: SocketAddr,
    minter: Minter,
    names: Settings,
    app: TestApp,
}

impl Rig {
    async fn open(poll: bool) -> Self {
        let free = "127.0.0.1:0".parse().unwrap();
        let emulator = rownd_emulator::bind(Settings::demo(free)).await.unwrap();
        let (to, base) = (emulator.address(), emulator.base_url().to_owned());
        let (minter, names) = (emulator.minter(), emulator.settings().clone());
        tokio::spawn(emulator.run(std::future::pending()));
        let app_id = &names.app_id;
        let mut signals = json!({
            "name": "signals", "kind": "shared_signals", "issuer": "provider",
            "audiences": [AUDIENCE],
        });
        if poll {
            signals["poll"] =
                json!({ "url": format!("{base}/oidc/{app_id}/events/poll"), "every": "1s" });
        }
        let app = TestApp::ready(&json!({
            "listeners": {
                "grpc": { "address": "127.0.0.1:0", "workers": 1 },
                "ops": { "address": "127.0.0.1:0" },
                "http": { "address": "127.0.0.1:0", "serve": ["webhooks"] },
            },
            "issuers": [
                { "name": "rownd", "kind": "rownd", "base_url": base,
                  "apps": [{ "id": app_id, "key": names.app_key, "secret": names.app_secret }] },
                { "name": "provider", "kind": "oidc", "issuer": format!("{base}/oidc/{app_id}"),
                  "audiences": [format!("app:{app_id}")] },
            ],
            "events": { "sources": [
                { "name": "rownd", "kind": "rownd_webhook", "issuer": "rownd",
                  "caller": { "secret": SECRET } },
                signals,
                { "name": "logout", "kind": "back_channel_logout", "issuer": "provider",
                  "audiences": ["oc_demo"] },
            ] },
            "check": { "timeout": "20s" },
            "shutdown": { "drain_delay": "0s", "grace": "5s" },
        }))
        .await;
        Self { emulator: to, minter, names, app }
    }

    async fn call(&self, line: &str, body: &Value) -> Value {
        let (key, secret) = (&self.names.app_key, &self.names.app_secret);
        let headers = format!("{JSON}x-rownd-app-key: {key}\r\nx-rownd-app-secret: {secret}\r\n");
        let answer = request(self.emulator, line, &headers, &body.to_string()).await;
        assert!(answer.status < 300, "{line}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap_or(Value::Null)
    }

    fn hook(&self, path: &str) -> String {
        format!("http://{}/webhooks/{path}", http_address(&self.app))
    }

    async fn reason(&self, token: &str) -> String {
        self.app.check(&Ask::with_token(token)).await.reason().to_owned()
    }

    async fn provider_token(&self, user: &str) -> String {
        sign_in(self.emulator, &self.names.app_id, &self.names.app_secret, user).await
    }
}

#[tokio::test]
async fn a_user_who_is_disabled_at_rownd_is_revoked_by_the_webhook() {
    let rig = Rig::open(false).await;
    let app = &rig.names.app_id;
    let target = json!({ "app": app, "url": rig.hook(&format!("rownd/{SECRET}")) });
    rig.call("POST /__emulator/webhooks", &target).await;
    let user = "user_hooked";
    let data = format!("/applications/{app}/users/{user}");
    let order =
        TokenOrder { user: user.to_owned(), iat_offset_seconds: -60, ..TokenOrder::default() };
    let token = rig.minter.mint(&order).unwrap();
    rig.call(&format!("PUT {data}/data"), &json!({ "data": { "email": "a@b.example" } })).await;
    assert_eq!(rig.reason(&token).await, "authenticated");
    rig.call(&format!("POST {data}/state"), &json!({ "state": "disabled" })).await;
    assert_eq!(rig.reason(&token).await, "revoked");
    rig.call(&format!("DELETE {data}/data"), &Value::Null).await;
    let sent = rig.call("GET /__emulator/webhooks", &Value::Null).await;
    let told = |index: usize| {
        let sent = &sent["sent"][index];
        (sent["what"].clone(), sent["about"].clone(), sent["outcome"].clone())
    };
    for (index, operation) in ["data_insert", "visibility_update", "delete"].iter().enumerate() {
        assert_eq!(told(index), (json!(operation), json!(user), json!("200")), "{sent}");
    }
}

#[tokio::test]
async fn the_provider_pushes_events_and_logouts() {
    let rig = Rig::open(false).await;
    let order = |event: &str, user: &str, audience: &str, to: &str| json!({ "event": event, "user": user, "audience": audience, "push_to": rig.hook(to) });
    for (event, user, audience, to, outcome) in [
        ("session-revoked", "user_verified", AUDIENCE, "signals", "202"),
        ("logout", "user_unverified", "oc_demo", "logout", "200"),
    ] {
        let token = rig.provider_token(user).await;
        assert_eq!(rig.reason(&token).await, "authenticated", "{event}");
        let wrong = rig.call("POST /__emulator/events", &order(event, user, "x", to)).await;
        assert_eq!(wrong["outcome"], "400", "{event}: {wrong}");
        assert_eq!(rig.reason(&token).await, "authenticated", "{event}");
        let sent = rig.call("POST /__emulator/events", &order(event, user, audience, to)).await;
        assert_eq!(sent["outcome"], outcome, "{event}: {sent}");
        assert_eq!(rig.reason(&token).await, "revoked", "{event}");
    }
}

#[tokio::test]
async fn the_provider_is_polled_and_told_the_fate_of_each_event() {
    let rig = Rig::open(true).await;
    let token = rig.provider_token("user_verified").await;
    let order = |audience: &str| json!({ "event": "account-disabled", "user": "user_verified", "audience": audience });
    let good = rig.call("POST /__emulator/events", &order(AUDIENCE)).await;
    let bad = rig.call("POST /__emulator/events", &order("x")).await;
    eventually("the fate of both", async || {
        let sent = rig.call("GET /__emulator/events", &Value::Null).await;
        let fate = |jti: &Value| {
            let all = sent["sent"].as_array()?;
            let one = all.iter().find(|sent| sent["about"] == *jti)?;
            one["outcome"].as_str().map(str::to_owned)
        };
        (fate(&good["jti"])? == "acknowledged" && fate(&bad["jti"])? == "invalid_audience")
            .then_some(())
    })
    .await;
    assert_eq!(rig.reason(&token).await, "revoked");
}
