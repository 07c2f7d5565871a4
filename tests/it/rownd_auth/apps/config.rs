//! `GetAppConfig`: what it says, for whom, and what of other shapes is left out.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    GetAppConfigRequest, app_service_client::AppServiceClient,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::json;
use tonic::Code;

use super::{APP, APP_KEY, APP_SECRET, Stage};
use crate::it::rownd_auth::{BLOG, TRADER, assert_field, said};

#[tokio::test]
async fn the_configuration_of_an_app_is_read_by_its_key() {
    let stage = Stage::start().await;
    let config = stage.config().await;
    assert_eq!((config.app_id.as_str(), config.name.as_str()), (APP, "Shop"));
    assert!(config.icon.is_some());
    assert_eq!(config.verification_fields, ["email", "phone_number", "google_id"]);
    let plan = &config.schema["plan"];
    assert_eq!((plan.r#type.as_str(), plan.required), ("string", false));
    assert_eq!(plan.display_name, "plan");
    assert!(plan.more.as_ref().unwrap().fields.contains_key("owned_by"), "{plan:?}");
    assert!(config.custom_claims.is_empty() && config.custom_claims_etag.starts_with("W/\""));
    assert!(config.config.unwrap().fields.contains_key("hub"));
    assert!(config.variants.is_empty(), "no key of one is configured");
}

#[tokio::test]
async fn variants_are_those_whose_keys_are_configured() {
    let stage = Stage::with(|settings| {
        settings["issuers"][0]["apps"] = json!([
            { "id": APP, "key": APP_KEY, "secret": APP_SECRET },
            { "id": APP, "key": "key_outlet", "variant": "variant_outlet" },
            { "id": APP, "key": "key_wrong", "variant": "variant_wrong" },
            { "key": "key_kids" },
        ]);
    })
    .await;
    let answer = stage.read().await.unwrap();
    let variants = answer.app_config.unwrap().variants;
    let found: Vec<_> =
        variants.iter().map(|variant| (variant.id.as_str(), variant.name.as_str())).collect();
    assert_eq!(
        found,
        [("variant_kids", "Kids"), ("variant_outlet", "Outlet"), ("variant_wrong", "")]
    );
    assert_eq!(answer.omitted, ["variants.variant_wrong"]);
}

/// One of Rownd's tools writes the claims without `hub`.
#[tokio::test]
async fn claims_are_read_at_both_places() {
    let stage = Stage::start().await;
    let claim = |value: &str| json!({ "source": "static_value", "value": value });
    let document = json!({ "config_type": "app", "app": {
        "id": APP, "name": "Shop", "schema": { "email": { "type": "string" }, "odd": 7 },
        "user_verification_field": "email",
        "config": {
            "hub": { "auth": { "access_tokens": { "custom_claims": { "a": claim("1") } } } },
            "auth": { "access_tokens": { "custom_claims": {
                "a": claim("2"), "b": claim("3"), "odd": { "source": "script" } } } },
        },
    } });
    let fault = Fault::body(Endpoint::AppConfig, document.to_string());
    stage.rig.controls.inject(fault.times(1)).unwrap();
    let answer = stage.read().await.unwrap();
    let config = answer.app_config.unwrap();
    let value = |name: &str| format!("{:?}", config.custom_claims[name]);
    assert!(value("a").contains("\"1\"") && value("b").contains("\"3\""), "{config:?}");
    assert_eq!(config.custom_claims.len(), 2);
    assert_eq!(config.verification_fields, ["email"]);
    let mut omitted = answer.omitted;
    omitted.sort();
    assert_eq!(omitted, ["custom_claims.odd", "schema.odd"]);
}

#[tokio::test]
async fn an_app_that_cannot_be_read_says_why() {
    let stage = Stage::start().await;
    let app = |id: &str| json!({ "app": { "id": id } }).to_string();
    for (fault, code, reason) in [
        (Fault::body(Endpoint::AppConfig, app(BLOG)), Code::Internal, "ROWND_ANSWER_INVALID"),
        (Fault::body(Endpoint::AppConfig, "{}"), Code::Internal, "ROWND_ANSWER_INVALID"),
        (Fault::garbage(Endpoint::AppConfig), Code::Internal, "ROWND_ANSWER_INVALID"),
        (
            Fault::status(Endpoint::AppConfig, 401),
            Code::FailedPrecondition,
            "APP_CREDENTIALS_REFUSED",
        ),
        (Fault::status(Endpoint::AppConfig, 503), Code::Unavailable, "ROWND_UNAVAILABLE"),
    ] {
        stage.rig.controls.inject(fault).unwrap();
        said(stage.read().await).is(code, reason);
        stage.rig.controls.clear_faults();
    }
    let no_key = Stage::with(|settings| {
        settings["issuers"][0]["apps"] = json!([{ "id": APP }]);
    })
    .await;
    said(no_key.read().await).is(Code::FailedPrecondition, "APP_KEY_MISSING");
}

#[tokio::test]
async fn callers_read_the_apps_within_their_bounds() {
    let secret = |name: &str| format!("the-secret-of-the-caller-{name}");
    let stage = Stage::with(|settings| {
        settings["issuers"][0]["apps"] = json!([
            { "id": APP, "key": APP_KEY }, { "id": BLOG, "key": "key_blog" },
        ]);
        let callers = settings["rownd_auth"]["callers"].as_array_mut().unwrap();
        for (name, allow, app) in [("blogger", "read_apps", BLOG), ("groups", "read_groups", APP)] {
            callers.push(json!({ "name": name, "secret": secret(name), "allow": [allow],
                "apps": [app] }));
        }
    })
    .await;
    let of = |app: Option<&str>, issuer: Option<&str>| GetAppConfigRequest {
        issuer: issuer.map(str::to_owned),
        app_id: app.map(str::to_owned),
    };
    stage.rig.controls.clear_hits();
    for who in [secret("groups"), TRADER.to_owned()] {
        let answer = stage.apps_as(&who).get_app_config(of(Some(APP), None)).await;
        said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    }
    let mut local = AppServiceClient::new(stage.app.channel());
    let answer = local.get_app_config(of(Some(APP), None)).await;
    said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    let mut blogger = stage.apps_as(&secret("blogger"));
    said(blogger.get_app_config(of(Some(APP), None)).await)
        .is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    assert_eq!(stage.rig.controls.hits(Endpoint::AppConfig), 0);
    let own = blogger.get_app_config(of(None, None)).await.unwrap().into_inner();
    assert_eq!(own.app_config.unwrap().app_id, BLOG);
    let mut apps = stage.apps();
    for issuer in ["sessions", "provider"] {
        said(apps.get_app_config(of(None, Some(issuer))).await)
            .is(Code::Unimplemented, "ISSUER_UNSUPPORTED")
            .tells("issuer", issuer);
    }
    assert_field(apps.get_app_config(of(None, None)).await, "app_id");
    assert_field(apps.get_app_config(of(Some("app_none"), None)).await, "app_id");
    assert_field(apps.get_app_config(of(None, Some("nobody"))).await, "issuer");
}
