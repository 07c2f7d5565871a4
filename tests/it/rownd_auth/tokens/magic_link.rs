//! The grant `magic_link`: one use, of the issuer's own links only.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    ExchangeRequest, MagicLinkGrant, Tokens, exchange_request::Grant,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::{Value, json};
use tonic::Code;

use super::{READER, rig};
use crate::{
    it::rownd_auth::{APP_KEY, APP_SECRET, Rig, assert_field, said},
    support::{http, until},
};

fn grant(link: &str) -> Grant {
    Grant::MagicLink(MagicLinkGrant { link: link.to_owned() })
}

/// A link as a backend makes it.
async fn link_of(rig: &Rig, order: &Value) -> String {
    let headers = format!(
        "content-type: application/json\r\nx-rownd-app-key: {APP_KEY}\r\n\
         x-rownd-app-secret: {APP_SECRET}\r\n"
    );
    let answer =
        http::request(rig.emulator, "POST /hub/auth/magic", &headers, &order.to_string()).await;
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    body["link"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

async fn link(rig: &Rig) -> String {
    let order = json!({ "purpose": "auth", "verification_type": "email",
        "data": { "email": "ann@example.com" }, "redirect_url": "https://shop.test/welcome" });
    link_of(rig, &order).await
}

async fn redeem(rig: &Rig, link: &str) -> Tokens {
    rig.tokens(grant(link)).await
}

#[tokio::test]
async fn a_link_becomes_tokens_that_are_verified_as_any_others() {
    let rig = rig().await;
    let link = link(&rig).await;
    rig.controls.clear_hits();
    let tokens = redeem(&rig, &format!("{link}?utm=x#y")).await;
    assert_eq!(tokens.user_id.as_deref(), Some("ann"));
    assert!(tokens.refresh_token.is_some());
    assert_eq!(rig.hits(Endpoint::Magic), 1);
    assert!(!format!("{tokens:?}").contains(&tokens.access_token), "Debug shows no token");
}

/// The emulator's links work more than once; the answer that Rownd documents for a used one does not.
#[tokio::test]
async fn a_link_that_is_refused_is_refused_with_one_reason_and_asked_for_once() {
    let rig = rig().await;
    for status in [400, 403, 404, 410, 302, 303] {
        // A refusal is kept for a second, so each has a link of its own.
        let link = link(&rig).await;
        rig.controls.clear_hits();
        rig.controls.inject(Fault::status(Endpoint::Magic, status).times(1)).unwrap();
        said(rig.exchange(grant(&link)).await).is(Code::FailedPrecondition, "MAGIC_LINK_REFUSED");
        assert_eq!(rig.hits(Endpoint::Magic), 1, "{status}");
    }
    let id = "/hub/auth/magic/0123456789abcdef";
    let unknown = format!("http://{}{id}", rig.emulator);
    said(rig.exchange(grant(&unknown)).await).is(Code::FailedPrecondition, "MAGIC_LINK_REFUSED");
    let shortened = json!({ "purpose": "shorten", "redirect_url": "https://shop.test/x" });
    let shortened = link_of(&rig, &shortened).await;
    said(rig.exchange(grant(&shortened)).await).is(Code::FailedPrecondition, "MAGIC_LINK_REFUSED");
}

#[tokio::test]
async fn a_failure_that_may_pass_is_not_repeated_here() {
    let rig = rig().await;
    let link = link(&rig).await;
    for fault in [
        Fault::status(Endpoint::Magic, 503),
        Fault::status(Endpoint::Magic, 503).after(),
        Fault::status(Endpoint::Magic, 401),
        // Of somebody else.
        Fault { status: Some(404), ..Fault::body(Endpoint::Magic, "<h1>404") },
        Fault { status: Some(410), ..Fault::body(Endpoint::Magic, "{}") },
    ] {
        rig.controls.clear_hits();
        rig.controls.inject(fault.times(1)).unwrap();
        said(rig.exchange(grant(&link)).await).is(Code::Unavailable, "ROWND_UNAVAILABLE");
        assert_eq!(rig.hits(Endpoint::Magic), 1);
    }
    rig.controls.inject(Fault::status(Endpoint::Magic, 308).times(1)).unwrap();
    said(rig.exchange(grant(&link)).await).is(Code::Unavailable, "ISSUER_REDIRECTS");
    rig.controls.inject(Fault::body(Endpoint::Magic, "{}").times(1)).unwrap();
    said(rig.exchange(grant(&link)).await).is(Code::Internal, "ROWND_ANSWER_INVALID");
}

#[tokio::test]
async fn a_caller_that_leaves_finds_the_tokens_of_its_link() {
    let rig = rig().await;
    let link = link(&rig).await;
    rig.controls.clear_hits();
    let slow = Fault::delay(Endpoint::Magic, std::time::Duration::from_millis(500)).times(1);
    rig.controls.inject(slow).unwrap();
    let request = ExchangeRequest { grant: Some(grant(&link)), ..ExchangeRequest::default() };
    let mut stub = rig.admin();
    let left = tokio::spawn(async move { stub.exchange(request).await });
    until("the request", || rig.hits(Endpoint::Magic) == 1).await;
    left.abort();
    let tokens = redeem(&rig, &link).await;
    assert_eq!(tokens.user_id.as_deref(), Some("ann"));
    assert_eq!(rig.hits(Endpoint::Magic), 1, "the link is used once");
}

#[tokio::test]
async fn only_a_link_of_the_issuer_is_followed_and_only_there() {
    let rig = rig().await;
    let good = link(&rig).await;
    let id = good.rsplit('/').next().unwrap().to_owned();
    let host = rig.emulator;
    rig.controls.clear_hits();
    for bad in [
        String::new(),
        id.clone(),
        format!("https://evil.test/hub/auth/magic/{id}"),
        format!("http://{host}@evil.test/hub/auth/magic/{id}"),
        format!("http://169.254.169.254/hub/auth/magic/{id}"),
        format!("https://{host}/hub/auth/magic/{id}"),
        format!("http://localhost:{}/hub/auth/magic/{id}", host.port()),
        format!("http://{host}/hub/auth/magic/{id}/../../token"),
        format!("http://{host}/hub/auth/magic/..%2f{id}"),
        format!("http://{host}/hub/auth/magic/"),
        format!("http://{host}/hub/auth/token"),
        format!("http://ann@{host}/hub/auth/magic/{id}"),
        format!("{good}/x"),
        format!(" {good}"),
        format!("{good}?{}", "x".repeat(4096)),
    ] {
        assert_field(rig.exchange(grant(&bad)).await, "magic_link.link");
    }
    let named = ExchangeRequest {
        app_id: Some("app_shop".into()),
        grant: Some(grant(&good)),
        ..ExchangeRequest::default()
    };
    assert_field(rig.trade(named).await, "app_id");
    let elsewhere = ExchangeRequest {
        issuer: Some("sessions".into()),
        grant: Some(grant(&good)),
        ..ExchangeRequest::default()
    };
    assert_field(rig.trade(elsewhere).await, "issuer");
    let request = ExchangeRequest { grant: Some(grant(&good)), ..ExchangeRequest::default() };
    said(rig.known(READER).exchange(request.clone()).await)
        .is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    said(rig.stub().exchange(request).await).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    assert_eq!(rig.hits(Endpoint::Magic), 0);
}

/// Tokens of an app that is not configured are not handed on.
#[tokio::test]
async fn tokens_of_another_app_are_refused() {
    let rig = Rig::with(|settings| {
        super::callers(settings);
        settings["issuers"][0]["apps"] =
            json!([{ "id": "app_blog", "key": "key_blog", "secret": "ras_blog" }]);
    })
    .await;
    let link = link(&rig).await;
    said(rig.exchange(grant(&link)).await).is(Code::FailedPrecondition, "TOKENS_REFUSED");
}

#[tokio::test]
async fn a_disabled_user_is_told_apart() {
    let rig = rig().await;
    let order = json!({ "purpose": "auth", "user_id": "banned", "data": {},
        "redirect_url": "https://shop.test/x" });
    let link = link_of(&rig, &order).await;
    said(rig.exchange(grant(&link)).await).is(Code::FailedPrecondition, "USER_DISABLED");
}
