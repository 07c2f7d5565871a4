//! Commands as a peer gives them: what each takes, what it refuses, and that every one is counted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Extension, Router,
    body::Body,
    http::{Request, StatusCode},
};
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{ControlPeer, ControlState, ProcessCommands, ReloadOutcome, router};
use crate::{
    authz::{self, Authorizer, Edition, Snapshot, recorders},
    config::{self, LogLevel},
    health::Readiness,
    issuer_api,
    metrics::{Labels, Metrics},
    policy::Policy,
    profile::Profiles,
    upstream::Client,
    verify::{
        self, MemoryRevocations, RevocationCounts, RevocationList as _, Verifier, VerifierLimits,
    },
};

/// The commands over two issuers, a list with room for four, and a log that does not exist.
struct Rig {
    router: Router,
    metrics: Arc<Metrics>,
    revocations: Arc<MemoryRevocations>,
}

fn rig() -> Rig {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let issuer = |name: &str| {
        json!({ "name": name, "kind": "rownd", "apps": [{ "id": "app" }],
        "issuer": format!("https://{name}.test") })
    };
    let text =
        json!({ "issuers": [issuer("one"), issuer("two")], "revocation": { "max_entries": 4 } });
    let config = config::parse("test", &text.to_string(), &BTreeMap::new()).unwrap();
    let mut labels = Labels::of_issuers(["one", "two"].map(str::to_owned));
    authz::add_labels(&mut labels);
    verify::add_labels(&mut labels);
    crate::http::add_labels(&mut labels);
    let metrics = Metrics::build(&labels).unwrap();
    let client = Client::build(&config::Network::default(), &[], Duration::from_secs(1)).unwrap();
    let limits =
        VerifierLimits { max_token_bytes: 8192, claims_cache_bytes: 0, refusal_cache_bytes: 0 };
    let revocations = MemoryRevocations::new(&config.revocation, &metrics);
    let parts = Verifier::build(
        &config.issuers,
        limits,
        revocations.clone(),
        &client,
        &metrics,
        &Readiness::new(),
    );
    let verifier = parts.unwrap().verifier;
    let clients = issuer_api::build(&config.issuers, &client, &metrics);
    let (profiles, _fetcher) =
        Profiles::build(&config.profiles, verifier.issuers(), &clients, &metrics);
    let edition = Edition { epoch: 1, hash: "test".into() };
    let exchange = issuer_api::Exchange::build(&config, &[], &issuer_api::refreshes().0);
    let policy = Policy::build(&config);
    let snapshot =
        Snapshot::build(&config, policy, Arc::new(verifier), profiles, exchange, edition);
    let authorizer = Authorizer::new(snapshot, recorders(&metrics, 1));
    let no_log = |level| match level {
        LogLevel::Trace => Err("no".to_owned()),
        _ => Ok(()),
    };
    let outcomes = Mutex::new(vec![
        ReloadOutcome::Ending,
        ReloadOutcome::Refused(vec!["no good".to_owned(), "nor this".to_owned()]),
        ReloadOutcome::Unchanged(2),
        ReloadOutcome::InForce(2),
    ]);
    let reload = move || {
        let next = outcomes.lock().unwrap().pop().unwrap();
        std::future::ready(next).boxed()
    };
    let process = ProcessCommands { set_level: no_log, reload: Box::new(reload) };
    let control = ControlState::new(authorizer, metrics.clone(), process);
    Rig { router: router(Arc::new(control)), metrics, revocations }
}

impl Rig {
    async fn send(&self, method: &str, path: &str, body: &str, allowed: bool) -> (u16, Value) {
        let peer = ControlPeer { uid: 1000, pid: Some(1), allowed };
        let request =
            Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
        let router = self.router.clone().layer(Extension(peer));
        let answer = router.oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send("POST", path, &body.to_string(), true).await
    }

    fn counts(&self) -> (usize, usize, usize) {
        let RevocationCounts { tokens, sessions, users, .. } = self.revocations.counts();
        (tokens, sessions, users)
    }

