//! `GetUserInfo`: of opaque tokens and JWTs of the provider, and of Rownd's own tokens.

use rownd_authz::grpc::pb::rownd::auth::v1::{GetUserInfoRequest, GetUserInfoResponse};
use rownd_emulator::{Endpoint, Fault, SignedBy};
use serde_json::json;
use tonic::{Code, Status};

use super::{BLOGGER, callers, rig, rig_with_jwts, signed_in};
use crate::it::rownd_auth::{Rig, assert_field, said};

fn of(token: &str) -> GetUserInfoRequest {
    GetUserInfoRequest { token: token.to_owned(), issuer: None }
}

async fn ask(rig: &Rig, request: GetUserInfoRequest) -> Result<GetUserInfoResponse, Status> {
    Ok(rig.stub().get_user_info(request).await?.into_inner())
}

fn claim(answer: &GetUserInfoResponse, name: &str) -> Option<String> {
    use prost_types::value::Kind;
    match &answer.claims.as_ref()?.fields.get(name)?.kind {
        Some(Kind::StringValue(text)) => Some(text.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn an_opaque_token_and_a_jwt_have_the_claims_of_their_user() {
    for rig in [rig().await, rig_with_jwts().await] {
        let tokens = signed_in(&rig, "web").await;
        let answer = ask(&rig, of(&tokens.access_token)).await.unwrap();
        assert_eq!((answer.subject.as_str(), answer.issuer.as_str()), ("ann", "provider"));
        assert_eq!(claim(&answer, "email").as_deref(), Some("ann@example.com"));
        let named =
            GetUserInfoRequest { issuer: Some("provider".into()), ..of(&tokens.access_token) };
        assert_eq!(ask(&rig, named).await.unwrap(), answer);
    }
}

#[tokio::test]
async fn a_token_of_rownd_has_the_profile_of_its_user() {
    let rig = rig().await;
    let answer = ask(&rig, of(&rig.token("ann"))).await.unwrap();
    assert_eq!((answer.subject.as_str(), answer.issuer.as_str()), ("ann", "rownd"));
    assert!(answer.claims.unwrap().fields.contains_key("data"));
    assert_eq!(rig.hits(Endpoint::Me), 1);
    let named = GetUserInfoRequest { issuer: Some("provider".into()), ..of(&rig.token("ann")) };
    assert_field(ask(&rig, named).await, "issuer");
    // An answer about somebody else, or about an account that may not be used.
    for (body, code, reason) in [
        (json!({ "rownd_user": "bob" }), Code::Internal, "USER_MISMATCH"),
        (
            json!({ "rownd_user": "ann", "state": "disabled" }),
            Code::FailedPrecondition,
            "USER_DISABLED",
        ),
        (
            json!({ "rownd_user": "ann", "meta": { "tokens_valid_since": "2999-01-01T00:00:00Z" } }),
            Code::Unauthenticated,
            "REVOKED",
        ),
        (json!([]), Code::Internal, "ROWND_ANSWER_INVALID"),
    ] {
        rig.controls.inject(Fault::body(Endpoint::Me, body.to_string()).times(1)).unwrap();
        said(ask(&rig, of(&rig.token("ann"))).await).is(code, reason);
    }
    for (status, code, reason) in [
        (401, Code::Unauthenticated, "TOKEN_REFUSED"),
        (403, Code::FailedPrecondition, "USER_REFUSED"),
        (409, Code::FailedPrecondition, "PROFILE_REFUSED"),
    ] {
        rig.controls.inject(Fault::status(Endpoint::Me, status).times(1)).unwrap();
        said(ask(&rig, of(&rig.token("ann"))).await).is(code, reason);
    }
}

/// A token that is refused here is sent nowhere.
#[tokio::test]
async fn a_bad_token_goes_to_no_issuer() {
    let rig = rig().await;
    let forged = rig.mint(&Rig::order("ann").signed_by(SignedBy::Foreign));
    let foreign = rig.foreign("bob", "bob@example.com");
    rig.controls.clear_hits();
    for (token, reason) in [(forged, "SIGNATURE_INVALID"), (foreign, "ISSUER_UNTRUSTED")] {
        let said = said(ask(&rig, of(&token)).await);
        assert_eq!((said.code, said.reason.as_str()), (Code::Unauthenticated, reason));
    }
    for token in ["", "a b", "a\nb", "\u{e9}", &"x".repeat(17 << 10)] {
        assert_field(ask(&rig, of(token)).await, "token");
    }
    assert_eq!((rig.hits(Endpoint::Me), rig.hits(Endpoint::Oidc)), (0, 0));
    // An opaque token that nobody issued: the provider says no.
    said(ask(&rig, of("nobodys")).await).is(Code::Unauthenticated, "TOKEN_REFUSED");
    let named = |issuer: &str| GetUserInfoRequest { issuer: Some(issuer.into()), ..of("nobodys") };
    for issuer in ["rownd", "sessions", "nobody"] {
        assert_field(ask(&rig, named(issuer)).await, "issuer");
    }
}

#[tokio::test]
async fn the_provider_has_to_answer_about_the_user_of_the_token() {
    let rig = rig_with_jwts().await;
    let tokens = signed_in(&rig, "web").await;
    for (body, reason) in [
        (json!({ "sub": "bob" }), "USER_MISMATCH"),
        (json!({ "email": "x" }), "ROWND_ANSWER_INVALID"),
        (json!({ "sub": "" }), "ROWND_ANSWER_INVALID"),
        (json!({ "sub": 5 }), "ROWND_ANSWER_INVALID"),
    ] {
        rig.controls.inject(Fault::body(Endpoint::Oidc, body.to_string()).times(1)).unwrap();
        said(ask(&rig, of(&tokens.access_token)).await).is(Code::Internal, reason);
    }
}

#[tokio::test]
async fn a_caller_needs_the_right_and_keeps_to_its_apps() {
    let rig = rig().await;
    let opaque = signed_in(&rig, "web").await.access_token;
    for token in [opaque, rig.token("ann")] {
        let answer = rig.known(BLOGGER).get_user_info(of(&token)).await;
        said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    }
}

#[tokio::test]
async fn without_an_openid_provider_an_opaque_token_has_no_issuer() {
    let rig = Rig::with(|settings| {
        callers(settings);
        settings["issuers"].as_array_mut().unwrap().truncate(2);
        settings["rownd_auth"]["oidc_clients"] = json!([]);
    })
    .await;
    assert_field(ask(&rig, of("opaque")).await, "issuer");
}
