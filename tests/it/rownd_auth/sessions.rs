//! `Exchange` of the refresh tokens of SuperTokens sessions: sent once, shared by their callers, and
//! never sent again.

use futures_util::future::join_all;
use rownd_authz::grpc::pb::rownd::auth::v1::{
    ExchangeRequest, GuestGrant, MigrationGrant, SessionRefreshGrant, Tokens,
    exchange_request::Grant,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::json;
use tonic::Code;

use super::{APP, Rig, assert_field, said};
use crate::support::{Issuer, Reply, until};

fn grant(token: &str) -> Grant {
    Grant::SessionRefresh(SessionRefreshGrant { refresh_token: token.to_owned() })
}

/// A session of Ann; the counters begin at zero.
async fn session(rig: &Rig) -> Tokens {
    let grant = Grant::Migration(MigrationGrant { token: rig.token("ann") });
    let session = rig.tokens(grant).await;
    rig.controls.clear_hits();
    session
}

fn refresh_token(session: &Tokens) -> &str {
    session.refresh_token.as_deref().unwrap()
}

#[tokio::test]
async fn a_storm_is_one_request_and_a_hundred_equal_answers() {
    let rig = Rig::start().await;
    let first = session(&rig).await;
    let slow = Fault { delay_ms: Some(300), ..Fault::status(Endpoint::Supertokens, 200) };
    rig.controls.inject(Fault { status: None, times: Some(1), ..slow }).unwrap();
    let answers = join_all((0..100).map(|_| rig.tokens(grant(refresh_token(&first))))).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let next = &answers[0];
    assert_eq!(next.user_id.as_deref(), Some("ann"));
    assert!(next.front_token.is_some() && next.expire_time.is_some());
    assert_ne!(next.refresh_token, first.refresh_token, "it rotates");
    // A second use would have ended the session.
    let third = rig.tokens(grant(refresh_token(next))).await;
    assert_ne!(third.refresh_token, next.refresh_token);
    let done = [("endpoint", "supertokens_refresh"), ("result", "ok")];
    assert_eq!(rig.app.metric("rownd_authz_rownd_requests_total", &done), 2.0);
}

#[tokio::test]
async fn a_used_token_is_refused_for_good() {
    let rig = Rig::with(|settings| settings["rownd_auth"]["refresh_grace"] = json!("0s")).await;
    let first = session(&rig).await;
    rig.tokens(grant(refresh_token(&first))).await;
    said(rig.exchange(grant(refresh_token(&first))).await)
        .is(Code::FailedPrecondition, "REFRESH_TOKEN_REFUSED")
        .tells("upstream_status", "401");
    let unknown = rig.exchange(grant("nobodys.token")).await;
    said(unknown).is(Code::FailedPrecondition, "REFRESH_TOKEN_REFUSED");
}

#[tokio::test]
async fn only_a_401_signs_the_user_out_and_nothing_is_sent_twice() {
    let rig = Rig::start().await;
    let first = session(&rig).await;
    for (status, reason) in [
        (302, "ISSUER_REDIRECTS"),
        (400, "ROWND_UNAVAILABLE"),
        (403, "ROWND_UNAVAILABLE"),
        (404, "ROWND_UNAVAILABLE"),
        (409, "ROWND_UNAVAILABLE"),
        (500, "ROWND_UNAVAILABLE"),
        (503, "ROWND_UNAVAILABLE"),
    ] {
        rig.controls.clear_hits();
        rig.controls.inject(Fault::status(Endpoint::Supertokens, status)).unwrap();
        said(rig.exchange(grant(refresh_token(&first))).await)
            .is(Code::Unavailable, reason)
            .tells("upstream_status", &status.to_string());
        rig.controls.clear_faults();
        assert_eq!(rig.hits(Endpoint::Supertokens), 1, "{status}");
    }
    // A 401 of somebody else.
    for body in ["", "<h1>401", r#"{"message":"Unauthorized"}"#] {
        let fault = Fault { status: Some(401), ..Fault::body(Endpoint::Supertokens, body) };
        rig.controls.inject(fault).unwrap();
        said(rig.exchange(grant(refresh_token(&first))).await)
            .is(Code::Unavailable, "ROWND_UNAVAILABLE");
        rig.controls.clear_faults();
    }
    let next = rig.tokens(grant(refresh_token(&first))).await;
    assert_eq!(next.user_id.as_deref(), Some("ann"), "none of them was kept");
}

#[tokio::test]
async fn an_answer_without_tokens_is_none() {
    let rig = Rig::start().await;
    let first = session(&rig).await;
    rig.controls.inject(Fault::body(Endpoint::Supertokens, "{}")).unwrap();
    let answer = rig.exchange(grant(refresh_token(&first))).await;
    said(answer).is(Code::Internal, "ROWND_ANSWER_INVALID");
}

/// SuperTokens' own libraries answer with an empty object, and with the tokens in headers.
#[tokio::test]
async fn the_tokens_stand_in_headers_and_the_request_has_the_token_alone() {
    let backend = Issuer::start();
    let base = format!("{}/auth", backend.url());
    let rig = Rig::with(|settings| {
        settings["issuers"][1]["base_url"] = json!(base);
        settings["issuers"][1]["required"] = json!(false);
    })
    .await;
    const PATH: &str = "/auth/session/refresh";
    let headers = |names: &[&'static str]| {
        let value = |name: &&'static str| (*name, format!("{name}-value"));
        names.iter().map(value).collect()
    };
    let all = ["st-access-token", "st-refresh-token", "front-token"];
    backend.set(PATH, Reply::Answer(200, headers(&all), b"{}".to_vec()));
    let tokens = rig.tokens(grant("refresh-1")).await;
    assert_eq!(tokens.access_token, "st-access-token-value");
    assert_eq!(tokens.refresh_token.as_deref(), Some("st-refresh-token-value"));
    assert_eq!(tokens.front_token.as_deref(), Some("front-token-value"));
    assert_eq!(tokens.user_id, None, "nobody could verify it");
    let head = backend.heads().into_iter().find(|head| head.contains(PATH)).unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("post /auth/session/refresh "), "{head}");
    for line in ["authorization: bearer refresh-1", "rid: session", "st-auth-mode: header"] {
        assert!(head.contains(line), "{head}");
    }
    assert!(!head.contains("x-rownd-"), "no key goes there: {head}");
    // A session that is half there is none.
    for missing in all {
        let others: Vec<_> = all.into_iter().filter(|name| *name != missing).collect();
        backend.set(PATH, Reply::Answer(200, headers(&others), b"{}".to_vec()));
        let answer = rig.exchange(grant(&format!("without-{missing}"))).await;
        said(answer).is(Code::Internal, "ROWND_ANSWER_INVALID");
    }
}

