//! `UpdateCustomClaims`: the next tokens have the claims, and everything that refuses a change.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use prost_types::{FieldMask, value::Kind};
use rownd_authz::grpc::pb::rownd::auth::v1::{
    CustomClaim, UpdateCustomClaimsRequest, UpdateCustomClaimsResponse, custom_claim::Source,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{APP, APP_KEY, APP_SECRET, Stage};
use crate::it::rownd_auth::{Rig, TRADER, assert_field, said};

fn field(name: &str) -> CustomClaim {
    CustomClaim { source: Some(Source::UserProfileField(name.to_owned())) }
}

fn constant(kind: Kind) -> CustomClaim {
    let value = prost_types::Value { kind: Some(kind) };
    CustomClaim { source: Some(Source::StaticValue(value)) }
}

fn set(claims: &[(&str, CustomClaim)], mask: Option<&[&str]>) -> UpdateCustomClaimsRequest {
    let paths =
        |paths: &[&str]| FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() };
    UpdateCustomClaimsRequest {
        custom_claims: claims
            .iter()
            .map(|(name, claim)| ((*name).to_owned(), claim.clone()))
            .collect(),
        update_mask: mask.map(paths),
        ..UpdateCustomClaimsRequest::default()
    }
}

async fn update(
    stage: &Stage,
    request: UpdateCustomClaimsRequest,
) -> Result<UpdateCustomClaimsResponse, Status> {
    Ok(stage.apps().update_custom_claims(request).await?.into_inner())
}

/// The claims of a new token of ann.
fn token(stage: &Stage) -> Value {
    let token = stage.rig.mint(&Rig::order("ann"));
    let body = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
}

#[tokio::test]
async fn the_next_token_has_the_claims() {
    for patch in ["replaces", "merges"] {
        let stage = Stage::with(|settings| {
            settings["issuers"][0]["api_answers"] = json!({ "app_patch": patch });
        })
        .await;
        let before = stage.config().await;
        let three = constant(Kind::NumberValue(3.0));
        let claims = [("plan", field("plan")), ("https://shop.example/tier", three)];
        let answer = update(&stage, set(&claims, None)).await.unwrap();
        assert_eq!(
            answer.custom_claims,
            HashMap::from(claims.clone().map(|(n, c)| (n.to_owned(), c)))
        );
        assert_eq!(answer.omitted, [] as [String; 0]);
        let claims = token(&stage);
        assert_eq!(
            (&claims["plan"], &claims["https://shop.example/tier"]),
            (&json!("pro"), &json!(3))
        );
        let after = stage.config().await;
        assert_eq!(after.custom_claims, answer.custom_claims, "{patch}");
        assert_eq!(after.custom_claims_etag, answer.custom_claims_etag);
        assert_eq!((after.schema, after.name), (before.schema, before.name), "the rest stays");

        // Others stay, one is removed, one is changed.
        let vip = constant(Kind::BoolValue(true));
        update(&stage, set(&[("vip", vip)], None)).await.unwrap();
        let answer = update(&stage, set(&[], Some(&["custom_claims.plan"]))).await.unwrap();
        let mut names: Vec<_> = answer.custom_claims.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["https://shop.example/tier", "vip"], "{patch}");
        let claims = token(&stage);
        assert_eq!((claims.get("plan"), &claims["vip"]), (None, &json!(true)), "{patch}");

        // The mask without a name is all of them.
        let answer = update(&stage, set(&[("a", field("plan"))], Some(&["custom_claims"]))).await;
        assert_eq!(answer.unwrap().custom_claims.len(), 1, "{patch}");
        let answer = update(&stage, set(&[], Some(&["custom_claims"]))).await.unwrap();
        assert!(answer.custom_claims.is_empty(), "{patch}");
        assert_eq!(token(&stage).get("a"), None, "{patch}");
    }
}

#[tokio::test]
async fn an_etag_is_of_the_claims_alone() {
    let stage = Stage::start().await;
    let etag = stage.config().await.custom_claims_etag;
    let with = |etag: &str| UpdateCustomClaimsRequest {
        etag: etag.to_owned(),
        ..set(&[("plan", field("plan"))], None)
    };
    said(update(&stage, with("W/\"old\"")).await).is(Code::Aborted, "ETAG_MISMATCH");
    update(&stage, with(&etag)).await.unwrap();
    said(update(&stage, with(&etag)).await).is(Code::Aborted, "ETAG_MISMATCH");
}