    fn counted(&self, command: &str, result: &str) -> u32 {
        let text = self.metrics.render();
        let series = format!(
            "rownd_authz_control_commands_total{{command=\"{command}\",result=\"{result}\"}} "
        );
        // The series of a command is made by its first end.
        let value = text.lines().find_map(|line| line.strip_prefix(&series));
        value.map_or(0, |value| value.parse().unwrap())
    }
}

fn now() -> u64 {
    super::unix_seconds(std::time::SystemTime::now())
}

#[tokio::test]
async fn what_is_revoked_is_counted_and_can_be_taken_back() {
    let rig = rig();
    let (status, answer) = rig.post("/revoke", &json!({ "jti": "t", "issuer": "one" })).await;
    assert_eq!((status, &answer["new"], &answer["entries"]["tokens"]), (200, &json!(1), &json!(1)));
    let (status, answer) = rig.post("/revoke", &json!({ "jti": "t" })).await;
    assert_eq!((status, &answer["new"]), (200, &json!(1)), "at the other issuer too");
    let order = json!({ "session_id": "s", "issuer": "two", "ttl": "10m" });
    assert_eq!(rig.post("/revoke", &order).await.0, 200);
    let order =
        json!({ "user_id": "u", "issuer": "one", "not_before": 100, "expires_at": now() + 60 });
    assert_eq!(rig.post("/revoke", &order).await.0, 200);
    assert_eq!(rig.counts(), (2, 1, 1));
    let (status, answer) = rig.send("GET", "/revocations", "", true).await;
    assert_eq!(status, 200);
    assert_eq!(answer, json!({ "tokens": 2, "sessions": 1, "users": 1, "max_entries": 4 }));
    let (status, answer) = rig.post("/revoke", &json!({ "jti": "x", "issuer": "one" })).await;
    assert_eq!((status, &answer["error"]), (507, &json!("full")));
    assert!(answer["message"].as_str().unwrap().contains("revocation.max_entries"), "{answer}");
    let (status, answer) = rig.post("/unrevoke", &json!({ "jti": "t" })).await;
    assert_eq!((status, answer), (200, json!({ "taken_back": 2 })));
    assert_eq!(rig.counts(), (0, 1, 1));
    assert_eq!((rig.counted("revoke", "ok"), rig.counted("revoke", "full")), (4, 1));
    assert_eq!((rig.counted("unrevoke", "ok"), rig.counted("revocations", "ok")), (1, 1));
}

