//! `IntrospectToken`: active tokens, and everything that makes one inactive.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    IntrospectTokenRequest, IntrospectTokenResponse, RevokeTokenRequest, TokenKind,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::json;
use tonic::{Code, Status};

use super::{BLOGGER, READER, callers, rig, rig_with_jwts, signed_in};
use crate::{
    it::rownd_auth::{APP, Rig, assert_field, said},
    support::control::order,
};

fn of(client: &str, token: &str) -> IntrospectTokenRequest {
    IntrospectTokenRequest {
        token: token.to_owned(),
        oidc_client: Some(client.to_owned()),
        token_kind: 0,
    }
}

async fn ask(
    rig: &Rig,
    request: IntrospectTokenRequest,
) -> Result<IntrospectTokenResponse, Status> {
    Ok(rig.known(READER).introspect_token(request).await?.into_inner())
}

#[tokio::test]
async fn a_token_is_active_until_it_is_revoked() {
    let rig = rig().await;
    let tokens = signed_in(&rig, "web").await;
    let access = ask(&rig, of("web", &tokens.access_token)).await.unwrap();
    assert!(access.active);
    assert_eq!(access.subject.as_deref(), Some("ann"));
    assert_eq!(access.client_id.as_deref(), Some("key_shop_web"));
    assert_eq!(access.issuer, "provider");
    assert!(access.scopes.contains(&"email".to_owned()) && access.expire_time.is_some());
    assert!(access.claims.unwrap().fields.contains_key("active"));
    let refresh = IntrospectTokenRequest {
        token_kind: TokenKind::RefreshToken.into(),
        ..of("web", tokens.refresh_token.as_deref().unwrap())
    };
    assert!(ask(&rig, refresh.clone()).await.unwrap().active);
    // A client learns nothing of the tokens of another.
    assert!(!ask(&rig, of("phone", &tokens.access_token)).await.unwrap().active);
    assert!(!ask(&rig, of("web", "nobodys")).await.unwrap().active);

    let revoke = RevokeTokenRequest {
        token: refresh.token.clone(),
        oidc_client: Some("web".into()),
        token_kind: 0,
    };
    rig.admin().revoke_token(revoke).await.unwrap();
    for request in [refresh, of("web", &tokens.access_token)] {
        let answer = ask(&rig, request).await.unwrap();
        let inactive = IntrospectTokenResponse { issuer: "provider".into(), ..Default::default() };
        assert_eq!(answer, inactive);
    }
}

/// A time that is over ends a token, if the provider says that it is active, too.
#[tokio::test]
async fn an_answer_that_cannot_hold_is_inactive() {
    let rig = rig().await;
    let token = signed_in(&rig, "web").await.access_token;
    let answer = async |body: serde_json::Value| {
        let fault = Fault::body(Endpoint::Oidc, body.to_string()).times(1);
        rig.controls.inject(fault).unwrap();
        ask(&rig, of("web", &token)).await
    };
    assert!(answer(json!({ "active": true })).await.unwrap().active);
    for over in [
        json!({ "active": false, "sub": "ann" }),
        json!({ "active": true, "exp": 5 }),
        json!({ "active": true, "exp": "later" }),
        json!({ "active": true, "nbf": 99_999_999_999_u64 }),
    ] {
        assert!(!answer(over.clone()).await.unwrap().active, "{over}");
    }
    for odd in [json!({}), json!({ "active": "true" }), json!({ "active": 1 }), json!([])] {
        said(answer(odd).await).is(Code::Internal, "ROWND_ANSWER_INVALID");
    }
    let other = json!({ "active": true, "iss": "https://other.test" });
    said(answer(other).await).is(Code::Internal, "USER_MISMATCH");
}

#[tokio::test]
async fn a_user_or_a_token_that_is_revoked_here_is_not_active() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control");
    let rig = Rig::with(|settings| {
        callers(settings);
        settings["listeners"]["control"] =
            json!({ "address": format!("unix:{}", socket.display()) });
    })
    .await;
    let token = signed_in(&rig, "web").await.access_token;
    let answer = async |jti: &str| {
        let body = json!({ "active": true, "sub": "ann", "jti": jti, "iat": 5 }).to_string();
        rig.controls.inject(Fault::body(Endpoint::Oidc, body).times(1)).unwrap();
        ask(&rig, of("web", &token)).await.unwrap().active
    };
    assert!(answer("one").await);
    order(&socket, "/revoke", &json!({ "jti": "one", "issuer": "provider" })).await;
    assert!(!answer("one").await && answer("two").await);
    order(&socket, "/revoke", &json!({ "user_id": "ann", "issuer": "provider" })).await;
    assert!(!answer("two").await);
}

#[tokio::test]
async fn a_mistake_names_its_field_and_sends_nothing() {
    let rig = rig_with_jwts().await;
    let jwt = signed_in(&rig, "web").await.access_token;
    rig.controls.clear_hits();
    for (request, field) in [
        (of("web", ""), "token"),
        (of("web", "a b"), "token"),
        (of("nobody", "x"), "oidc_client"),
        (IntrospectTokenRequest { oidc_client: None, ..of("", "x") }, "oidc_client"),
        (IntrospectTokenRequest { token_kind: 7, ..of("web", "x") }, "token_kind"),
        // A token of Rownd itself is not shown to the provider.
        (of("web", &rig.token("ann")), "token"),
    ] {
        assert_field(ask(&rig, request).await, field);
    }
    assert_eq!(rig.hits(Endpoint::Oidc), 0);
    assert!(ask(&rig, of("web", &jwt)).await.unwrap().active);
    said(ask(&rig, of("wrong", "x")).await).is(Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED");
}

#[tokio::test]
async fn a_caller_needs_the_right_and_a_provider_the_endpoint() {
    let rig = rig().await;
    let answer = rig.known(BLOGGER).introspect_token(of("web", "x")).await;
    said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    // A question changes nothing, so it is asked again.
    rig.controls.clear_hits();
    ask(&rig, of("web", "x")).await.unwrap();
    let asked = rig.hits(Endpoint::Oidc);
    rig.controls.inject(Fault::status(Endpoint::Oidc, 503).times(1)).unwrap();
    ask(&rig, of("web", "x")).await.unwrap();
    assert!(rig.hits(Endpoint::Oidc) >= asked + 2);
    let rig = Rig::with(callers).await;
    let base = format!("http://{}", rig.emulator);
    let metadata = json!({
        "issuer": format!("{base}/oidc/{APP}"),
        "authorization_endpoint": format!("{base}/oidc/{APP}/auth"),
        "token_endpoint": format!("{base}/oidc/{APP}/token"),
    });
    rig.controls.inject(Fault::body(Endpoint::Oidc, metadata.to_string()).times(1)).unwrap();
    said(ask(&rig, of("web", "x")).await)
        .is(Code::Unimplemented, "ISSUER_UNSUPPORTED")
        .tells("issuer", "provider");
}
