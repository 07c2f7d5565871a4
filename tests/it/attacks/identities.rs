//! Claims that say who somebody is, what kind of token it is, and whose.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{Court, Kind};
use crate::support::{
    Claims, Issuer,
    forge::{APP, USER, now},
};

for_every_kind!(only_access_tokens_are_access_tokens, a_key_of_one_issuer_says_nothing_for_another);

async fn only_access_tokens_are_access_tokens(kind: Kind) {
    let court = Court::of(kind).await;
    let kind = |value: Value| court.claims().rownd("jwt_type", value);
    court.takes("said to be one", court.key.token(&kind(json!("access_token")))).await;
    let others = [
        json!("refresh_token"),
        json!("id_token"),
        json!("app_token"),
        json!("ACCESS_TOKEN"),
        json!("access_token "),
        json!(""),
        json!(null),
        json!(5),
        json!(true),
        json!(["access_token"]),
        json!({}),
    ];
    for other in others {
        let token = court.key.token(&kind(other.clone()));
        court.refuses(&format!("jwt_type {other}"), &token, DenyReason::TokenKindRefused).await;
    }
    // Like Rownd's own refresh tokens: 30 days, no level.
    let refresh = court
        .claims()
        .rownd("jwt_type", "refresh_token")
        .without("https://auth.rownd.io/auth_level")
        .with("exp", now() + 30 * 86_400);
    court.refuses("a refresh token", court.key.token(&refresh), DenyReason::TokenKindRefused).await;
    court.adjourns().await;
}

#[tokio::test]
async fn a_claim_the_identity_rests_on_is_there_and_sound() {
    let court = Court::sit().await;
    let user = |value: Value| court.claims().rownd("app_user_id", value);
    let level = |name: &str, value: Value| court.claims().rownd(name, value);
    let rows: Vec<Claims> = vec![
        court.claims().without("https://auth.rownd.io/app_user_id"),
        user(json!("")),
        user(json!(null)),
        user(json!(5)),
        user(json!([USER])),
        user(json!({ "id": USER })),
        user(json!(true)),
        user(json!(" padded")),
        user(json!("padded ")),
        user(json!("\u{a0}padded")),
        user(json!("a\r\nx-injected: 1")),
        user(json!("a\u{0}b")),
        user(json!("a\u{7f}b")),
        user(json!("a\u{85}b")),
        user(json!("\u{1b}[31m")),
        user(json!(".")),
        user(json!("..")),
        court.claims().without("sub"),
        court.claims().with("sub", ""),
        // Bound to a key of the client (RFC 7800), which nobody has proved to hold.
        court.claims().with("cnf", json!({ "jkt": "x" })),
        court.claims().with("cnf", json!(null)),
        level("is_anonymous", json!("true")),
        level("is_anonymous", json!(1)),
        level("is_verified_user", json!("true")),
        level("is_verified_user", json!(null)),
        level("auth_level", json!(4)),
        level("auth_level", json!(null)),
        level("auth_level", json!(["verified"])),
    ];
    for claims in rows {
        let what = claims.json().to_string();
        court.refuses(&what, court.key.token(&claims), DenyReason::ClaimsInvalid).await;
    }
    for (name, value) in [
        ("sub", json!(5)),
        ("sub", json!(null)),
        ("sub", json!([USER])),
        ("jti", json!(5)),
        ("jti", json!(null)),
    ] {
        let token = court.key.token(&court.claims().with(name, value.clone()));
        court.refuses(&format!("{name} {value}"), &token, DenyReason::TokenMalformed).await;
    }
    court.adjourns().await;
}

#[tokio::test]
async fn a_guest_is_never_verified_whatever_else_the_token_says() {
    let court = Court::sit().await;
    // Level, anonymous; level and flags for the service behind.
    let rows = [
        ("verified", None, ["verified", "true", "false"]),
        ("unverified", None, ["unverified", "false", "false"]),
        ("guest", Some(true), ["guest", "false", "true"]),
        ("verified", Some(true), ["guest", "false", "true"]),
        ("instant", None, ["instant", "false", "false"]),
        ("Verified", None, ["instant", "false", "false"]),
        ("superuser", None, ["instant", "false", "false"]),
        ("verified ", None, ["instant", "false", "false"]),
    ];
    for (level, anonymous, expected) in rows {
        // All of them are said to be verified, as Rownd says of guests.
        let mut claims = court.claims().level(level);
        if let Some(anonymous) = anonymous {
            claims = claims.rownd("is_anonymous", anonymous);
        }
        let what = format!("{level} {anonymous:?}");
        let answer = court.takes(&what, court.key.token(&claims)).await;
        let names = ["x-rownd-auth-level", "x-rownd-verified", "x-rownd-anonymous"];
        assert_eq!(names.map(|name| answer.set(name)), expected.map(Some), "{what}");
    }
    // Tokens of 2022 have no level: it is derived, and a guest stays one.
    let old = court.claims().without("https://auth.rownd.io/auth_level");
    let answer = court.takes("2022", court.key.token(&old)).await;
    assert_eq!(answer.set("x-rownd-auth-level"), Some("verified"));
    let answer =
        court.takes("2022", court.key.token(&old.clone().rownd("is_anonymous", true))).await;
    assert_eq!(answer.set("x-rownd-auth-level"), Some("guest"));
    let answer = court.takes("2022", court.key.token(&old.rownd("is_verified_user", false))).await;
    assert_eq!(answer.set("x-rownd-auth-level"), Some("unverified"));
    court.adjourns().await;
}

#[tokio::test]
async fn an_app_variant_outside_of_the_allow_list_is_refused() {
    let allow = |c: &mut Value| c["issuers"][0]["apps"][0]["variants"] = json!(["brand"]);
    let court = Court::sit_with(allow).await;
    let through = |variants: &[&str]| {
        let mut aud = vec![format!("app:{APP}")];
        aud.extend(variants.iter().map(|variant| format!("app_variant:{variant}")));
        court.key.token(&court.claims().with("aud", json!(aud)))
    };
    let answer = court.takes("allowed", through(&["brand"])).await;
    assert_eq!(answer.set("x-rownd-app-variant"), Some("brand"));
    court.takes("none", through(&[])).await;
    for variant in ["other", "Brand", "brand ", "", "brandx"] {
        court.refuses(variant, through(&[variant]), DenyReason::VariantRefused).await;
    }
    court.refuses("two", through(&["brand", "other"]), DenyReason::ClaimsInvalid).await;
    court.adjourns().await;
}

async fn a_key_of_one_issuer_says_nothing_for_another(kind: Kind) {
    let (key_a, key_b) = (kind.key("sig-1"), kind.key("sig-1"));
    let other = Issuer::with_keys(&[&key_b]);
    let second = kind.settings("second", &other, &[&key_b]);
    let court = Court::of_with(kind, |c| c["issuers"].as_array_mut().unwrap().push(second)).await;
    let claims = [court.claims(), kind.claims("second", &other)];
    let answer = court.takes("first", court.key.token(&claims[0])).await;
    assert_eq!(answer.set("x-rownd-issuer"), Some(kind.name()));
    let answer = court.takes("second", key_b.token(&claims[1])).await;
    assert_eq!(answer.set("x-rownd-issuer"), Some("second"));
    // The same key name on both sides, and no key crosses over.
    for (key, claims) in
        [(&court.key, &claims[1]), (&key_b, &claims[0]), (&key_a, &claims[0]), (&key_a, &claims[1])]
    {
        let what = claims.json()["iss"].to_string();
        court.refuses(&what, key.token(claims), DenyReason::SignatureInvalid).await;
    }
    court.adjourns().await;
}
