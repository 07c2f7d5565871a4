//! `Exchange` beside the table of its errors: refusals that repeat no secret, mistakes that are found
//! before anything is sent, and the profiles and apps of what comes.

use prost_types::value::Kind;
use rownd_authz::grpc::pb::rownd::auth::v1::{
    AuthLevel, AuthorizationCodeGrant, BuildAuthorizationUrlRequest, ExchangeRequest,
    ThirdPartyTokenGrant, exchange_request::Grant,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{
    APP, BLOG, Rig, assert_field,
    errors::{by_id, fields, good, guest, third},
    openid, said,
};

/// The words of Rownd go no further than the messages about fields, and those are short.
#[tokio::test]
async fn a_refusal_repeats_nothing_that_could_be_a_secret() {
    let rig = Rig::start().await;
    let secret = "x".repeat(60);
    let many: Value = (0..100).map(|n| (format!("f{n:03}"), json!(["is bad"]))).collect();
    for (name, errors, expected) in [
        ("a text", json!({ "email": "is taken" }), vec![("email", "is taken")]),
        ("several", json!({ "email": ["is long", "is odd"] }), vec![("email", "is long; is odd")]),
        (
            "a token",
            json!({ "email": [format!("{secret} is bad")] }),
            vec![("email", "is refused")],
        ),
        ("another shape", json!({ "email": { "a": secret } }), vec![("email", "is refused")]),
        ("a line end", json!({ "email": ["a\nb"] }), vec![("email", "is refused")]),
        ("a long name", json!({ (secret.repeat(4)): ["is bad"], "b": ["c"] }), vec![("b", "c")]),
    ] {
        let body = json!({ "statusCode": 400, "message": secret, "field_errors": errors });
        let fault = Fault::body(Endpoint::Token, body.to_string());
        rig.controls.inject(Fault { status: Some(400), ..fault }).unwrap();
        let status = rig.exchange(Grant::ThirdPartyToken(third())).await.unwrap_err();
        rig.controls.clear_faults();
        assert!(!format!("{status:?}").contains(&secret), "{name}");
        let told = said::<()>(Err(status)).is(Code::InvalidArgument, "USER_DATA_REFUSED");
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(field, text)| (format!("third_party_token.user_data.{field}"), text.to_owned()))
            .collect();
        assert_eq!(told.fields, expected, "{name}");
    }
    let body =
        json!({ "statusCode": 400, "error": "Bad Request", "field_errors": many }).to_string();
    let fault = Fault::body(Endpoint::Token, body);
    rig.controls.inject(Fault { status: Some(400), ..fault }).unwrap();
    let answer = rig.exchange(Grant::ThirdPartyToken(third())).await;
    assert_eq!(said(answer).fields.len(), 32);
}

#[tokio::test]
async fn a_code_without_its_nonce_is_not_sent() {
    let rig = Rig::start().await;
    let grant = openid::sign_in(&rig, "web").await;
    rig.controls.clear_hits();
    for nonce in [None, Some(String::new())] {
        let without = AuthorizationCodeGrant { nonce, ..grant.clone() };
        let answer = rig.exchange(Grant::AuthorizationCode(without)).await;
        assert_field(answer, "authorization_code.nonce");
    }
    assert_eq!(rig.hits(Endpoint::Oidc), 0);
    // It is as good as before.
    rig.tokens(Grant::AuthorizationCode(grant)).await;
    let scopes = BuildAuthorizationUrlRequest {
        oidc_client: "web".into(),
        scopes: vec!["email".into()],
        ..BuildAuthorizationUrlRequest::default()
    };
    assert_field(rig.admin().build_authorization_url(scopes).await, "scopes");
}

/// The profile of an exchange is the one that is read next: of its user, and of the instant user who
/// became this user.
#[tokio::test]
async fn an_exchange_drops_the_cached_profile_of_its_user() {
    let rig = Rig::start().await;
    let plan = async |id: &str| {
        let answer = rig.admin().get_user(by_id(id)).await?.into_inner();
        let data = answer.user.unwrap().data.unwrap();
        Ok::<_, Status>(data.fields.get("plan").and_then(|plan| plan.kind.clone()))
    };
    let with = |text: &str| ThirdPartyTokenGrant {
        user_data: Some(fields(&[("plan", Kind::StringValue(text.to_owned()))])),
        ..good(&rig)
    };
    for text in ["pro", "free", "team"] {
        rig.tokens(Grant::ThirdPartyToken(with(text))).await;
        assert_eq!(plan("bob").await.unwrap(), Some(Kind::StringValue(text.to_owned())));
        // Cached from here on.
        rig.controls.clear_hits();
        plan("bob").await.unwrap();
        assert_eq!(rig.hits(Endpoint::UserData), 0);
    }
    let Ok(super::Outcome::Tokens(tokens)) = rig.trade(guest(AuthLevel::Instant)).await else {
        panic!("no tokens")
    };
    let instant = tokens.user_id.unwrap();
    plan(&instant).await.unwrap();
    let convert = ThirdPartyTokenGrant { instant_user_id: Some(instant.clone()), ..good(&rig) };
    rig.tokens(Grant::ThirdPartyToken(convert)).await;
    said(plan(&instant).await).is(Code::NotFound, "USER_NOT_FOUND");
}

#[tokio::test]
async fn an_app_is_not_given_the_tokens_of_another() {
    let rig = Rig::with(|settings| {
        // The keys are mixed up; both apps are configured.
        settings["issuers"][0]["apps"] =
            json!([{ "id": APP, "key": "key_blog" }, { "id": BLOG, "key": "key_shop" }]);
    })
    .await;
    for app in [APP, BLOG] {
        let request = ExchangeRequest { app_id: Some(app.into()), ..guest(AuthLevel::Instant) };
        said(rig.trade(request).await)
            .is(Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED")
            .tells("deny_reason", "audience_mismatch");
    }
}
