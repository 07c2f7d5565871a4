//! Rownd's webhooks: the user that one names is read again, and nothing else of it is believed.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{SECRET, send};
use crate::support::{
    Ask, Claims, Issuer, Key, Reply, TestApp, config_with, eventually,
    forge::{APP, USER},
    until,
};

const JSON: &str = "content-type: application/json\r\n";

struct Rig {
    app: TestApp,
    issuer: Issuer,
    key: Key,
}

fn profile() -> String {
    format!("/applications/{APP}/users/{USER}/data")
}

impl Rig {
    async fn open() -> Self {
        Self::with_rate(1000).await
    }

    async fn with_rate(per_second: u32) -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let settings = config_with(&issuer, |config| {
            config["listeners"]["http"] =
                json!({ "address": "127.0.0.1:0", "serve": ["webhooks"] });
            config["issuers"][0]["apps"][0] =
                json!({ "id": APP, "key": "key_1", "secret": "ras_1" });
            config["routes"].as_array_mut().unwrap().push(json!({
                "id": "fresh", "match": { "path": { "prefix": "/fresh" } }, "freshness": "profile",
            }));
            config["profiles"] = json!({ "ttl": "1h" });
            config["events"] = json!({ "sources": [{
                "name": "rownd", "kind": "rownd_webhook", "issuer": "rownd",
                "caller": { "secret": SECRET, "per_second": per_second },
            }] });
        });
        Self { app: TestApp::ready(&settings).await, issuer, key }
    }

    async fn tell(&self, operation: &str, user: &str) -> (u16, Value) {
        let body = json!({ "data": { "user_id": user }, "meta": { "operation": operation } });
        self.send(&format!("POST /webhooks/rownd/{SECRET}"), JSON, &body.to_string()).await
    }

    async fn send(&self, line: &str, headers: &str, body: &str) -> (u16, Value) {
        let answer = send(&self.app, line, headers, body).await;
        (answer.status, answer.json())
    }

    async fn reason(&self, path: &str) -> String {
        let token = self.key.token(&Claims::of(&self.issuer.url()));
        self.app.check(&Ask::get(path).bearer(&token)).await.reason().to_owned()
    }
}

#[tokio::test]
async fn a_user_who_is_gone_or_disabled_is_revoked_and_any_other_is_not() {
    for (name, operation, told, revoked) in [
        ("a change", "data_update", Reply::json(&json!({ "state": "enabled" })), false),
        ("a new user", "data_insert", Reply::json(&json!({ "state": "enabled" })), false),
        (
            "a deletion that is not one",
            "delete",
            Reply::json(&json!({ "state": "enabled" })),
            false,
        ),
        ("a deletion", "delete", Reply::refusal(404), true),
        ("a change of a user who is gone", "data_update", Reply::refusal(404), true),
        ("disabled", "visibility_update", Reply::json(&json!({ "state": "disabled" })), true),
    ] {
        let rig = Rig::open().await;
        rig.issuer.set(&profile(), Reply::json(&json!({ "state": "enabled" })));
        assert_eq!(rig.reason("/fresh").await, "authenticated", "{name}");
        let before = rig.issuer.hits(&profile());
        rig.issuer.set(&profile(), told);
        let (status, body) = rig.tell(operation, USER).await;
        assert_eq!((status, &body["revoked"]), (200, &json!(revoked)), "{name}: {body}");
        assert_eq!(rig.issuer.hits(&profile()), before + 1, "{name}");
        let expected = if revoked { "revoked" } else { "authenticated" };
        // A route that looks at the token alone knows it too.
        assert_eq!(rig.reason("/").await, expected, "{name}");
        // And the profile that is cached now is the new one.
        assert_eq!(rig.reason("/fresh").await, expected, "{name}");
        assert_eq!(rig.issuer.hits(&profile()), before + 1, "{name}");
    }
}

