//! `Verify`: whose token it is, or why it does not count, and when that cannot be said.

use prost_types::value::Kind;
use rownd_authz::{
    grpc::pb::rownd::auth::v1::{
        AuthLevel, Denial, DenialKind, Freshness, Identity, MembershipState, MigrationGrant,
        VerifyRequest, exchange_request::Grant, verify_response::Outcome,
    },
    model::DenyReason,
};
use rownd_emulator::{Endpoint, Fault, SignedBy, TokenOrder};
use serde_json::json;
use tonic::{Code, Status};

use super::{APP, APP_KEY, APP_SECRET, Rig, assert_field, said};
use crate::support::{TestApp, http::request};

async fn verify(rig: &Rig, request: VerifyRequest) -> Result<Outcome, Status> {
    let answer = rig.stub().verify(request).await?;
    Ok(answer.into_inner().outcome.expect("an outcome is always set"))
}

fn asked(token: impl Into<String>) -> VerifyRequest {
    VerifyRequest { token: token.into(), ..VerifyRequest::default() }
}

#[track_caller]
fn identity(outcome: Result<Outcome, Status>) -> Identity {
    match outcome.unwrap_or_else(|status| panic!("{status:?}")) {
        Outcome::Identity(identity) => identity,
        Outcome::Denial(denial) => panic!("{denial:?}"),
    }
}

#[track_caller]
fn denial(outcome: Result<Outcome, Status>) -> Denial {
    match outcome.unwrap_or_else(|status| panic!("{status:?}")) {
        Outcome::Denial(denial) => denial,
        Outcome::Identity(identity) => panic!("{identity:?}"),
    }
}

