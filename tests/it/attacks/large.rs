//! Large identities: the tokens of users in many groups pass whole, and what does not fit into a
//! header is denied or left out, never cut and never taken from the client.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{Court, Kind};
use crate::support::{Answer, Ask};

for_every_kind!(a_token_of_entra_with_200_groups_and_two_certificates_passes);

/// GUIDs, as Entra names groups.
fn guids(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{index:08x}-0000-4000-8000-0123456789ab")).collect()
}

/// The claims `roles` and `groups` become lists of the identity.
fn lists(settings: &mut Value) {
    let claims = &mut settings["issuers"][0]["claims"];
    claims["roles"] = json!("roles");
    claims["groups"] = json!("groups");
    claims["scopes"] = json!("permissions");
}

async fn a_token_of_entra_with_200_groups_and_two_certificates_passes(kind: Kind) {
    let court = Court::of_with(kind, lists).await;
    let mut header = court.key.header();
    header["x5c"] = json!([STANDARD.encode([7; 2_048]), STANDARD.encode([8; 2_048])]);
    header["x5t"] = json!("nOo3ZDrODXEK1jKWhXslHR_KXEg");
    let claims = court.claims().with("groups", json!(guids(200))).with("wids", json!(guids(10)));
    let token = court.key.token_under(&header, &claims);
    assert!(token.len() > 16 << 10, "it is large: {}", token.len());
    let answer = court.takes("200 groups", &token).await;
    assert_eq!(answer.set("x-rownd-groups"), Some(guids(200).join(",").as_str()));
    assert_eq!(answer.list("groups"), Some(guids(200).iter().map(String::as_str).collect()));
    court.adjourns().await;
}

async fn with_groups(court: &Court, groups: &[String], spoofed: &str) -> Answer {
    let token = court.key.token(&court.claims().with("groups", json!(groups)));
    court.app.check(&Ask::with_token(token).header(spoofed, "admins")).await
}

#[tokio::test]
async fn a_denial_for_its_size_names_the_header() {
    let court = Court::sit_with(lists).await;
    let many = json!(guids(300));
    for (claim, header) in [
        ("roles", "x-rownd-roles"),
        ("groups", "x-rownd-groups"),
        ("permissions", "x-rownd-scopes"),
    ] {
        let token = court.key.token(&court.claims().with(claim, many.clone()));
        let answer = court.judge(token).await;
        answer.assert_denied(header, DenyReason::IdentityTooLarge);
        let message = answer.body()["message"].as_str().unwrap().to_owned();
        assert!(message.ends_with(&format!(": {header}")), "{message}");
        assert!(answer.header("www-authenticate").unwrap().contains(header), "{answer:?}");
        assert_eq!(answer.list("groups"), None, "a denial repeats no list");
    }
    court.adjourns().await;
}

#[tokio::test]
async fn groups_that_are_left_out_are_absent_and_said() {
    let court = Court::sit_with(|settings| {
        lists(settings);
        settings["identity_headers"]["on_too_large"] = json!({ "groups": "omit" });
    })
    .await;
    let omitted = || {
        court
            .app
            .metric("rownd_authz_identity_headers_omitted_total", &[("header", "x-rownd-groups")])
    };
    for (round, spoofed) in
        ["x-rownd-groups", "X_Rownd_Groups", "x~rownd~groups"].iter().enumerate()
    {
        let answer = with_groups(&court, &guids(300), spoofed).await;
        answer.assert_allowed("300 groups", "authenticated");
        assert_eq!(answer.set("x-rownd-groups"), None);
        let gone = |name: &str| answer.removed().iter().any(|gone| gone.eq_ignore_ascii_case(name));
        assert!(gone("x-rownd-groups") && (round == 0 || gone(spoofed)), "{answer:?}");
        assert_eq!(answer.list("omitted_headers"), Some(vec!["x-rownd-groups"]));
        assert_eq!(answer.list("groups"), None);
        assert!(answer.set("x-rownd-user-id").is_some(), "the others are there");
        assert!((omitted() - (round as f64 + 1.0)).abs() < 0.1, "each check is counted");
    }
    // A list that fits is set, and nothing is said of it.
    let answer = with_groups(&court, &guids(3), "x-rownd-groups").await;
    assert_eq!(answer.set("x-rownd-groups"), Some(guids(3).join(",").as_str()));
    assert_eq!(answer.list("omitted_headers"), None);
    // Roles are not groups, and a single value is never left out.
    let roles = court.key.token(&court.claims().with("roles", json!(guids(300))));
    court.refuses("roles", roles, DenyReason::IdentityTooLarge).await;
    let id = court.key.token(&court.claims().rownd("app_user_id", "u".repeat(1025)));
    court.refuses("a user id", id, DenyReason::IdentityTooLarge).await;
    court.adjourns().await;
}
