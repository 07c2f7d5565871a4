//! `Exchange` of refresh tokens: one request for each, for any number of callers, also if a caller
//! leaves.

use std::collections::HashSet;

use futures_util::future::join_all;
use rownd_authz::grpc::pb::rownd::auth::v1::{
    ExchangeRequest, RefreshTokenGrant, exchange_request::Grant,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::json;
use tonic::Code;

use super::{Rig, assert_field, said};
use crate::support::until;

pub(in crate::it) fn grant(token: &str) -> Grant {
    Grant::RefreshToken(RefreshTokenGrant {
        refresh_token: token.to_owned(),
        ..RefreshTokenGrant::default()
    })
}

fn refresh_token(rig: &Rig, user: &str) -> String {
    rig.mint(&Rig::order(user).refresh())
}

#[tokio::test]
async fn a_storm_is_one_request_and_two_hundred_equal_answers() {
    let rig = Rig::start().await;
    // So that all of them come while the first is under way.
    let slow = Fault { delay_ms: Some(300), times: Some(1), ..Fault::status(Endpoint::Token, 200) };
    rig.controls.inject(Fault { status: None, ..slow }).unwrap();
    let token = refresh_token(&rig, "ann");
    let answers = join_all((0..200).map(|_| rig.tokens(grant(&token)))).await;
    assert_eq!(rig.hits(Endpoint::Token), 1);
    let distinct: HashSet<_> = answers.iter().map(|t| t.refresh_token.clone()).collect();
    assert_eq!(distinct.len(), 1);
    assert_eq!(answers[0].user_id.as_deref(), Some("ann"));
    // A caller shortly after gets the same tokens, and the new refresh token works.
    assert_eq!(rig.tokens(grant(&token)).await, answers[0]);
    assert_eq!(rig.hits(Endpoint::Token), 1);
    let next = rig.tokens(grant(answers[0].refresh_token.as_ref().unwrap())).await;
    assert_ne!(next.refresh_token, answers[0].refresh_token);
}

#[tokio::test]
async fn two_tokens_never_share_an_answer() {
    let rig = Rig::start().await;
    let users = ["ann", "greg"];
    let tokens: Vec<String> = users.iter().map(|user| refresh_token(&rig, user)).collect();
    let asked = (0..100).map(|index| {
        let (token, user) = (&tokens[index % 2], users[index % 2]);
        let rig = &rig;
        async move { (user, rig.tokens(grant(token)).await) }
    });
    for (user, tokens) in join_all(asked).await {
        assert_eq!(tokens.user_id.as_deref(), Some(user));
    }
    assert_eq!(rig.hits(Endpoint::Token), 2);
}

#[tokio::test]
async fn a_used_token_is_refused_for_good() {
    let rig = Rig::with(|settings| settings["rownd_auth"]["refresh_grace"] = json!("0s")).await;
    let token = refresh_token(&rig, "ann");
    rig.tokens(grant(&token)).await;
    said(rig.exchange(grant(&token)).await)
        .is(Code::FailedPrecondition, "REFRESH_TOKEN_REFUSED")
        .tells("upstream_status", "400");
    assert_eq!(rig.hits(Endpoint::Token), 2);
}

#[tokio::test]
async fn the_grace_ends() {
    let rig = Rig::with(|settings| settings["rownd_auth"]["refresh_grace"] = json!("50ms")).await;
    let token = refresh_token(&rig, "ann");
    rig.tokens(grant(&token)).await;
    let ended = async || rig.exchange(grant(&token)).await.is_err().then_some(());
    crate::support::eventually("the end of the grace", ended).await;
    let answer = rig.exchange(grant(&token)).await;
    said(answer).is(Code::FailedPrecondition, "REFRESH_TOKEN_REFUSED");
}

#[tokio::test]
async fn a_lost_answer_is_not_asked_for_again_by_itself() {
    let rig = Rig::start().await;
    let token = refresh_token(&rig, "ann");
    // The token is used up, and its successor never arrives.
    let lost = Fault { after: true, times: Some(1), ..Fault::status(Endpoint::Token, 502) };
    rig.controls.inject(lost).unwrap();
    said(rig.exchange(grant(&token)).await).is(Code::Unavailable, "ROWND_UNAVAILABLE");
    assert_eq!(rig.hits(Endpoint::Token), 1, "no blind second try");
    // An uncertain result is not kept: the next caller sends a request and gets the real result.
    let answer = rig.exchange(grant(&token)).await;
    said(answer).is(Code::FailedPrecondition, "REFRESH_TOKEN_REFUSED");
    assert_eq!(rig.hits(Endpoint::Token), 2);
}

#[tokio::test]
async fn only_a_400_signs_the_user_out() {
    let rig = Rig::start().await;
    let token = refresh_token(&rig, "ann");
    // Of a firewall, a captive portal, a base URL that is a little wrong.
    for status in [302, 401, 403, 404, 409, 418] {
        rig.controls.inject(Fault::status(Endpoint::Token, status)).unwrap();
        let reason = if status == 302 { "ISSUER_REDIRECTS" } else { "ROWND_UNAVAILABLE" };
        said(rig.exchange(grant(&token)).await)
            .is(Code::Unavailable, reason)
            .tells("upstream_status", &status.to_string());
        rig.controls.clear_faults();
    }
    // A 400 of somebody else, such as "Request Header Or Cookie Too Large".
    for body in ["", "<h1>Bad", r#"{"detail":"x"}"#, r#"{"statusCode":400}"#] {
        let fault = Fault { status: Some(400), ..Fault::body(Endpoint::Token, body) };
        rig.controls.inject(fault).unwrap();
        said(rig.exchange(grant(&token)).await).is(Code::Unavailable, "ROWND_UNAVAILABLE");
        rig.controls.clear_faults();
    }
    let tokens = rig.tokens(grant(&token)).await;
    assert_eq!(tokens.user_id.as_deref(), Some("ann"), "none of them was kept");
}

#[tokio::test]
async fn a_pause_of_the_breaker_is_not_kept_for_the_grace() {
    let rig = Rig::start().await;
    rig.controls.inject(Fault::status(Endpoint::Token, 500)).unwrap();
    for index in 0..5 {
        let _ = rig.exchange(grant(&format!("x{index}"))).await;
    }
    rig.controls.clear_faults();
    let token = refresh_token(&rig, "ann");
    said(rig.exchange(grant(&token)).await).is(Code::Unavailable, "ROWND_UNAVAILABLE");
    let again = async || rig.exchange(grant(&token)).await.ok();
    crate::support::eventually("the end of the pause", again).await;
}

#[tokio::test]
async fn whoever_leaves_takes_no_tokens_along() {
    let rig = Rig::start().await;
    let token = refresh_token(&rig, "ann");
    let slow = Fault { delay_ms: Some(500), times: Some(1), ..Fault::status(Endpoint::Token, 200) };
    rig.controls.inject(Fault { status: None, ..slow }).unwrap();
    let (mut stub, request) =
        (rig.admin(), ExchangeRequest { grant: Some(grant(&token)), ..ExchangeRequest::default() });
    let first = tokio::spawn(async move { stub.exchange(request).await });
    until("the request at Rownd", || rig.hits(Endpoint::Token) == 1).await;
    first.abort();
    let tokens = rig.tokens(grant(&token)).await;
    assert_eq!(tokens.user_id.as_deref(), Some("ann"));
    assert_eq!(rig.hits(Endpoint::Token), 1, "the answer to the first");
}

#[tokio::test]
async fn a_mistake_in_the_call_names_the_field() {
    let rig = Rig::start().await;
    assert_field(rig.exchange(grant("")).await, "refresh_token.refresh_token");
    let with = |change: fn(&mut RefreshTokenGrant)| {
        let mut grant = RefreshTokenGrant { refresh_token: "x".into(), ..Default::default() };
        change(&mut grant);
        Grant::RefreshToken(grant)
    };
    // Rownd would answer that a used-up token was sent.
    let access = rig.token("ann");
    assert_field(rig.exchange(grant(&access)).await, "refresh_token.refresh_token");
    let scopes = with(|grant| grant.scopes = vec!["email".into()]);
    assert_field(rig.exchange(scopes).await, "refresh_token.scopes");
    let client = with(|grant| grant.oidc_client = Some("nobody".into()));
    assert_field(rig.exchange(client).await, "refresh_token.oidc_client");
    let app = ExchangeRequest {
        app_id: Some("app_shop".into()),
        grant: Some(grant("x")),
        ..ExchangeRequest::default()
    };
    assert_field(rig.trade(app).await, "app_id");
    assert_eq!(rig.hits(Endpoint::Token), 0, "nobody was asked");
}