#[tokio::test]
async fn a_good_token_says_whose_it_is() {
    let rig = Rig::start().await;
    let order = Rig::order("ann").claim("plan", "pro").claim("nested", json!({ "n": [1, null] }));
    let token = rig.mint(&order);
    // Verified, then out of the cache: the same in every part.
    let first = identity(verify(&rig, asked(&token)).await);
    assert_eq!(identity(verify(&rig, asked(&token)).await), first);
    assert_eq!(first.user_id, "ann");
    assert_eq!(first.issuer, "rownd");
    assert_eq!(first.app_id.as_deref(), Some(APP));
    assert_eq!(first.app_variant, None);
    assert_eq!(first.auth_level(), AuthLevel::Verified);
    assert!(first.verified && !first.anonymous);
    assert_eq!(first.audiences, [format!("app:{APP}")]);
    let claims = first.claims.unwrap().fields;
    let text = |name: &str| match &claims[name].kind {
        Some(Kind::StringValue(text)) => text.clone(),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(text("plan"), "pro");
    assert_eq!(Some(text("jti")), first.token_id);
    assert!(matches!(claims["nested"].kind, Some(Kind::StructValue(_))));
    let lifetime = first.expire_time.unwrap().seconds - first.issue_time.unwrap().seconds;
    assert_eq!(lifetime, 3600);
    assert_eq!(first.not_before_time, None);
    assert!(first.memberships.is_empty(), "nobody asked for them");

    let guest = identity(verify(&rig, asked(rig.token("greg"))).await);
    assert_eq!(guest.auth_level(), AuthLevel::Guest);
    assert!(guest.anonymous && !guest.verified);
}

#[tokio::test]
async fn a_bad_token_is_a_denial_and_never_an_error() {
    let rig = Rig::start().await;
    let foreign = TokenOrder { app: Some("app_other".to_owned()), ..TokenOrder::of("ann") };
    let rows = [
        ("forged", rig.mint(&Rig::order("ann").signed_by(SignedBy::Foreign)), "signature_invalid"),
        ("expired", rig.mint(&Rig::order("ann").issued(-7200)), "token_expired"),
        ("a refresh token", rig.mint(&Rig::order("ann").refresh()), "token_kind_refused"),
        ("another app's", rig.mint(&foreign), "audience_mismatch"),
        (
            "another issuer's",
            rig.mint(&Rig::order("ann").claim("iss", "https://x.test")),
            "issuer_untrusted",
        ),
        ("no token at all", "x".to_owned(), "token_malformed"),
        ("two dots", "..".to_owned(), "token_malformed"),
        ("too long", "x".repeat(30_000), "token_too_large"),
    ];
    for (name, token, reason) in rows {
        let denial = denial(verify(&rig, asked(token)).await);
        assert_eq!(denial.reason, reason, "{name}");
        assert_eq!(denial.kind(), DenialKind::Unauthenticated, "{name}");
        let known = DenyReason::ALL.iter().find(|known| known.code() == reason).unwrap();
        assert_eq!(denial.message, known.message(), "{name}");
        let judged = !["issuer_untrusted", "token_malformed", "token_too_large"].contains(&reason);
        assert_eq!(denial.issuer.as_deref(), judged.then_some("rownd"), "{name}");
        let counted = [("api", "rownd_auth"), ("reason", reason)];
        assert!(rig.app.metric("rownd_authz_checks_total", &counted) >= 1.0, "{name}");
    }
}

#[tokio::test]
async fn a_good_token_may_not_suffice() {
    let rig = Rig::start().await;
    let (ann, greg) = (rig.token("ann"), rig.token("greg"));
    let level = |token: &str, least: AuthLevel| VerifyRequest {
        minimum_auth_level: Some(least.into()),
        ..asked(token)
    };
    let app = |app: &str| VerifyRequest { app_id: Some(app.to_owned()), ..asked(&ann) };
    let audience = |aud: &str| VerifyRequest { audience: Some(aud.to_owned()), ..asked(&ann) };
    let rows = [
        ("its app", app(APP), None),
        ("another app", app("app_other"), Some("audience_mismatch")),
        ("its audience", audience("app:app_shop"), None),
        ("a part of it", audience("app:app_sho"), Some("audience_mismatch")),
        ("no audience", audience(""), Some("audience_mismatch")),
        ("its level", level(&ann, AuthLevel::Verified), None),
        ("a lower level", level(&greg, AuthLevel::Instant), None),
        ("a higher level", level(&greg, AuthLevel::Unverified), Some("auth_level_too_low")),
    ];
    for (name, request, expected) in rows {
        match (verify(&rig, request).await.unwrap(), expected) {
            (Outcome::Identity(_), None) => {}
            (Outcome::Denial(denial), Some(reason)) => {
                assert_eq!(denial.reason, reason, "{name}");
                assert_eq!(denial.issuer.as_deref(), Some("rownd"), "{name}");
                let too_low = reason == "auth_level_too_low";
                let kind =
                    if too_low { DenialKind::Forbidden } else { DenialKind::Unauthenticated };
                assert_eq!(denial.kind(), kind, "{name}");
                let least = too_low.then_some(AuthLevel::Unverified as i32);
                assert_eq!(denial.required_auth_level, least, "{name}");
            }
            (outcome, expected) => panic!("{name}: {outcome:?}, not {expected:?}"),
        }
    }
}

#[tokio::test]
async fn the_profile_is_asked_only_where_the_caller_wants_it() {
    let rig = Rig::start().await;
    let (ann, banned) = (rig.token("ann"), rig.token("banned"));
    identity(verify(&rig, asked(&banned)).await);
    assert_eq!(rig.hits(Endpoint::UserData), 0, "a token alone asks nobody");
    let fresh =
        |token: &str| VerifyRequest { freshness: Freshness::Profile.into(), ..asked(token) };
    identity(verify(&rig, fresh(&ann)).await);
    assert_eq!(denial(verify(&rig, fresh(&banned)).await).reason, "user_disabled");
    let gone = rig.token("nobody");
    assert_eq!(denial(verify(&rig, fresh(&gone)).await).reason, "user_not_found");

    let with = |token: &str| VerifyRequest { include_memberships: true, ..asked(token) };
    let obeyed = denial(verify(&rig, with(&banned)).await);
    assert_eq!(obeyed.reason, "user_disabled", "whoever looks at a profile obeys it");
    let known = identity(verify(&rig, with(&ann)).await);
    let [staff] = known.memberships.as_slice() else { panic!("{known:?}") };
    assert_eq!(
        (staff.group_id.as_str(), staff.group_name.as_deref()),
        ("group_staff", Some("Staff"))
    );
    assert_eq!(staff.roles, ["owner", "editor"]);
    assert_eq!(staff.state(), MembershipState::Active);
    assert_eq!(rig.hits(Endpoint::UserData), 3, "a profile is read once");
}

/// The operator gave no secret, so no user can help it: an error, as in `GetUser`. An issuer without
/// profiles is another matter: its users are refused.
#[tokio::test]
async fn a_profile_that_no_secret_opens_is_no_denial() {
    let rig = Rig::with(|settings| {
        settings["issuers"][0]["apps"] = json!([{ "id": APP }]);
    })
    .await;
    let (token, forged) =
        (rig.token("ann"), rig.mint(&Rig::order("ann").signed_by(SignedBy::Foreign)));
    let fresh =
        |token: &str| VerifyRequest { freshness: Freshness::Profile.into(), ..asked(token) };
    let with = |token: &str| VerifyRequest { include_memberships: true, ..asked(token) };
    for request in [fresh(&token), with(&token)] {
        said(verify(&rig, request).await).is(Code::FailedPrecondition, "PROFILE_UNSUPPORTED");
    }
    identity(verify(&rig, asked(&token)).await);
    assert_eq!(denial(verify(&rig, fresh(&forged)).await).reason, "signature_invalid");
    let migration = Grant::Migration(MigrationGrant { token });
    let session = rig.tokens(migration).await.access_token;
    let refused = denial(verify(&rig, fresh(&session)).await);
    assert_eq!(
        (refused.reason.as_str(), refused.kind()),
        ("profile_unsupported", DenialKind::Forbidden)
    );
}

#[tokio::test]
async fn what_is_revoked_does_not_count() {
    let rig = Rig::with(|settings| {
        settings["profiles"] = json!({ "ttl": "0s" });
    })
    .await;
    let order = Rig::order("ann").issued(-60);
    let token = rig.mint(&order);
    let fresh = || VerifyRequest { freshness: Freshness::Profile.into(), ..asked(&token) };
    identity(verify(&rig, fresh()).await);
    let path = format!("/applications/{APP}/users/ann/signout");
    let proof = format!("x-rownd-app-key: {APP_KEY}\r\nx-rownd-app-secret: {APP_SECRET}\r\n");
    let body = json!({ "sign_out_all": true }).to_string();
    let head = format!("{proof}content-type: application/json\r\n");
    let answer = request(rig.emulator, &format!("POST {path}"), &head, &body).await;
    assert!(answer.head.contains(" 204 "), "{}", answer.head);
    assert_eq!(denial(verify(&rig, fresh()).await).reason, "revoked");
    identity(verify(&rig, asked(&token)).await);
}

#[tokio::test]
async fn a_mistake_in_the_call_names_the_field() {
    let rig = Rig::start().await;
    let token = rig.token("ann");
    assert_field(verify(&rig, asked("")).await, "token");
    for level in [0, 9, -1] {
        let request = VerifyRequest { minimum_auth_level: Some(level), ..asked(&token) };
        assert_field(verify(&rig, request).await, "minimum_auth_level");
    }
    let request = VerifyRequest { freshness: 7, ..asked(&token) };
    assert_field(verify(&rig, request).await, "freshness");
    let bad = [("method", "Verify"), ("code", "INVALID_ARGUMENT")];
    assert_eq!(rig.app.metric("rownd_authz_rpcs_total", &bad), 5.0);
}

#[tokio::test]
async fn what_cannot_be_decided_is_unavailable_and_says_when_to_come_again() {
    let rig = Rig::start().await;
    let token = rig.token("ann");
    rig.controls.inject(Fault::status(Endpoint::UserData, 503)).unwrap();
    let request = VerifyRequest { freshness: Freshness::Profile.into(), ..asked(&token) };
    said(verify(&rig, request).await).is(Code::Unavailable, "PROFILE_UNAVAILABLE");

    // Nobody has any keys.
    let mut settings = super::settings("http://127.0.0.1:1");
    settings["issuers"][0]["required"] = json!(false);
    settings["issuers"][0]["issuer"] = json!(format!("http://{}", rig.emulator));
    settings["issuers"] = json!([settings["issuers"][0]]);
    settings["rownd_auth"] = json!({});
    let app = TestApp::start(&settings).await;
    let mut stub = super::RowndAuthClient::new(app.channel());
    let answer = stub.verify(asked(&token)).await;
    said(answer).is(Code::Unavailable, "KEYS_UNAVAILABLE");
}
