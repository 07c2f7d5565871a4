//! Several keys of one app, and keys of its variants: they are one app, and `app_variant_id` chooses
//! the key.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    AuthLevel, ExchangeRequest, GetUserRequest, GuestGrant, RefreshTokenGrant,
    ThirdPartyTokenGrant, VerifyRequest, exchange_request::Grant, exchange_response::Outcome,
    get_user_request::Subject, verify_response,
};
use rownd_emulator::Endpoint;
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{APP, APP_KEY, APP_SECRET, BLOG, Rig, assert_field, said};

const KIDS: &str = "variant_kids";
const OUTLET: &str = "variant_outlet";

/// With these entries for the apps of Rownd.
async fn rig(apps: Value) -> Rig {
    Rig::with(|settings| settings["issuers"][0]["apps"] = apps).await
}

/// Both keys of variants beside the app's own; one is known by its key alone.
async fn with_variants() -> Rig {
    rig(json!([
        { "id": APP, "key": APP_KEY, "secret": APP_SECRET },
        { "key": "key_kids" },
        { "id": APP, "key": "key_outlet", "variant": OUTLET },
    ]))
    .await
}

fn request(app: Option<&str>, variant: Option<&str>, grant: Grant) -> ExchangeRequest {
    ExchangeRequest {
        issuer: Some("rownd".to_owned()),
        app_id: app.map(str::to_owned),
        app_variant_id: variant.map(str::to_owned),
        grant: Some(grant),
    }
}

fn guest(level: AuthLevel) -> Grant {
    Grant::Guest(GuestGrant { auth_level: level.into() })
}

fn third(rig: &Rig, user: &str) -> Grant {
    let token = rig.foreign(user, &format!("{user}@example.com"));
    Grant::ThirdPartyToken(ThirdPartyTokenGrant { token, ..ThirdPartyTokenGrant::default() })
}

/// The app and the variant of the tokens that come.
async fn traded(rig: &Rig, request: ExchangeRequest) -> Result<(String, Option<String>), Status> {
    let Outcome::Tokens(tokens) = rig.trade(request).await? else { panic!("no tokens") };
    assert!(tokens.user_id.is_some());
    let request = VerifyRequest { token: tokens.access_token, ..VerifyRequest::default() };
    match rig.stub().verify(request).await?.into_inner().outcome.unwrap() {
        verify_response::Outcome::Identity(who) => Ok((who.app_id.unwrap(), who.app_variant)),
        verify_response::Outcome::Denial(denial) => panic!("{denial:?}"),
    }
}

#[tokio::test]
async fn a_variant_signs_in_beside_its_base_brand() {
    let rig = with_variants().await;
    for app in [None, Some(APP)] {
        for variant in [None, Some(KIDS), Some(OUTLET)] {
            for grant in [third(&rig, "bob"), guest(AuthLevel::Instant), guest(AuthLevel::Guest)] {
                let came = traded(&rig, request(app, variant, grant)).await.unwrap();
                assert_eq!(came, (APP.to_owned(), variant.map(str::to_owned)), "{app:?}");
            }
        }
    }
}

#[tokio::test]
async fn several_keys_of_one_app_are_one_app() {
    for apps in [
        json!([{ "id": APP, "key": APP_KEY, "secret": APP_SECRET }, { "id": APP, "key": APP_KEY }]),
        json!([{ "id": APP }, { "id": APP, "key": APP_KEY, "secret": APP_SECRET }]),
        json!([{ "key": APP_KEY, "secret": APP_SECRET }, { "id": APP }]),
        json!([{ "key": "key_kids" }, { "key": APP_KEY, "secret": APP_SECRET }]),
    ] {
        let rig = rig(apps.clone()).await;
        for grant in [third(&rig, "bob"), guest(AuthLevel::Instant)] {
            let came = traded(&rig, request(None, None, grant)).await;
            let came = came.unwrap_or_else(|status| panic!("{apps}: {status:?}"));
            assert_eq!(came, (APP.to_owned(), None), "{apps}");
        }
        // Also where no exchange is asked for.
        let user = GetUserRequest {
            subject: Some(Subject::UserId("ann".to_owned())),
            ..GetUserRequest::default()
        };
        rig.admin().get_user(user).await.unwrap_or_else(|status| panic!("{apps}: {status:?}"));
    }
}

