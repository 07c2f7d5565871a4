//! `RevokeToken`: at the provider, and on the list here.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    RevokeTokenRequest, RevokeTokenResponse, VerifyRequest, verify_response::Outcome,
};
use rownd_emulator::{Endpoint, Fault};
use tonic::{Code, Status};

use super::{BLOGGER, READER, rig, rig_with_jwts, signed_in};
use crate::it::rownd_auth::{Rig, assert_field, said};

fn of(client: &str, token: &str) -> RevokeTokenRequest {
    RevokeTokenRequest {
        token: token.to_owned(),
        oidc_client: Some(client.to_owned()),
        token_kind: 0,
    }
}

async fn revoke(rig: &Rig, request: RevokeTokenRequest) -> Result<RevokeTokenResponse, Status> {
    Ok(rig.admin().revoke_token(request).await?.into_inner())
}

async fn is_valid(rig: &Rig, token: &str) -> bool {
    let request = VerifyRequest { token: token.to_owned(), ..VerifyRequest::default() };
    let answer = rig.stub().verify(request).await.unwrap().into_inner();
    match answer.outcome.unwrap() {
        Outcome::Identity(_) => true,
        Outcome::Denial(denial) => {
            assert_eq!(denial.reason, "revoked");
            false
        }
    }
}

#[tokio::test]
async fn a_jwt_is_revoked_there_and_here() {
    let rig = rig_with_jwts().await;
    let token = signed_in(&rig, "web").await.access_token;
    let other = signed_in(&rig, "web").await.access_token;
    assert!(is_valid(&rig, &token).await);
    assert!(revoke(&rig, of("web", &token)).await.unwrap().revoked_here);
    assert!(!is_valid(&rig, &token).await, "the next check knows");
    assert!(is_valid(&rig, &other).await);
    // It may be repeated.
    assert!(revoke(&rig, of("web", &token)).await.unwrap().revoked_here);
}

#[tokio::test]
async fn an_opaque_token_is_revoked_there() {
    let rig = rig().await;
    let tokens = signed_in(&rig, "web").await;
    assert!(!revoke(&rig, of("web", &tokens.access_token)).await.unwrap().revoked_here);
    // RFC 7009: an unknown token is no error.
    assert!(!revoke(&rig, of("web", "nobodys")).await.unwrap().revoked_here);
}

#[tokio::test]
async fn a_revocation_whose_answer_is_lost_holds_here_and_is_sent_once() {
    let rig = rig_with_jwts().await;
    let token = signed_in(&rig, "web").await.access_token;
    let other = signed_in(&rig, "web").await.access_token;
    rig.controls.clear_hits();
    rig.controls.inject(Fault::status(Endpoint::Oidc, 503).after().times(1)).unwrap();
    said(revoke(&rig, of("web", &token)).await).is(Code::Unavailable, "ROWND_UNAVAILABLE");
    assert_eq!(rig.hits(Endpoint::Oidc), 1);
    assert!(!is_valid(&rig, &token).await);
    // A refusal changes nothing, here neither.
    rig.controls.inject(Fault::status(Endpoint::Oidc, 400).times(1)).unwrap();
    said(revoke(&rig, of("web", &other)).await).is(Code::FailedPrecondition, "REQUEST_REFUSED");
    assert!(is_valid(&rig, &other).await);
    said(revoke(&rig, of("wrong", &other)).await)
        .is(Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED");
    assert!(is_valid(&rig, &other).await);
}

#[tokio::test]
async fn a_mistake_or_a_caller_without_the_right_revokes_nothing() {
    let rig = rig_with_jwts().await;
    let token = signed_in(&rig, "web").await.access_token;
    rig.controls.clear_hits();
    for (request, field) in [
        (of("web", ""), "token"),
        (of("nobody", &token), "oidc_client"),
        (RevokeTokenRequest { oidc_client: None, ..of("", &token) }, "oidc_client"),
        (RevokeTokenRequest { token_kind: -1, ..of("web", &token) }, "token_kind"),
        (of("web", &rig.token("ann")), "token"),
    ] {
        assert_field(revoke(&rig, request).await, field);
    }
    for secret in [READER, BLOGGER] {
        let answer = rig.known(secret).revoke_token(of("web", &token)).await;
        said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    }
    said(rig.stub().revoke_token(of("web", &token)).await)
        .is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    assert_eq!(rig.hits(Endpoint::Oidc), 0);
    assert!(is_valid(&rig, &token).await);
}
