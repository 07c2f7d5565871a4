//! Sessions of SuperTokens, with and without Rownd's claims.

use serde_json::{Value, json};

use super::{SUPERTOKENS, judge, session};
use crate::{
    model::{AuthLevel, CookieProof, DenyReason},
    verify::tests::with,
};

#[test]
fn a_supertokens_session_is_an_identity() {
    let who = judge(SUPERTOKENS, &session()).unwrap();
    assert_eq!(
        (who.user_id.as_str(), who.auth_level, who.anonymous),
        ("user_1", AuthLevel::Verified, false)
    );
    assert_eq!(who.session_id.as_deref(), Some("handle-1"));
    assert_eq!(who.tenant.as_deref(), Some("public"));
    assert_eq!(
        (who.roles, who.scopes),
        (vec!["admin".into(), "editor".into()], vec!["read".to_owned()])
    );
    assert_eq!((who.app_id, who.cookie_proof), (None, CookieProof::AntiCsrf(None)));
}

#[test]
fn a_session_names_its_app_and_variant() {
    let yaml = format!("{SUPERTOKENS}, apps: [{{ id: app_1 }}]");
    let claims = with(session(), &json!({"aud": ["app:app_1", "app_variant:night"]}));
    let who = judge(&yaml, &claims).unwrap();
    assert_eq!((who.app_id.as_deref(), who.app_variant.as_deref()), (Some("app_1"), Some("night")));
}

#[test]
fn rownds_claims_are_read_where_a_session_has_them_and_else_the_subject() {
    let id = "https://auth.rownd.io/app_user_id";
    let level = "https://auth.rownd.io/auth_level";
    let anonymous = "https://auth.rownd.io/is_anonymous";
    let verified = "https://auth.rownd.io/is_verified_user";
    for (name, change, user, expected, is_anonymous) in [
        (
            "an imported user",
            json!({id: "rownd_1", "sub": "st_1"}),
            "rownd_1",
            AuthLevel::Verified,
            false,
        ),
        ("a new user", json!({id: null}), "user_1", AuthLevel::Verified, false),
        ("a guest", json!({level: "guest", anonymous: true}), "user_1", AuthLevel::Guest, true),
        ("instant", json!({level: "instant"}), "user_1", AuthLevel::Instant, true),
        (
            "no Rownd claims",
            json!({id: null, level: null, verified: null}),
            "user_1",
            AuthLevel::Unverified,
            false,
        ),
        ("an unknown level", json!({level: "root"}), "user_1", AuthLevel::Instant, true),
        // Claims without Rownd's prefix may be those of any customer.
        (
            "plain names alone",
            json!({id: null, "app_user_id": "x"}),
            "user_1",
            AuthLevel::Verified,
            false,
        ),
        ("no type", json!({"stt": null}), "user_1", AuthLevel::Verified, false),
    ] {
        let who = judge(SUPERTOKENS, &with(session(), &change)).unwrap();
        assert_eq!(
            (who.user_id.as_str(), who.auth_level, who.anonymous),
            (user, expected, is_anonymous),
            "{name}"
        );
    }
    let token = with(session(), &json!({"antiCsrfToken": "abc"}));
    let proof = judge(SUPERTOKENS, &token).unwrap().cookie_proof;
    assert_eq!(proof, CookieProof::AntiCsrf(Some("abc".into())));
}

#[test]
fn a_token_that_is_no_session_is_refused() {
    let jwt_type = "https://auth.rownd.io/jwt_type";
    for (name, change, expected) in [
        ("an OAuth2 token", json!({"stt": 1}), DenyReason::TokenKindRefused),
        ("a type that is no number", json!({"stt": "0"}), DenyReason::TokenKindRefused),
        ("a fraction", json!({"stt": 0.0}), DenyReason::TokenKindRefused),
        ("no session handle", json!({"sessionHandle": null}), DenyReason::TokenKindRefused),
        ("an empty handle", json!({"sessionHandle": ""}), DenyReason::TokenKindRefused),
        ("a handle that is no text", json!({"sessionHandle": 1}), DenyReason::TokenKindRefused),
        (
            "a refresh token of Rownd's",
            json!({jwt_type: "refresh_token"}),
            DenyReason::TokenKindRefused,
        ),
        ("no subject", json!({"sub": null}), DenyReason::ClaimsInvalid),
        (
            "a user id that is no text",
            json!({"https://auth.rownd.io/app_user_id": 1}),
            DenyReason::ClaimsInvalid,
        ),
        (
            "an empty user id",
            json!({"https://auth.rownd.io/app_user_id": ""}),
            DenyReason::ClaimsInvalid,
        ),
        ("a tenant that is no text", json!({"tId": 1}), DenyReason::ClaimsInvalid),
        ("roles that are no list", json!({"st-role": {"v": 1}}), DenyReason::ClaimsInvalid),
        ("a csrf token that is no text", json!({"antiCsrfToken": 1}), DenyReason::ClaimsInvalid),
        ("two apps", json!({"aud": ["app:a", "app:b"]}), DenyReason::ClaimsInvalid),
    ] {
        assert_eq!(judge(SUPERTOKENS, &with(session(), &change)).err(), Some(expected), "{name}");
    }
}

#[test]
fn a_session_is_for_the_app_it_names_or_the_configured_one() {
    let app = format!("{SUPERTOKENS}, apps: [{{ id: app_1 }}]");
    let audience = format!("{SUPERTOKENS}, audiences: [mine]");
    let named = |aud: Value| with(session(), &json!({"aud": aud}));
    for (name, yaml, claims, expected) in [
        ("no audience", SUPERTOKENS, session(), Ok(None)),
        ("an app", SUPERTOKENS, named(json!(["app:a", "x"])), Ok(Some("a"))),
        ("configured and not named", &app, session(), Ok(Some("app_1"))),
        ("configured and named", &app, named(json!("app:app_1")), Ok(Some("app_1"))),
        ("another app", &app, named(json!(["app:app_2"])), Err(DenyReason::AudienceMismatch)),
        ("an audience asked for", &audience, named(json!(["mine"])), Ok(None)),
        ("and missing", &audience, session(), Err(DenyReason::AudienceMismatch)),
        ("and another", &audience, named(json!("mine2")), Err(DenyReason::AudienceMismatch)),
    ] {
        let found = judge(yaml, &claims).map(|who| who.app_id);
        assert_eq!(found, expected.map(|app: Option<&str>| app.map(str::to_owned)), "{name}");
    }
}