#[tokio::test]
async fn the_only_key_is_taken_even_if_it_is_of_a_variant() {
    for apps in
        [json!([{ "key": "key_kids" }]), json!([{ "id": APP, "key": "key_kids", "variant": KIDS }])]
    {
        let rig = rig(apps).await;
        let came = traded(&rig, request(None, None, third(&rig, "bob"))).await.unwrap();
        assert_eq!(came, (APP.to_owned(), Some(KIDS.to_owned())));
    }
    let rig = rig(json!([{ "key": "key_kids" }, { "key": "key_outlet" }])).await;
    let unnamed = rig.trade(request(None, None, third(&rig, "bob"))).await;
    assert_field(unnamed, "app_variant_id");
    let came = traded(&rig, request(None, Some(OUTLET), third(&rig, "bob"))).await.unwrap();
    assert_eq!(came.1.as_deref(), Some(OUTLET));
}

#[tokio::test]
async fn a_variant_without_a_key_is_refused_before_anything_is_sent() {
    let rig = with_variants().await;
    rig.controls.clear_hits();
    for variant in ["nobodys", "", APP] {
        for grant in [third(&rig, "bob"), guest(AuthLevel::Instant)] {
            assert_field(rig.trade(request(None, Some(variant), grant)).await, "app_variant_id");
        }
    }
    let refresh = RefreshTokenGrant { refresh_token: "x".into(), ..RefreshTokenGrant::default() };
    let refresh = request(None, Some(KIDS), Grant::RefreshToken(refresh));
    assert_field(rig.trade(refresh).await, "app_variant_id");
    let session = ExchangeRequest {
        issuer: Some("sessions".to_owned()),
        ..request(None, Some(KIDS), guest(AuthLevel::Guest))
    };
    assert_field(rig.trade(session).await, "app_variant_id");
    assert_eq!((rig.hits(Endpoint::Token), rig.hits(Endpoint::Instant)), (0, 0));
}

#[tokio::test]
async fn two_apps_have_to_be_named_however_many_keys_they_have() {
    let rig = rig(json!([
        { "id": APP, "key": APP_KEY },
        { "id": APP, "key": "key_kids", "variant": KIDS },
        { "id": BLOG, "key": "key_blog" },
    ]))
    .await;
    assert_field(rig.trade(request(None, None, third(&rig, "bob"))).await, "app_id");
    let of_blog = rig.trade(request(Some(BLOG), Some(KIDS), third(&rig, "bob"))).await;
    assert_field(of_blog, "app_variant_id");
    let came = traded(&rig, request(Some(BLOG), None, third(&rig, "bob"))).await.unwrap();
    assert_eq!(came, (BLOG.to_owned(), None));
}

/// A fact that Rownd has not told yet is no mistake of the caller.
#[tokio::test]
async fn a_variant_that_is_not_known_yet_may_be_asked_for_again() {
    let rig = Rig::with(|settings| {
        settings["issuers"][0]["required"] = json!(false);
        settings["issuers"][0]["apps"] =
            json!([{ "id": APP, "key": APP_KEY }, { "key": "key_of_nobody" }]);
    })
    .await;
    let pending = rig.trade(request(Some(APP), Some(KIDS), third(&rig, "bob"))).await;
    said(pending).is(Code::Unavailable, "APP_UNKNOWN");
    let came = traded(&rig, request(Some(APP), None, third(&rig, "bob"))).await.unwrap();
    assert_eq!(came, (APP.to_owned(), None));
}
