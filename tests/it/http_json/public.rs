//! The two listeners over HTTP beside each other: `http` for backends, `public_http` for everybody.

use std::{fs, net::SocketAddr, time::Duration};

use rownd_authz::app::ListenAddress;
use rownd_emulator::{Endpoint, Fault};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::{JSON, SERVICE, address, bearer, call, with};
use crate::{
    it::rownd_auth::{ADMIN, Rig},
    support::{
        certs::Authority,
        http::{Answer, exchange, request},
        in_time, until,
    },
};

const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const SECRET: &str = "5f1c8b0a9d3e47c2a6b8d0e1f2a3b4c5";

/// Calls of backends on `http`; metadata and webhooks on `public_http`.
async fn start(change: impl FnOnce(&mut Value)) -> Rig {
    with(|settings| {
        settings["listeners"]["public_http"] = json!({
            "address": "127.0.0.1:0", "serve": ["resource_metadata", "webhooks"],
            "hosts": ["public.test"],
        });
        settings["protected_resource"] = json!({
            "resource": "https://api.example.com",
            "authorization_servers": ["https://id.example.com"],
        });
        settings["events"] = json!({ "sources": [{
            "name": "rownd", "kind": "rownd_webhook", "issuer": "rownd",
            "caller": { "secret": SECRET, "per_second": 1000 },
        }] });
        change(settings);
    })
    .await
}

fn public(rig: &Rig) -> SocketAddr {
    match rig.app.public_http.as_ref().expect("it is configured") {
        ListenAddress::Tcp(address) => *address,
        ListenAddress::Unix(path) => panic!("it listens at {}", path.display()),
    }
}

async fn send(to: SocketAddr, host: &str, line: &str, headers: &str, body: &str) -> Answer {
    exchange(TcpStream::connect(to).await.unwrap(), host, line, headers, body).await
}

#[tokio::test]
async fn each_listener_serves_its_own_groups_and_no_other() {
    let rig = start(|_| {}).await;
    let (http, public) = (address(&rig), public(&rig));
    assert_ne!(http, public);
    let verify = format!("POST {SERVICE}Verify");
    let caller = format!("{JSON}{}", bearer(ADMIN));
    let body = json!({ "token": rig.token("ann") }).to_string();
    let webhook = format!("POST /webhooks/rownd/{SECRET}");
    let told = json!({ "data": { "user_id": "ann" }, "meta": { "operation": "data_update" } });
    let told = told.to_string();
    let metadata = format!("GET {RESOURCE}");
    for (name, line, headers, body, on_http, on_public) in [
        ("a call", verify.as_str(), caller.as_str(), body.as_str(), 200, 404),
        ("its description", "GET /openapi.json", "", "", 200, 404),
        ("the metadata", metadata.as_str(), "", "", 404, 200),
        ("a webhook", webhook.as_str(), JSON, told.as_str(), 404, 200),
        ("a webhook with another secret", "POST /webhooks/rownd/other", JSON, &told, 404, 403),
        ("what is served nowhere", "POST /token-validator", JSON, "{}", 404, 404),
        ("the ops pages", "GET /metrics", "", "", 404, 404),
    ] {
        let answer = send(http, "authz.test", line, headers, body).await;
        assert_eq!(answer.status, on_http, "{name} on http: {}", answer.body);
        let answer = send(public, "public.test", line, headers, body).await;
        assert_eq!(answer.status, on_public, "{name} on public_http: {}", answer.body);
    }
}

#[tokio::test]
async fn each_listener_has_hosts_of_its_own() {
    let rig = start(|_| {}).await;
    let line = format!("GET {RESOURCE}");
    for (host, to, expected) in [
        ("public.test", public(&rig), 200),
        ("authz.test", public(&rig), 421),
        ("127.0.0.1", public(&rig), 421),
        ("public.test", address(&rig), 421),
        ("authz.test", address(&rig), 404),
    ] {
        assert_eq!(send(to, host, &line, "", "").await.status, expected, "{host} {to}");
    }
}

#[tokio::test]
async fn connections_that_fill_the_public_listener_hold_up_no_backend() {
    let rig = start(|settings| {
        settings["listeners"]["public_http"]["max_connections"] = json!(4);
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..32 {
        let Ok(mut stream) = TcpStream::connect(public(&rig)).await else { continue };
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await;
        held.push(stream);
    }
    let answer = call(&rig, "Verify", &json!({ "token": rig.token("ann") })).await;
    assert_eq!(answer.json()["identity"]["userId"], "ann");
    // And its own visitors get through: connections that do nothing are closed for new ones.
    let line = format!("GET {RESOURCE}");
    let answer = send(public(&rig), "public.test", &line, "", "").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn the_public_listener_has_tls_of_its_own_whose_end_is_shown() {
    let servers = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    servers.issue().write(dir.path(), "server");
    let at = |name: &str| dir.path().join(name).display().to_string();
    let rig = start(|settings| {
        settings["listeners"]["public_http"]["tls"] =
            json!({ "cert_file": at("server.crt"), "key_file": at("server.key") });
    })
    .await;
    let end = rig.app.metric("rownd_authz_certificate_not_after_timestamp_seconds", &[]);
    assert_eq!(end, 4_102_444_800.0, "the first of January 2100");
    let stream = super::tls::dial(public(&rig), &servers, None, None).await.unwrap();
    let answer = exchange(stream, "public.test", &format!("GET {RESOURCE}"), "", "").await;
    assert_eq!(answer.status, 200);
    // The other one goes on in plain text.
    assert_eq!(request(address(&rig), "GET /openapi.json", "", "").await.status, 200);
    // Files that cannot be used are refused with the name of their setting; what was there stays.
    fs::write(dir.path().join("server.key"), "no key").unwrap();
    let outcome = format!("{:?}", rig.app.reload().await);
    assert!(outcome.contains("listeners.public_http.tls.key_file"), "{outcome}");
    let stream = super::tls::dial(public(&rig), &servers, None, None).await.unwrap();
    let answer = exchange(stream, "public.test", &format!("GET {RESOURCE}"), "", "").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_request_of_another_server_that_has_come_is_answered_before_the_end() {
    let mut rig =
        start(|settings| settings["shutdown"] = json!({ "drain_delay": "0s", "grace": "10s" }))
            .await;
    rig.controls.inject(Fault::delay(Endpoint::UserData, Duration::from_millis(500))).unwrap();
    let told = json!({ "data": { "user_id": "ann" }, "meta": { "operation": "data_update" } });
    let (to, line) = (public(&rig), format!("POST /webhooks/rownd/{SECRET}"));
    let before = rig.controls.hits(Endpoint::UserData);
    let asked =
        tokio::spawn(async move { send(to, "public.test", &line, JSON, &told.to_string()).await });
    until("the user is read", || rig.controls.hits(Endpoint::UserData) > before).await;
    rig.app.stop();
    let answer = in_time("the answer", asked).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    in_time("the end", rig.app.ended()).await;
    assert!(TcpStream::connect(to).await.is_err());
}
