//! An issuer that is down, late or silent: alive, not ready, and still in time.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};
use tokio::time::Instant;
use tonic_health::pb::health_check_response::ServingStatus;

use super::{FETCHES, fetched, gate, health, judge};
use crate::support::{
    Ask, Claims, Issuer, Key, Reply, TIME_LIMIT, TestApp,
    app::issuer_settings,
    config, config_with, eventually,
    issuer::KEYS,
    until,
    wire::{Wire, frame_of},
};

#[tokio::test]
async fn a_start_without_the_issuer_is_alive_and_says_what_it_waits_for() {
    let key = Key::new("sig-1");
    let mut issuer = Issuer::closed();
    let app = TestApp::start(&config(&issuer)).await;
    assert_eq!(app.page("/livez").await.status, 200);
    let page = app.page("/readyz").await;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("issuer rownd: its first key set"), "{}", page.body);
    for service in ["", "envoy.service.auth.v3.Authorization"] {
        assert_eq!(health(&app, service).await, ServingStatus::NotServing, "{service:?}");
    }
    let denied = judge(&app, &issuer, &key).await;
    denied.assert_denied("no keys", DenyReason::KeysUnavailable);
    assert_eq!(denied.header("retry-after"), Some("1"));
    // A check that needs no key is still decided.
    let answer = app.check(&Ask::get("/")).await;
    answer.assert_denied("no credential", DenyReason::CredentialMissing);
    app.check(&Ask::get("/public")).await.assert_allowed("public", "public");
    until("a failed fetch", || app.metric(FETCHES, &[("result", "network")]) >= 1.0).await;

    issuer.publish(&[&key]);
    issuer.open();
    app.is_ready().await;
    assert_eq!(app.page("/readyz").await.status, 200);
    for service in ["", "envoy.service.auth.v3.Authorization"] {
        let serving =
            async || (health(&app, service).await == ServingStatus::Serving).then_some(());
        eventually("serving", serving).await;
    }
    judge(&app, &issuer, &key).await.assert_allowed("with keys", "authenticated");
}

#[tokio::test]
async fn an_issuer_that_is_not_required_holds_up_nobody() {
    let (key, down) = (Key::new("sig-1"), Issuer::closed());
    let issuer = Issuer::with_keys(&[&key]);
    let mut second = issuer_settings("second", &down);
    second["required"] = json!(false);
    let settings = config_with(&issuer, |c| c["issuers"].as_array_mut().unwrap().push(second));
    let app = TestApp::ready(&settings).await;
    judge(&app, &issuer, &key).await.assert_allowed("the good one", "authenticated");
    let denied = judge(&app, &down, &key).await;
    denied.assert_denied("the one that is down", DenyReason::KeysUnavailable);
}

#[tokio::test]
async fn an_issuer_that_hangs_holds_up_no_other() {
    let key = Key::new("sig-1");
    let (issuer, hanging) = (Issuer::with_keys(&[&key]), Issuer::start());
    hanging.set(KEYS, Reply::Hang);
    let mut second = issuer_settings("second", &hanging);
    second["required"] = json!(false);
    let settings = config_with(&issuer, |c| c["issuers"].as_array_mut().unwrap().push(second));
    let app = TestApp::ready(&settings).await;
    hanging.asked(KEYS, 1).await;
    // The other issuer even rotates meanwhile.
    let next = Key::new("sig-2");
    issuer.publish(&[&next]);
    fetched(&app, &issuer, 2.0).await;
    judge(&app, &issuer, &next).await.assert_allowed("rotated", "authenticated");
    assert_eq!(app.metric(FETCHES, &[("issuer", "second")]), 0.0, "it still hangs");
}

