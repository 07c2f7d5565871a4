//! Passports with what the profile says, and what RowndAuth makes of a passport.

use std::fs;

use rownd_authz::grpc::pb::rownd::auth::v1::{
    MigrationGrant, RefreshTokenGrant, ThirdPartyTokenGrant, VerifyRequest,
    exchange_request::Grant, verify_response::Outcome,
};
use rownd_emulator::Endpoint;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Rig, assert_field};
use crate::support::{Ask, forge::unb64};

/// Rules whose passports state the profile, and a key.
fn with_passports(settings: &mut Value, dir: &TempDir) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let file = dir.path().join("key.pem");
    fs::write(&file, pem::encode(&pem::Pem::new("PRIVATE KEY", key.serialize_der()))).unwrap();
    settings["passport"] = json!({
        "issuer": "https://authz.example.com", "subject": "user_id", "keys": [{ "file": file }],
    });
    settings["roles"] = json!({ "group_staff/owner": { "permissions": ["orders:*"] } });
    settings["role_sources"] = json!([{ "issuers": ["rownd"], "group_roles": true }]);
    let rule = |id: &str, claims: Value| {
        let path = json!({ "prefix": format!("/{id}") });
        json!({ "id": id, "match": { "path": path },
            "passport": { "audience": "orders", "claims": claims } })
    };
    settings["routes"] = json!([
        rule(
            "profile",
            json!({
                "email": { "profile": "email" }, "plan": { "profile": "plan" },
                "proved": { "verified": "plan" }, "tags": { "attribute": "shop:tags" },
                "absent": { "profile": "absent" },
            })
        ),
        rule(
            "rights",
            json!({
                "roles": { "identity": "roles" }, "permissions": { "identity": "permissions" },
            })
        ),
        rule("token", json!({ "level": { "identity": "auth_level" } })),
    ]);
}

/// The claims of the passport that this request gets. Another test holds its signature.
async fn passport(rig: &Rig, path: &str, token: &str) -> (String, Value) {
    let answer = rig.app.check(&Ask::get(path).bearer(token)).await;
    answer.assert_allowed(path, "authenticated");
    let passport = answer.set("x-rownd-passport").expect("a passport").to_owned();
    let claims = passport.split('.').nth(1).unwrap();
    let claims = serde_json::from_slice(&unb64(claims)).unwrap();
    (passport, claims)
}

#[tokio::test]
async fn a_passport_states_the_profile_and_the_rights_that_are_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::with(|settings| with_passports(settings, &dir)).await;
    let token = rig.token("ann");
    let (_, stated) = passport(&rig, "/token", &token).await;
    assert_eq!(stated["level"], "verified");
    assert_eq!(rig.hits(Endpoint::UserData), 0, "no profile is needed");

    let (first, stated) = passport(&rig, "/profile", &token).await;
    for (name, expected) in [
        ("email", json!("ann@example.com")),
        ("plan", json!("pro")),
        ("tags", json!(["vip"])),
        ("absent", Value::Null),
        ("proved", Value::Null),
    ] {
        assert_eq!(stated.get(name).unwrap_or(&Value::Null), &expected, "{name}: {stated}");
    }
    let (_, stated) = passport(&rig, "/rights", &token).await;
    assert_eq!(stated["roles"], json!(["group_staff/editor", "group_staff/owner"]));
    assert_eq!(stated["permissions"], json!(["orders:*"]));
    assert_eq!(rig.hits(Endpoint::UserData), 1, "the profile is kept");
    assert_eq!(passport(&rig, "/profile", &token).await.0, first, "so is the passport");
}

#[tokio::test]
async fn a_profile_that_cannot_be_read_is_a_denial_and_no_passport_with_less() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::with(|settings| with_passports(settings, &dir)).await;
    let token = rig.token("ann");
    rig.controls.inject(rownd_emulator::Fault::status(Endpoint::UserData, 503)).unwrap();
    for path in ["/profile", "/rights"] {
        let answer = rig.app.check(&Ask::get(path).bearer(&token)).await;
        answer.assert_denied(path, rownd_authz::model::DenyReason::ProfileUnavailable);
    }
    passport(&rig, "/token", &token).await;
}

#[tokio::test]
async fn a_passport_is_refused_by_every_method_and_sent_to_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::with(|settings| with_passports(settings, &dir)).await;
    let (passport, _) = passport(&rig, "/token", &rig.token("ann")).await;
    let request = VerifyRequest { token: passport.clone(), ..VerifyRequest::default() };
    let answer = rig.stub().verify(request).await.unwrap().into_inner();
    match answer.outcome {
        Some(Outcome::Denial(denial)) => assert_eq!(denial.reason, "token_header_refused"),
        other => panic!("{other:?}"),
    }
    let token = || passport.clone();
    let third_party = ThirdPartyTokenGrant { token: token(), ..ThirdPartyTokenGrant::default() };
    let refresh = RefreshTokenGrant { refresh_token: token(), ..RefreshTokenGrant::default() };
    let before = [Endpoint::Token, Endpoint::UserData].map(|endpoint| rig.hits(endpoint));
    for (field, grant) in [
        ("third_party_token.token", Grant::ThirdPartyToken(third_party)),
        ("refresh_token.refresh_token", Grant::RefreshToken(refresh)),
        ("migration.token", Grant::Migration(MigrationGrant { token: token() })),
    ] {
        let status = rig.exchange(grant).await.expect_err(field);
        assert!(!status.message().contains(&passport), "{field}");
        assert_field(Err::<(), _>(status), field);
    }
    let after = [Endpoint::Token, Endpoint::UserData].map(|endpoint| rig.hits(endpoint));
    assert_eq!(before, after);
}