#[tokio::test]
async fn a_caller_that_leaves_takes_no_tokens_along() {
    let rig = Rig::start().await;
    let first = session(&rig).await;
    let slow = Fault { delay_ms: Some(500), ..Fault::status(Endpoint::Supertokens, 200) };
    rig.controls.inject(Fault { status: None, times: Some(1), ..slow }).unwrap();
    let request =
        ExchangeRequest { grant: Some(grant(refresh_token(&first))), ..ExchangeRequest::default() };
    let mut stub = rig.admin();
    let left = tokio::spawn(async move { stub.exchange(request).await });
    until("the request at SuperTokens", || rig.hits(Endpoint::Supertokens) == 1).await;
    left.abort();
    let next = rig.tokens(grant(refresh_token(&first))).await;
    assert_eq!(next.user_id.as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_mistake_in_the_call_names_the_field() {
    let rig = Rig::start().await;
    assert_field(rig.exchange(grant("")).await, "session_refresh.refresh_token");
    assert_field(rig.exchange(grant("a b")).await, "session_refresh.refresh_token");
    let named = |issuer: Option<&str>, app: Option<&str>, variant: Option<&str>| ExchangeRequest {
        issuer: issuer.map(str::to_owned),
        app_id: app.map(str::to_owned),
        app_variant_id: variant.map(str::to_owned),
        grant: Some(grant("x")),
    };
    for (request, field) in [
        (named(Some("rownd"), None, None), "issuer"),
        (named(Some("provider"), None, None), "issuer"),
        (named(None, Some(APP), None), "app_id"),
        (named(None, None, Some("kids")), "app_variant_id"),
    ] {
        assert_field(rig.trade(request).await, field);
    }
    // The right to make guests is not the right to renew.
    let guests = Grant::Guest(GuestGrant::default());
    let request = |grant| ExchangeRequest {
        issuer: Some("sessions".to_owned()),
        grant: Some(grant),
        ..ExchangeRequest::default()
    };
    let trader = rig.known(super::TRADER).exchange(request(guests)).await;
    said(trader).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    let stranger = rig.stub().exchange(request(grant("x"))).await;
    said(stranger).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
}