#[tokio::test]
async fn reserved_names_and_odd_values_are_refused_before_anything_is_sent() {
    let stage = Stage::start().await;
    stage.rig.controls.clear_hits();
    for name in [
        "",
        "sub",
        "SUB",
        "iss",
        "aud",
        "exp",
        "jti",
        "st-role",
        "sessionHandle",
        "tId",
        "rsub",
        "app_user_id",
        "auth_level",
        "https://auth.rownd.io/app_user_id",
        "HTTPS://auth.rownd.io/x",
        "__proto__",
        "a\n",
        " sub",
    ] {
        assert_field(update(&stage, set(&[(name, field("plan"))], None)).await, "custom_claims");
        let all = set(&[(name, field("plan"))], Some(&["custom_claims"]));
        assert_field(update(&stage, all).await, "custom_claims");
    }
    for claim in [
        CustomClaim { source: None },
        field(""),
        constant(Kind::NullValue(0)),
        constant(Kind::NumberValue(f64::INFINITY)),
        constant(Kind::StringValue("x".repeat(4097))),
    ] {
        assert_field(update(&stage, set(&[("plan", claim)], None)).await, "custom_claims");
    }
    assert_field(update(&stage, set(&[], None)).await, "custom_claims");
    for path in ["*", "config", "custom_claims.", "custom_claims.*", "name"] {
        let request = set(&[("plan", field("plan"))], Some(&[path]));
        assert_field(update(&stage, request).await, "update_mask");
    }
    assert_eq!(stage.rig.controls.hits(Endpoint::Platform), 0);
}

/// The error says that key and secret cannot do it.
#[tokio::test]
async fn without_an_operator_nothing_can_be_changed() {
    let stage = Stage::with(|settings| {
        settings["issuers"][0]["apps"] =
            json!([{ "id": APP, "key": APP_KEY, "secret": APP_SECRET }]);
    })
    .await;
    let status = update(&stage, set(&[("plan", field("plan"))], None)).await.unwrap_err();
    assert!(status.message().contains("operator_token"), "{}", status.message());
    said(Err::<(), _>(status)).is(Code::FailedPrecondition, "OPERATOR_TOKEN_MISSING");
    assert_eq!(stage.rig.controls.hits(Endpoint::Platform), 0);
}

#[tokio::test]
async fn an_operator_who_is_refused_is_told() {
    let ann = Rig::start().await.token("ann");
    for token in ["not-a-token", &ann] {
        let stage = Stage::with(|settings| {
            settings["issuers"][0]["apps"][0]["operator_token"] = json!(token);
        })
        .await;
        said(update(&stage, set(&[("plan", field("plan"))], None)).await)
            .is(Code::FailedPrecondition, "OPERATOR_TOKEN_REFUSED");
    }
}

#[tokio::test]
async fn a_change_that_fails_half_way_is_told() {
    let stage = Stage::start().await;
    let request = || set(&[("plan", field("plan"))], None);
    let config = |claims: Value| {
        let config = json!({ "hub": { "auth": { "access_tokens": { "custom_claims": claims } } } });
        json!({ "id": APP, "config": config }).to_string()
    };
    let read = || Fault::body(Endpoint::Platform, config(json!({}))).times(1);
    let again = json!({ "plan": { "source": "user_profile", "value": "plan" } });
    for (faults, code, reason) in [
        (vec![Fault::status(Endpoint::Platform, 503)], Code::Unavailable, "ROWND_UNAVAILABLE"),
        (vec![Fault::status(Endpoint::Platform, 404)], Code::NotFound, "APP_NOT_FOUND"),
        (vec![Fault::body(Endpoint::Platform, "{}")], Code::Internal, "ROWND_ANSWER_INVALID"),
        (
            vec![read(), Fault::status(Endpoint::Platform, 500).times(1)],
            Code::Unavailable,
            "WRITE_OUTCOME_UNKNOWN",
        ),
        (
            vec![read(), Fault::status(Endpoint::Platform, 400).times(1)],
            Code::FailedPrecondition,
            "REQUEST_REFUSED",
        ),
        (
            vec![read(), Fault::body(Endpoint::Platform, config(json!({}))).times(1)],
            Code::FailedPrecondition,
            "CLAIMS_NOT_APPLIED",
        ),
    ] {
        for fault in faults {
            stage.rig.controls.inject(fault).unwrap();
        }
        said(update(&stage, request()).await).is(code, reason);
        stage.rig.controls.clear_faults();
    }
    // A field that the app does not have.
    let unknown = set(&[("plan", field("no_such_field"))], None);
    said(update(&stage, unknown).await).is(Code::FailedPrecondition, "REQUEST_REFUSED");
    // The change is there although its answer cannot be read: it is read again.
    stage.rig.controls.inject(read()).unwrap();
    stage.rig.controls.inject(Fault::garbage(Endpoint::Platform).after().times(1)).unwrap();
    let answer = update(&stage, request()).await.unwrap();
    assert_eq!(answer.custom_claims.len(), again.as_object().unwrap().len());
}

#[tokio::test]
async fn a_caller_needs_the_right_to_manage() {
    const READER: &str = "the-secret-of-a-reader-of-apps";
    let stage = Stage::with(|settings| {
        let callers = settings["rownd_auth"]["callers"].as_array_mut().unwrap();
        callers.push(json!({ "name": "reader", "secret": READER, "allow": ["read_apps"] }));
    })
    .await;
    for secret in [READER, TRADER] {
        let request = set(&[("plan", field("plan"))], None);
        let answer = stage.apps_as(secret).update_custom_claims(request).await;
        said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    }
    let request = UpdateCustomClaimsRequest {
        issuer: Some("sessions".to_owned()),
        ..set(&[("plan", field("plan"))], None)
    };
    said(update(&stage, request).await).is(Code::Unimplemented, "ISSUER_UNSUPPORTED");
    assert_eq!(stage.rig.controls.hits(Endpoint::Platform), 0);
}
