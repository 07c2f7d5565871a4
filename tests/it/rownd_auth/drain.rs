//! Refreshes of tokens at the end of the process: the token is used up when it is sent, so a drain
//! waits for the answer even if the caller has left.

use std::time::Duration;

use rownd_authz::grpc::pb::rownd::auth::v1::{ExchangeRequest, rownd_auth_client::RowndAuthClient};
use rownd_emulator::{Endpoint, Fault};
use serde_json::{Value, json};
use tonic::{Code, transport};

use super::{ADMIN, Bearer, Rig, refresh::grant, said, settings};
use crate::support::{binary::Binary, until};

const REFRESHES: &str = "rownd_authz_rownd_requests_total";

/// The next answer of the token endpoint comes this late.
fn delay(rig: &Rig, delay: Duration) {
    let fault = Fault { times: Some(1), ..Fault::delay(Endpoint::Token, delay) };
    rig.controls.inject(fault).unwrap();
}

fn refresh_token(rig: &Rig) -> String {
    rig.mint(&Rig::order("ann").refresh())
}

/// The real binary before the same emulator.
async fn binary(rig: &Rig, grace: &str) -> Binary {
    let mut settings = settings(&format!("http://{}", rig.emulator));
    settings["log"] = json!({ "level": "info", "format": "json" });
    settings["shutdown"] = json!({ "drain_delay": "0s", "grace": grace });
    let binary = Binary::start(&settings).await;
    binary.is_ready().await;
    binary
}

/// Asks the binary for a refresh, and gives up when the request has come to the emulator.
async fn ask_and_leave(rig: &Rig, binary: &Binary, token: &str) {
    let endpoint = transport::Endpoint::from_shared(format!("http://{}", binary.grpc)).unwrap();
    let channel = endpoint.connect().await.unwrap();
    let mut stub = RowndAuthClient::with_interceptor(channel, Bearer(ADMIN.into()));
    let request = ExchangeRequest { grant: Some(grant(token)), ..ExchangeRequest::default() };
    let before = rig.hits(Endpoint::Token);
    let caller = tokio::spawn(async move { stub.exchange(request).await });
    until("the request at Rownd", || rig.hits(Endpoint::Token) == before + 1).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled(), "it has left without an answer");
}

/// Sends SIGTERM and waits for the end; the last line of the log, and all of it.
async fn ended(mut binary: Binary) -> (Value, Vec<String>) {
    binary.signal("TERM");
    assert_eq!(binary.ended().await.code(), Some(0));
    (binary.logged(&["stopped"]).await, binary.log())
}

fn cut_off(log: &[String]) -> Vec<Value> {
    let lines = log.iter().filter(|line| line.contains("cut off"));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_drain_waits_for_a_refresh_whose_caller_has_left() {
    let rig = Rig::start().await;
    let (binary, token) = (binary(&rig, "25s").await, refresh_token(&rig));
    delay(&rig, Duration::from_secs(2));
    ask_and_leave(&rig, &binary, &token).await;
    let (last, log) = ended(binary).await;
    assert_eq!(last["refreshes_finished"], true, "{last}");
    assert!(cut_off(&log).is_empty(), "{log:?}");
    // The emulator gives up a request whose client is gone; this one it has served to its end.
    said(rig.exchange(grant(&token)).await).is(Code::FailedPrecondition, "REFRESH_TOKEN_REFUSED");
}

#[tokio::test]
async fn a_refresh_that_outlasts_the_grace_is_cut_off_and_counted() {
    let rig = Rig::start().await;
    let (binary, token) = (binary(&rig, "300ms").await, refresh_token(&rig));
    delay(&rig, Duration::from_secs(60));
    ask_and_leave(&rig, &binary, &token).await;
    let (last, log) = ended(binary).await;
    assert_eq!(last["refreshes_finished"], false, "{last}");
    let lines = cut_off(&log);
    assert_eq!(lines.len(), 1, "it is logged once: {lines:?}");
    assert_eq!((&lines[0]["refreshes"], &lines[0]["level"]), (&json!(1), &json!("WARN")));
    assert!(!log.iter().any(|line| line.contains(&token)), "no token in a log");
    // So the token is not used up.
    assert_eq!(rig.tokens(grant(&token)).await.user_id.as_deref(), Some("ann"));
}

#[tokio::test]
async fn the_refresh_of_a_caller_that_waits_is_answered_within_the_drain() {
    let mut rig = Rig::start().await;
    let token = refresh_token(&rig);
    delay(&rig, Duration::from_secs(1));
    let (mut stub, request) =
        (rig.admin(), ExchangeRequest { grant: Some(grant(&token)), ..ExchangeRequest::default() });
    let waits = tokio::spawn(async move { stub.exchange(request).await });
    until("the request at Rownd", || rig.hits(Endpoint::Token) == 1).await;
    rig.app.stop();
    waits.await.unwrap().expect("the call was in flight");
    rig.app.ended().await;
    let ok = [("endpoint", "token_refresh"), ("result", "ok")];
    assert_eq!(rig.app.metric(REFRESHES, &ok), 1.0);
}

#[tokio::test]
async fn an_idle_drain_waits_for_nothing() {
    let mut rig = Rig::with(|settings| settings["shutdown"]["grace"] = json!("10m")).await;
    // Its answer is kept for callers that come later, but that is no work.
    rig.tokens(grant(&refresh_token(&rig))).await;
    rig.app.stop();
    rig.app.ended().await;
}
