//! Events of issuers where replicas share their state: one replica hears of it, all obey.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Fleet, section};
use crate::support::{
    Issuer, Key, Reply, TestApp, config,
    forge::{APP, Algorithm, USER, now},
    http,
    redis::{Kind, Passage, RedisServer, Way},
    until,
};
use rownd_authz::app::ListenAddress;

const SECRET: &str = "5f1c8b0a9d3e47c2a6b8d0e1f2a3b4c5";

#[tokio::test]
async fn a_webhook_to_one_replica_is_obeyed_by_all_when_it_is_answered() {
    let server = RedisServer::start(Kind::Redis).await;
    let fleet = Fleet::new();
    let profile = format!("/applications/{APP}/users/{USER}/data");
    fleet.issuer.set(&profile, Reply::json(&json!({ "state": "enabled" })));
    let mut replicas = Vec::new();
    for name in ["a", "b"] {
        let mut settings = fleet.settings(name, &section(&server.url()));
        settings["listeners"]["http"] = json!({ "address": "127.0.0.1:0", "serve": ["webhooks"] });
        settings["issuers"][0]["apps"][0] = json!({ "id": APP, "key": "key_1", "secret": "ras_1" });
        settings["events"] = json!({ "sources": [{
            "name": "rownd", "kind": "rownd_webhook", "issuer": "rownd",
            "caller": { "secret": SECRET },
        }] });
        replicas.push(TestApp::ready(&settings).await);
    }
    let [a, b] = <[TestApp; 2]>::try_from(replicas).unwrap_or_else(|_| panic!("two"));
    let token = fleet.token("t");
    let tell = async |app: &TestApp| {
        let Some(ListenAddress::Tcp(address)) = &app.http else { panic!("it listens") };
        let body = json!({ "data": { "user_id": USER }, "meta": { "operation": "delete" } });
        let line = format!("POST /webhooks/rownd/{SECRET}");
        let json = "content-type: application/json\r\n";
        http::request(*address, &line, json, &body.to_string()).await
    };
    let answer = tell(&a).await;
    assert_eq!((answer.status, &answer.json()["revoked"]), (200, &json!(false)));
    assert_eq!(b.check(&token).await.reason(), "authenticated", "the user is there");
    fleet.issuer.set(&profile, Reply::refusal(404));
    let answer = tell(&a).await;
    assert_eq!((answer.status, &answer.json()["revoked"]), (200, &json!(true)));
    for (name, app) in [("a", &a), ("b", &b)] {
        assert_eq!(app.check(&token).await.reason(), "revoked", "{name}: at the very next check");
    }
}

/// Each token waits for Redis and for the other replicas, and they wait together.
#[tokio::test]
async fn many_polled_events_do_not_wait_for_each_other() {
    const MANY: usize = 40;
    let server = RedisServer::start(Kind::Redis).await;
    let way = Way::to(server.address).await;
    let key = Key::of(Algorithm::EdDsa, "idp");
    let (idp, transmitter) = (Issuer::with_keys(&[&key]), Issuer::start());
    let mut sets = serde_json::Map::new();
    for number in 0..MANY {
        let event = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
        let claims = json!({
            "iss": idp.url(), "aud": ["us"], "iat": now(), "jti": format!("set-{number}"),
            "sub_id": { "format": "iss_sub", "iss": idp.url(), "sub": format!("user-{number}") },
            "events": { event: { "event_timestamp": now() } },
        });
        let header = json!({ "alg": "EdDSA", "kid": "idp", "typ": "secevent+jwt" });
        sets.insert(
            format!("set-{number}"),
            key.sign(header.to_string(), claims.to_string()).into(),
        );
    }
    let mut settings = config(&idp);
    settings["issuers"] = json!([{
        "name": "idp", "kind": "oidc", "issuer": idp.url(), "audiences": ["api"],
        "jwks_url": format!("{}/hub/auth/keys", idp.url()), "algorithms": ["EdDSA"],
    }]);
    settings["shared"] = section(&way.url());
    settings["shared"]["timeout"] = json!("5s");
    settings["events"] = json!({ "sources": [{
        "name": "idp", "kind": "shared_signals", "issuer": "idp", "audiences": ["us"],
        "poll": { "url": format!("{}/poll", transmitter.url()), "every": "1s" },
    }] });
    let app = TestApp::ready(&settings).await;
    // One after the other would take a minute.
    way.set(Passage::Slow(Duration::from_millis(100)));
    let began = Instant::now();
    transmitter.set("/poll", Reply::json(&json!({ "sets": sets })));
    let labels = [("kind", "shared_signals_poll"), ("result", "ok")];
    let taken = || app.metric("rownd_authz_inbound_requests_total", &labels);
    until("all events to be obeyed", || taken() >= MANY as f64).await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}