#[tokio::test]
async fn a_user_who_cannot_be_read_at_once_is_read_again_without_another_webhook() {
    let rig = Rig::open().await;
    let gateway = Reply::Answer(404, Vec::new(), br#"{"message":"no Route matched"}"#.to_vec());
    for reply in [
        Reply::status(500),
        Reply::text("no JSON"),
        Reply::refusal(401),
        // A 404 of anybody but Rownd is no word about the user.
        Reply::page(404),
        Reply::status(404),
        gateway,
    ] {
        rig.issuer.set(&profile(), reply);
        let (status, body) = rig.tell("delete", USER).await;
        assert_eq!((status, &body["reason"]), (503, &json!("profile_unavailable")), "{body}");
        assert_eq!(rig.reason("/").await, "authenticated");
    }
    rig.issuer.set(&profile(), Reply::refusal(404));
    let again = [("kind", "rownd_webhook_again"), ("result", "ok")];
    until("the user to be read again", || {
        rig.app.metric("rownd_authz_inbound_requests_total", &again) > 0.0
    })
    .await;
    assert_eq!(rig.reason("/").await, "revoked");
}

/// Rownd does not repeat a webhook that is refused.
#[tokio::test]
async fn the_user_of_a_webhook_that_comes_too_often_is_read_later() {
    let rig = Rig::with_rate(1).await;
    rig.issuer.set(&profile(), Reply::json(&json!({ "state": "disabled" })));
    let mut status = 0;
    for number in 0..20 {
        status = rig.tell("data_update", &format!("other-{number}")).await.0;
    }
    assert_eq!(status, 429);
    assert_eq!(rig.tell("visibility_update", USER).await.0, 429);
    eventually("the user to be read", async || (rig.reason("/").await == "revoked").then_some(()))
        .await;
}

#[tokio::test]
async fn a_flood_of_webhooks_about_one_user_is_one_request_at_a_time() {
    let rig = Rig::open().await;
    let gate = Arc::new(Semaphore::new(0));
    rig.issuer.set(&profile(), Reply::Gated(gate.clone(), Box::new(Reply::refusal(404))));
    let telling = futures_util::future::join_all((0..20).map(|_| rig.tell("delete", USER)));
    let open = async {
        rig.issuer.asked(&profile(), 1).await;
        gate.add_permits(1000);
    };
    let (answers, ()) = tokio::join!(telling, open);
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    // Each drops what the one before has begun to read, which may be from before its change.
    assert!(rig.issuer.hits(&profile()) <= 20);
    assert_eq!(rig.reason("/").await, "revoked");
    // The list has one entry of it.
    assert_eq!(rig.app.metric("rownd_authz_revocations", &[("kind", "user")]), 1.0);
}

#[tokio::test]
async fn a_forged_or_odd_webhook_asks_for_nothing() {
    let rig = Rig::open().await;
    let path = format!("/webhooks/rownd/{SECRET}");
    let good = json!({ "data": { "user_id": USER }, "meta": { "operation": "delete" } });
    let with = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body.to_string()
    };
    let own = good.to_string();
    for (name, line, body, status) in [
        ("no secret", "POST /webhooks/rownd".to_owned(), own.clone(), 403),
        ("another secret", "POST /webhooks/rownd/x".to_owned(), own.clone(), 403),
        ("another name", format!("POST /webhooks/other/{SECRET}"), own.clone(), 403),
        ("no name", format!("POST /webhooks//{SECRET}"), own.clone(), 403),
        ("a longer path", format!("POST {path}/x"), own.clone(), 403),
        ("a slash at the end", format!("POST {path}/"), own.clone(), 403),
        ("in the query", format!("POST /webhooks/rownd?secret={SECRET}"), own.clone(), 403),
        ("another method", format!("GET {path}"), String::new(), 405),
        ("no body", format!("POST {path}"), String::new(), 422),
        ("no object", format!("POST {path}"), "[]".to_owned(), 422),
        ("a large one", format!("POST {path}"), " ".repeat((256 << 10) + 1), 413),
        ("another operation", format!("POST {path}"), with("/meta/operation", json!("x")), 422),
        ("no operation", format!("POST {path}"), with("/meta", json!({})), 422),
        ("no user", format!("POST {path}"), with("/data", json!({})), 422),
        ("a list of users", format!("POST {path}"), with("/data/user_id", json!([USER])), 422),
        (
            "a word of the API",
            format!("POST {path}"),
            with("/data/user_id", json!("__sample__")),
            422,
        ),
        ("another path", format!("POST {path}"), with("/data/user_id", json!("..")), 422),
        ("an empty id", format!("POST {path}"), with("/data/user_id", json!("")), 422),
        ("a long id", format!("POST {path}"), with("/data/user_id", json!("x".repeat(513))), 422),
    ] {
        let (found, answer) = rig.send(&line, JSON, &body).await;
        assert_eq!(found, status, "{name}: {answer}");
        assert!(!answer.to_string().contains(SECRET), "{name}");
    }
    let asked = rig.issuer.heads().into_iter().filter(|head| head.contains("/users/"));
    assert_eq!(asked.count(), 0);
    assert_eq!(rig.reason("/").await, "authenticated");
    for (kind, count) in [("rownd_webhook", 5.0), ("unknown", 2.0)] {
        let labels = [("kind", kind), ("result", "caller_refused")];
        assert_eq!(rig.app.metric("rownd_authz_inbound_requests_total", &labels), count, "{kind}");
    }
}