#[tokio::test]
async fn an_order_that_makes_no_sense_changes_nothing() {
    let rig = rig();
    let invalid = StatusCode::BAD_REQUEST.as_u16();
    let long = "x".repeat(6_145);
    for (path, order, expected) in [
        ("/revoke", json!({}), invalid),
        ("/revoke", json!({ "jti": "" }), invalid),
        ("/revoke", json!({ "jti": long }), invalid),
        ("/revoke", json!({ "jti": 5 }), invalid),
        ("/revoke", json!({ "jti": "t", "user_id": "u" }), invalid),
        ("/revoke", json!({ "token": "t" }), invalid),
        ("/revoke", json!({ "jti": "t", "isuer": "one" }), invalid),
        ("/revoke", json!({ "jti": "t", "issuer": "three" }), 404),
        ("/revoke", json!({ "jti": "t", "not_before": 5 }), invalid),
        ("/revoke", json!({ "user_id": "u", "not_before": now() + 400 }), invalid),
        ("/revoke", json!({ "user_id": "u", "not_before": -1 }), invalid),
        ("/revoke", json!({ "jti": "t", "ttl": "2d" }), invalid),
        ("/revoke", json!({ "jti": "t", "ttl": "soon" }), invalid),
        ("/revoke", json!({ "jti": "t", "ttl": "1h", "expires_at": now() + 60 }), invalid),
        ("/revoke", json!({ "jti": "t", "expires_at": now() - 1 }), invalid),
        ("/revoke", json!(["jti", "t"]), invalid),
        ("/unrevoke", json!({ "jti": "t", "ttl": "1h" }), invalid),
        ("/unrevoke", json!({ "jti": "t", "issuer": "three" }), 404),
        ("/keys/forget", json!({ "issuer": "three" }), 404),
        ("/keys/forget", json!({ "isuer": "one" }), invalid),
        ("/profiles/invalidate", json!({ "user": "u" }), invalid),
        ("/log-level", json!({}), invalid),
        ("/log-level", json!({ "level": "loud" }), invalid),
        ("/log-level", json!({ "level": "trace" }), 500),
        ("/nothing", json!({}), 404),
    ] {
        let (status, answer) = rig.post(path, &order).await;
        assert_eq!(status, expected, "{path} {order}: {answer}");
        assert!(answer["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
    }
    for (method, path, body, expected) in [
        ("POST", "/revoke", "{", 400),
        ("POST", "/revoke", "user_123", 400),
        ("POST", "/revoke", "\u{feff}{}", 400),
        ("POST", "/revoke", " ".repeat(16 * 1024 + 1).as_str(), 413),
        ("GET", "/revoke", "", 405),
        ("DELETE", "/revocations", "", 405),
    ] {
        assert_eq!(rig.send(method, path, body, true).await.0, expected, "{method} {path}");
    }
    let (_, answer) = rig.send("POST", "/revoke", "user_id=user_123", true).await;
    assert!(answer["message"].as_str().unwrap().contains("is no JSON; write"), "{answer}");
    assert_eq!(rig.counts(), (0, 0, 0));
    assert_eq!(rig.counted("revoke", "ok"), 0);
    assert_eq!(rig.counted("log_level", "failed"), 1);
    assert!(rig.counted("revoke", "invalid") > 10 && rig.counted("unknown", "invalid") == 3);
}

#[tokio::test]
async fn the_other_commands_say_what_they_did() {
    let rig = rig();
    for (path, body, expected) in [
        ("/keys/forget", "", json!({ "issuers": 2 })),
        ("/keys/forget", "{\"issuer\":\"one\"}", json!({ "issuers": 1 })),
        ("/profiles/invalidate", " ", json!({ "profiles": 0 })),
        ("/profiles/invalidate", "{\"user_id\":\"u\"}", json!({ "profiles": 0 })),
        ("/log-level", "{\"level\":\"debug\"}", json!({ "level": "debug" })),
    ] {
        assert_eq!(rig.send("POST", path, body, true).await, (200, expected), "{path} {body}");
    }
}

#[tokio::test]
async fn a_reload_says_what_it_came_to() {
    let rig = rig();
    for (status, expected) in [
        (200, json!({ "result": "in_force", "epoch": 2 })),
        (200, json!({ "result": "unchanged", "epoch": 2 })),
        (422, json!({ "error": "invalid", "message": "no good; nor this" })),
        (503, json!({ "error": "failed", "message": "the process is ending" })),
    ] {
        assert_eq!(rig.post("/reload", &json!({})).await, (status, expected));
    }
    assert_eq!(rig.send("POST", "/reload", "", false).await.0, 403);
    let counted = ["ok", "invalid", "failed"].map(|result| rig.counted("reload", result));
    assert_eq!(counted, [2, 1, 1]);
}

#[tokio::test]
async fn a_peer_that_may_not_is_told_so_whatever_it_asks() {
    let rig = rig();
    for (method, path) in
        [("POST", "/revoke"), ("GET", "/revocations"), ("POST", "/keys/forget"), ("GET", "/x")]
    {
        let (status, answer) = rig.send(method, path, "{\"jti\":\"t\"}", false).await;
        assert_eq!((status, &answer["error"]), (403, &json!("denied")), "{path}");
    }
    assert_eq!(rig.counts(), (0, 0, 0));
    assert_eq!(rig.counted("unknown", "denied"), 4);
}
