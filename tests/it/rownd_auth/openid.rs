//! The code flow: `BuildAuthorizationUrl`, a user on the provider's page, `Exchange` of the code,
//! and the refresh of what came.

use std::collections::HashMap;

use futures_util::future::join_all;
use rownd_authz::grpc::pb::rownd::auth::v1::{
    AuthorizationCodeGrant, BuildAuthorizationUrlRequest, BuildAuthorizationUrlResponse,
    ExchangeRequest, RefreshTokenGrant, exchange_request::Grant,
};
use rownd_emulator::{Endpoint, Fault};
use tonic::{Code, Status};
use url::Url;

use super::{APP, CALLBACK, Rig, assert_field, said};
use crate::support::{sign_in::consent, until};

async fn authorization(
    rig: &Rig,
    request: BuildAuthorizationUrlRequest,
) -> Result<BuildAuthorizationUrlResponse, Status> {
    Ok(rig.admin().build_authorization_url(request).await?.into_inner())
}

fn of(client: &str) -> BuildAuthorizationUrlRequest {
    BuildAuthorizationUrlRequest { oidc_client: client.to_owned(), ..Default::default() }
}

fn query(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// Ann signs in; the grant that comes of it.
pub(super) async fn sign_in(rig: &Rig, client: &str) -> AuthorizationCodeGrant {
    let asked = authorization(rig, of(client)).await.unwrap();
    let url = Url::parse(&asked.url).unwrap();
    let target = format!("{}?{}", url.path(), url.query().unwrap());
    let back = query(&consent(rig.emulator, &target, "ann").await);
    assert_eq!(back["state"], asked.state);
    AuthorizationCodeGrant {
        oidc_client: client.to_owned(),
        code: back["code"].clone(),
        redirect_uri: None,
        code_verifier: asked.code_verifier,
        nonce: Some(asked.nonce),
    }
}

fn refresh(client: &str, token: &str) -> Grant {
    Grant::RefreshToken(RefreshTokenGrant {
        refresh_token: token.to_owned(),
        oidc_client: Some(client.to_owned()),
        scopes: Vec::new(),
    })
}

#[tokio::test]
async fn the_url_asks_for_what_is_configured_and_what_is_wished() {
    let rig = Rig::start().await;
    let plain = authorization(&rig, of("web")).await.unwrap();
    let wished = authorization(
        &rig,
        BuildAuthorizationUrlRequest {
            scopes: vec!["openid".into(), "email".into()],
            resource: Some(format!("app:{APP}")),
            login_hint: Some("ann@example.com".into()),
            prompt: Some("login".into()),
            redirect_uri: Some(CALLBACK.into()),
            ..of("phone")
        },
    );
    let wished = wished.await.unwrap();
    let url = Url::parse(&plain.url).unwrap();
    assert_eq!(url.path(), format!("/oidc/{APP}/auth"));
    let asked = query(&url);
    let expected = [
        ("response_type", "code"),
        ("client_id", "key_shop_web"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid email offline_access"),
        ("state", &plain.state),
        ("nonce", &plain.nonce),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in expected {
        assert_eq!(asked[name], value, "{name}");
    }
    let secrets = [&plain.state, &plain.nonce, plain.code_verifier.as_ref().unwrap()];
    for secret in secrets {
        assert!(secret.len() >= 43, "{secret}");
    }
    assert!(!plain.url.contains(plain.code_verifier.as_ref().unwrap()), "it stays here");
    let asked = query(&Url::parse(&wished.url).unwrap());
    for (name, value) in
        [("scope", "openid email"), ("resource", "app:app_shop"), ("prompt", "login")]
    {
        assert_eq!(asked[name], value, "{name}");
    }
    assert_eq!(asked["login_hint"], "ann@example.com");
    assert_ne!(plain.state, wished.state);
    assert_ne!(plain.code_verifier, wished.code_verifier);
    assert_eq!(rig.hits(Endpoint::Oidc), 3, "for the keys two, and the metadata once for both");
}

#[tokio::test]
async fn a_code_becomes_tokens_with_pkce_and_with_a_secret() {
    let rig = Rig::start().await;
    // Basic and PKCE, a secret in the body without PKCE, PKCE without a secret.
    for client in ["web", "web-post", "phone"] {
        let grant = sign_in(&rig, client).await;
        assert_eq!(grant.code_verifier.is_some(), client != "web-post");
        let tokens = rig.tokens(Grant::AuthorizationCode(grant.clone())).await;
        assert!(tokens.id_token.is_some() && tokens.expire_time.is_some(), "{client}");
        assert!(tokens.scopes.contains(&"openid".to_owned()), "{client}");
        assert_eq!(tokens.refresh_token.is_some(), client != "web-post", "{client}");
        let again = rig.exchange(Grant::AuthorizationCode(grant)).await;
        said(again)
            .is(Code::FailedPrecondition, "CODE_REFUSED")
            .tells("upstream_code", "invalid_grant");
    }
}

#[tokio::test]
async fn openid_refresh_tokens_are_traded_once_too() {
    let rig = Rig::start().await;
    let grant = sign_in(&rig, "phone").await;
    let first = rig.tokens(Grant::AuthorizationCode(grant)).await;
    let token = first.refresh_token.unwrap();
    rig.controls.clear_hits();
    let answers = join_all((0..50).map(|_| rig.tokens(refresh("phone", &token)))).await;
    assert_eq!(rig.hits(Endpoint::Oidc), 1);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_ne!(answers[0].refresh_token.as_ref(), Some(&token), "it rotates");
    // A request that is wrong in another way costs nobody the session.
    let scopes = Grant::RefreshToken(RefreshTokenGrant {
        refresh_token: answers[0].refresh_token.clone().unwrap(),
        oidc_client: Some("phone".to_owned()),
        scopes: vec!["openid".into(), "never-granted".into()],
    });
    if let Err(status) = rig.exchange(scopes).await {
        said::<()>(Err(status)).is(Code::FailedPrecondition, "EXCHANGE_REFUSED");
    }
    // The client is part of the question.
    let other = rig.exchange(refresh("web", &token)).await;
    said(other).is(Code::FailedPrecondition, "REFRESH_TOKEN_REFUSED");
}

#[tokio::test]
async fn an_id_token_of_another_sign_in_is_refused() {
    let rig = Rig::start().await;
    let mut grant = sign_in(&rig, "web").await;
    grant.nonce = Some("another".to_owned());
    let answer = rig.exchange(Grant::AuthorizationCode(grant)).await;
    said(answer).is(Code::FailedPrecondition, "ID_TOKEN_REFUSED");
}

#[tokio::test]
async fn a_wrong_verifier_or_secret_gives_nothing() {
    let rig = Rig::start().await;
    let mut grant = sign_in(&rig, "phone").await;
    let missing = AuthorizationCodeGrant { code_verifier: None, ..grant.clone() };
    let field = "authorization_code.code_verifier";
    assert_field(rig.exchange(Grant::AuthorizationCode(missing)).await, field);
    grant.code_verifier = Some("x".repeat(43));
    let answer = rig.exchange(Grant::AuthorizationCode(grant)).await;
    said(answer).is(Code::FailedPrecondition, "CODE_REFUSED");

    let mut grant = sign_in(&rig, "web").await;
    grant.oidc_client = "wrong".to_owned();
    let answer = rig.exchange(Grant::AuthorizationCode(grant)).await;
    said(answer).is(Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED");
}

#[tokio::test]
async fn a_provider_that_is_down_is_unavailable_and_not_asked_for_a_code_twice() {
    let rig = Rig::start().await;
    let grant = sign_in(&rig, "web").await;
    rig.controls.clear_hits();
    rig.controls.inject(Fault::status(Endpoint::Oidc, 503)).unwrap();
    let answer = rig.exchange(Grant::AuthorizationCode(grant)).await;
    said(answer).is(Code::Unavailable, "ROWND_UNAVAILABLE");
    assert_eq!(rig.hits(Endpoint::Oidc), 1);
}

#[tokio::test]
async fn a_mistake_in_the_call_names_the_field() {
    let rig = Rig::start().await;
    let evil = "https://evil.example.com/callback".to_owned();
    for (request, field) in [
        (of(""), "oidc_client"),
        (of("nobody"), "oidc_client"),
        (
            BuildAuthorizationUrlRequest { redirect_uri: Some(evil.clone()), ..of("web") },
            "redirect_uri",
        ),
        (BuildAuthorizationUrlRequest { scopes: vec!["a b".into()], ..of("web") }, "scopes"),
        (BuildAuthorizationUrlRequest { prompt: Some(String::new()), ..of("web") }, "prompt"),
        (BuildAuthorizationUrlRequest { prompt: Some("zz".into()), ..of("web") }, "prompt"),
    ] {
        assert_field(authorization(&rig, request).await, field);
    }
    let grant = AuthorizationCodeGrant {
        oidc_client: "web".into(),
        code: "x".into(),
        code_verifier: Some("v".into()),
        nonce: Some("n".into()),
        ..AuthorizationCodeGrant::default()
    };
    let rows = [
        (
            AuthorizationCodeGrant { code: String::new(), ..grant.clone() },
            "authorization_code.code",
        ),
        (
            AuthorizationCodeGrant { redirect_uri: Some(evil), ..grant.clone() },
            "authorization_code.redirect_uri",
        ),
        (
            AuthorizationCodeGrant { oidc_client: "nobody".into(), ..grant.clone() },
            "authorization_code.oidc_client",
        ),
    ];
    for (grant, field) in rows {
        assert_field(rig.exchange(Grant::AuthorizationCode(grant)).await, field);
    }
    let named = ExchangeRequest {
        issuer: Some("rownd".into()),
        grant: Some(Grant::AuthorizationCode(grant)),
        ..ExchangeRequest::default()
    };
    assert_field(rig.trade(named).await, "issuer");
}

#[tokio::test]
async fn a_caller_that_leaves_finds_the_tokens_of_its_code() {
    let rig = Rig::start().await;
    let grant = sign_in(&rig, "web").await;
    rig.controls.clear_hits();
    let slow = Fault { delay_ms: Some(500), times: Some(1), ..Fault::status(Endpoint::Oidc, 200) };
    rig.controls.inject(Fault { status: None, ..slow }).unwrap();
    let request = || ExchangeRequest {
        grant: Some(Grant::AuthorizationCode(grant.clone())),
        ..ExchangeRequest::default()
    };
    let (mut stub, first) = (rig.admin(), request());
    let left = tokio::spawn(async move { stub.exchange(first).await });
    until("the request at the provider", || rig.hits(Endpoint::Oidc) == 1).await;
    left.abort();
    // The code alone is not enough: everything of the sign-in belongs to the answer.
    let other = AuthorizationCodeGrant { code_verifier: Some("x".repeat(43)), ..grant.clone() };
    let tokens = rig.tokens(Grant::AuthorizationCode(grant.clone())).await;
    assert!(tokens.id_token.is_some());
    said(rig.exchange(Grant::AuthorizationCode(other)).await)
        .is(Code::FailedPrecondition, "CODE_REFUSED");
}