/// A user of one app is not the user of another app who has the same id.
#[tokio::test]
async fn only_the_user_of_the_app_that_was_read_is_revoked() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let settings = config_with(&issuer, |config| {
        config["listeners"]["http"] = json!({ "address": "127.0.0.1:0", "serve": ["webhooks"] });
        let app = |id: &str| json!({ "id": id, "key": "key_1", "secret": "ras_1" });
        config["issuers"][0]["apps"] = json!([app(APP), app("app_other")]);
        config["events"] = json!({ "sources": [{
            "name": "rownd", "kind": "rownd_webhook", "issuer": "rownd", "app_id": APP,
            "caller": { "secret": SECRET, "header": "x-webhook-secret" },
        }] });
    });
    issuer.set(&profile(), Reply::refusal(404));
    let app = TestApp::ready(&settings).await;
    let body = json!({ "data": { "user_id": USER }, "meta": { "operation": "delete" } });
    let headers = format!("{JSON}x-webhook-secret: {SECRET}\r\n");
    let answer = send(&app, "POST /webhooks/rownd", &headers, &body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for (of, expected) in [(APP, "revoked"), ("app_other", "authenticated")] {
        let claims = Claims::of(&issuer.url()).with("aud", json!([format!("app:{of}")]));
        let denied = app.check(&Ask::with_token(key.token(&claims))).await;
        assert_eq!(denied.reason(), expected, "{of}");
    }
}

/// An issuer that hangs holds up its own users alone, and not even all of them one after the other.
#[tokio::test]
async fn users_of_an_issuer_are_read_again_while_another_issuer_hangs() {
    let key = Key::new("sig-1");
    let (slow, good) = (Issuer::with_keys(&[&key]), Issuer::with_keys(&[&key]));
    let settings = config_with(&slow, |config| {
        config["listeners"]["http"] = json!({ "address": "127.0.0.1:0", "serve": ["webhooks"] });
        let mut second = config["issuers"][0].clone();
        second["name"] = json!("good");
        second["base_url"] = json!(good.url());
        second["issuer"] = json!(good.url());
        config["issuers"].as_array_mut().unwrap().push(second);
        for issuer in config["issuers"].as_array_mut().unwrap() {
            issuer["apps"][0] = json!({ "id": APP, "key": "key_1", "secret": "ras_1" });
        }
        let source = |issuer: &str| {
            json!({
                "name": issuer, "kind": "rownd_webhook", "issuer": issuer,
                "caller": { "secret": SECRET, "per_second": 1000 },
            })
        };
        config["events"] = json!({ "sources": [source("rownd"), source("good")] });
    });
    let path = |user: &str| format!("/applications/{APP}/users/{user}/data");
    let users: Vec<String> = (0..8).map(|number| format!("user_slow{number}")).collect();
    for user in users.iter().map(String::as_str).chain([USER]) {
        slow.set(&path(user), Reply::status(500));
        good.set(&path(user), Reply::status(500));
    }
    let app = TestApp::ready(&settings).await;
    let tell = async |source: &str, user: &str| {
        let body = json!({ "data": { "user_id": user }, "meta": { "operation": "delete" } });
        let line = format!("POST /webhooks/{source}/{SECRET}");
        send(&app, &line, JSON, &body.to_string()).await.status
    };
    for user in &users {
        assert_eq!(tell("rownd", user).await, 503);
        slow.set(&path(user), Reply::Hang);
    }
    assert_eq!(tell("good", USER).await, 503);
    good.set(&path(USER), Reply::refusal(404));
    let since = std::time::Instant::now();
    let again = [("kind", "rownd_webhook_again"), ("result", "ok")];
    until("the user of the good issuer to be read again", || {
        app.metric("rownd_authz_inbound_requests_total", &again) > 0.0
    })
    .await;
    // Eight users that hang, one after the other, would take 40 seconds.
    assert!(since.elapsed() < std::time::Duration::from_secs(20), "{:?}", since.elapsed());
}