#[tokio::test]
async fn an_issuer_that_hangs_costs_a_check_its_deadline_and_no_more() {
    let issuer = Issuer::start();
    issuer.set(KEYS, Reply::Hang);
    let patient = |c: &mut Value| {
        c["issuers"][0]["keys"]["fetch_timeout"] = json!("30s");
        c["check"]["timeout"] = json!("60s");
    };
    let app = TestApp::start(&config_with(&issuer, patient)).await;
    issuer.asked(KEYS, 1).await;
    let ask = frame_of(&Ask::with_token(Key::new("sig-1").token(&Claims::of(&issuer.url()))));
    let wire = Wire::connect(app.address()).await;
    let began = Instant::now();
    for timeout in ["1n", "0m", "1u", "1m", "5m", "9m", "10m", "11m", "50m", "200000u", "99999999n"]
    {
        let answer = wire.check(&[("grpc-timeout", timeout)], ask.clone()).await;
        let unavailable = ["keys_unavailable", "deadline_exceeded"].contains(&answer.reason());
        assert!(unavailable && answer.code() == 16, "{timeout}: {answer:?}");
    }
    assert!(began.elapsed() < TIME_LIMIT, "the deadline of the caller counts, not our 60 s");
    assert_eq!(issuer.hits(KEYS), 1, "and nobody asked twice");
}

#[tokio::test]
async fn our_own_deadline_counts_where_the_caller_has_none() {
    let issuer = Issuer::start();
    issuer.set(KEYS, Reply::Hang);
    let short = config_with(&issuer, |c| {
        c["check"]["timeout"] = json!("50ms");
        c["check"]["retry_after"] = json!("7s");
    });
    let app = TestApp::start(&short).await;
    let denied = judge(&app, &issuer, &Key::new("sig-1")).await;
    denied.assert_denied("in time", DenyReason::KeysUnavailable);
    assert_eq!((denied.code(), denied.header("retry-after")), (16, Some("7")));
    let wire = Wire::connect(app.address()).await;
    let ask = frame_of(&Ask::with_token(Key::new("sig-1").token(&Claims::of(&issuer.url()))));
    for timeout in ["", "x", "-1m", "1", "m", "1 m", "123456789m", "1.5S", "10h", "99999999H"] {
        // An invalid timeout is ignored, and so is one longer than the configured one.
        let answer = wire.check(&[("grpc-timeout", timeout)], ask.clone()).await;
        answer.assert_denied(timeout, DenyReason::KeysUnavailable);
    }
}

#[tokio::test]
async fn error_responses_are_for_what_no_client_can_cause() {
    let (key, mut issuer) = (Key::new("sig-1"), Issuer::closed());
    let settings = config_with(&issuer, |c| c["check"]["unavailable"] = json!("error_response"));
    let app = TestApp::start(&settings).await;
    let answer = judge(&app, &issuer, &key).await;
    answer.assert_denied("no keys at all", DenyReason::KeysUnavailable);
    assert!(answer.is_error_response(), "it holds for everybody");
    assert!(!app.check(&Ask::get("/")).await.is_error_response(), "a plain denial stays one");

    let gate = gate();
    issuer.publish(&[&key]);
    issuer.open();
    app.is_ready().await;
    issuer.set(KEYS, Reply::Gated(gate, Box::new(Reply::keys(&[&key]))));
    let wire = Wire::connect(app.address()).await;
    let ask = frame_of(&Ask::with_token(Key::new("sig-2").token(&Claims::of(&issuer.url()))));
    // A client can cause this with an invented kid, so it is a denial.
    let pending = eventually("a fetch under way", async || {
        let answer = wire.check(&[("grpc-timeout", "50m")], ask.clone()).await;
        (answer.reason() == "key_pending").then_some(answer)
    })
    .await;
    assert!(!pending.is_error_response(), "{pending:?}");
    let late = wire.check(&[("grpc-timeout", "1n")], ask.clone()).await;
    assert!(late.reason() == "deadline_exceeded" && !late.is_error_response(), "{late:?}");
    let route = app.check(&Ask::get("/").extension("route", "nobody")).await;
    assert!(!route.is_error_response(), "{route:?}");
}
