//! Events of issuers where replicas share their state: one replica hears of it, all obey.

use serde_json::json;

use super::{Fleet, section};
use crate::support::{
    Reply, TestApp,
    forge::{APP, USER},
    http,
    redis::{Kind, RedisServer},
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
    fleet.issuer.set(&profile, Reply::status(404));
    let answer = tell(&a).await;
    assert_eq!((answer.status, &answer.json()["revoked"]), (200, &json!(true)));
    for (name, app) in [("a", &a), ("b", &b)] {
        assert_eq!(app.check(&token).await.reason(), "revoked", "{name}: at the very next check");
    }
}
