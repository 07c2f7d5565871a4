//! The facts that each kind of issuer reads in a token's claims, and the tokens that it refuses.

mod audience;
mod machine;
mod supertokens;

use serde_json::{Value, json};

use super::{APP, access, parse, unsigned, with};
use crate::{
    config::{self, SigningAlgorithm},
    model::{AuthLevel, CookieProof, DenyReason, IdentityFacts},
    verify::{claims::read::AcceptedApp, rules::Rules},
};

/// The settings of an issuer as the reader completes them.
pub(super) fn settings(yaml: &str) -> config::Issuer {
    let yaml = format!("issuers: [{{ name: one, {yaml} }}]");
    config::parse("test.yaml", &yaml, &std::collections::BTreeMap::new())
        .unwrap_or_else(|problems| panic!("{problems}"))
        .issuers
        .remove(0)
}

fn judge_under(header: &Value, yaml: &str, claims: &Value) -> Result<IdentityFacts, DenyReason> {
    let settings = settings(yaml);
    let text = format!("{}.c2ln", unsigned(&header.to_string(), &claims.to_string()));
    let ids: Vec<Option<String>> =
        settings.apps().iter().map(|app| app.id().map(str::to_owned)).collect();
    let apps: Vec<AcceptedApp<'_>> =
        ids.iter().map(|id| AcceptedApp { id: id.as_deref(), variants: &[] }).collect();
    Rules::build(&settings).facts(&parse(text.as_bytes()).unwrap(), &"one".into(), &apps)
}

pub(super) fn judge(yaml: &str, claims: &Value) -> Result<IdentityFacts, DenyReason> {
    judge_under(&json!({"alg": "RS256"}), yaml, claims)
}

const SUPERTOKENS: &str = "kind: supertokens, base_url: 'https://st.test/auth'";
pub(super) const OIDC: &str =
    "kind: oidc, issuer: 'https://id.test', audiences: [my-api, other-api]";
const OIDC_ID: &str = "kind: oidc, issuer: 'https://id.test', audiences: [my-app], accepts: id";
const FIREBASE: &str = "kind: firebase, project: my-project";
const STATIC: &str =
    "kind: static, issuer: 'urn:partner', audiences: [my-api], key_set: '{}', auth_level: verified";

/// A session of a user who came from Rownd.
fn session() -> Value {
    json!({
        "iss": "https://st.test/auth", "sub": "user_1", "rsub": "st-uuid", "tId": "public",
        "sessionHandle": "handle-1", "refreshTokenHash1": "h", "parentRefreshTokenHash1": null,
        "antiCsrfToken": null, "iat": 1, "exp": 2, "stt": 0,
        "app_user_id": "user_1", "auth_level": "verified", "is_verified_user": true,
        "https://auth.rownd.io/app_user_id": "user_1",
        "https://auth.rownd.io/auth_level": "verified",
        "https://auth.rownd.io/is_verified_user": true,
        "st-role": {"v": ["admin", "editor"], "t": 1},
        "st-perm": {"v": ["read"], "t": 1},
    })
}

pub(super) fn access_token() -> Value {
    json!({"iss": "https://id.test", "sub": "u1", "aud": "my-api", "iat": 1, "exp": 2,
        "scope": "read write", "sid": "s1", "client_id": "c"})
}

fn id_token() -> Value {
    json!({"iss": "https://id.test", "sub": "u1", "aud": "my-app", "iat": 1, "exp": 2,
        "nonce": "n", "at_hash": "h", "sid": "s1"})
}

fn firebase() -> Value {
    json!({"iss": "https://securetoken.google.com/my-project", "sub": "uid1", "aud": "my-project",
        "user_id": "uid1", "auth_time": 1, "iat": 1, "exp": 2, "email": "a@b.test",
        "email_verified": true,
        "firebase": {"identities": {}, "sign_in_provider": "password", "tenant": "t1"}})
}

#[test]
fn an_access_token_of_an_openid_issuer_is_an_identity() {
    let who = judge(OIDC, &access_token()).unwrap();
    assert_eq!((who.user_id.as_str(), who.auth_level), ("u1", AuthLevel::Unverified));
    assert_eq!(
        (who.session_id.as_deref(), who.scopes),
        (Some("s1"), vec!["read".to_owned(), "write".to_owned()])
    );
    assert_eq!(who.cookie_proof, CookieProof::SameOrigin);
    let partner = with(access_token(), &json!({"iss": "urn:partner"}));
    assert_eq!(judge(STATIC, &partner).unwrap().auth_level, AuthLevel::Verified);
}

#[test]
fn access_and_id_tokens_never_stand_in_for_each_other() {
    let at = json!({"alg": "RS256", "typ": "at+jwt"});
    let plain = json!({"alg": "RS256", "typ": "JWT"});
    let refused = Err(DenyReason::TokenKindRefused);
    let access = |change: Value| with(access_token(), &change);
    let id = |change: Value| with(id_token(), &change);
    let rows = [
        ("an access token", OIDC, &plain, access(json!({})), Ok(())),
        ("one that says so", OIDC, &at, access(json!({})), Ok(())),
        (
            "for calling",
            OIDC,
            &plain,
            access(json!({"token_use": "access", "typ": "Bearer"})),
            Ok(()),
        ),
        ("an ID token by its nonce", OIDC, &plain, access(json!({"nonce": "n"})), refused),
        ("by a hash", OIDC, &plain, access(json!({"at_hash": "n"})), refused),
        ("by another hash", OIDC, &plain, access(json!({"c_hash": "n"})), refused),
        ("by its use", OIDC, &plain, access(json!({"token_use": "id"})), refused),
        ("by its type", OIDC, &plain, access(json!({"typ": "ID"})), refused),
        ("a refresh token", OIDC, &plain, access(json!({"typ": "Refresh"})), refused),
        ("an offline token", OIDC, &plain, access(json!({"typ": "Offline"})), refused),
        ("a type that is no text", OIDC, &plain, access(json!({"typ": 1})), refused),
        ("a logout token", OIDC, &plain, access(json!({"events": {}})), refused),
        (
            "a refresh token of Rownd's",
            OIDC,
            &plain,
            access(json!({"https://auth.rownd.io/jwt_type": "refresh_token"})),
            refused,
        ),
        ("an ID token", OIDC_ID, &plain, id(json!({})), Ok(())),
        ("one of few words", OIDC_ID, &plain, id(json!({"nonce": null, "at_hash": null})), Ok(())),
        ("for signing in", OIDC_ID, &plain, id(json!({"token_use": "id", "typ": "ID"})), Ok(())),
        ("an access token by its header", OIDC_ID, &at, id(json!({})), refused),
        ("by its scope", OIDC_ID, &plain, id(json!({"scope": "read"})), refused),
        ("by its scp", OIDC_ID, &plain, id(json!({"scp": ["read"]})), refused),
        ("by its client", OIDC_ID, &plain, id(json!({"client_id": "c"})), refused),
        ("by its use", OIDC_ID, &plain, id(json!({"token_use": "access"})), refused),
        ("by its type", OIDC_ID, &plain, id(json!({"typ": "Bearer"})), refused),
        ("an event", OIDC_ID, &plain, id(json!({"events": {}})), refused),
    ];
    for (name, yaml, header, claims, expected) in rows {
        assert_eq!(judge_under(header, yaml, &claims).map(|_| ()), expected, "{name}");
    }
}

#[test]
fn an_audience_is_one_of_ours_and_an_id_token_says_who_it_was_for() {
    let wrong = Err(DenyReason::AudienceMismatch);
    let access = |aud: Value| with(access_token(), &json!({"aud": aud}));
    let id = |aud: Value, azp: Value| with(id_token(), &json!({"aud": aud, "azp": azp}));
    for (name, yaml, claims, expected) in [
        ("one of two", OIDC, access(json!("other-api")), Ok(())),
        ("among others", OIDC, access(json!(["x", "my-api"])), Ok(())),
        ("none", OIDC, access(json!(null)), wrong),
        ("an empty list", OIDC, access(json!([])), wrong),
        ("another", OIDC, access(json!("my-api2")), wrong),
        ("another case", OIDC, access(json!("My-Api")), wrong),
        ("several and azp ours", OIDC_ID, id(json!(["my-app", "x"]), json!("my-app")), Ok(())),
        ("several and azp another's", OIDC_ID, id(json!(["my-app", "x"]), json!("x")), wrong),
        ("several and no azp", OIDC_ID, id(json!(["my-app", "x"]), json!(null)), wrong),
    ] {
        assert_eq!(judge(yaml, &claims).map(|_| ()), expected, "{name}");
    }
}

#[test]
fn claims_are_mapped_as_configured_and_a_wrong_type_is_refused() {
    let map = "claims: { user_id: uid, auth_level: lvl, app_id: azp, app_variant: brand, \
        session_id: session, tenant: /org/id, roles: /realm_access/roles, groups: 'a/b~c', scopes: scp }";
    let yaml = format!("{OIDC}, {map}");
    let claims = with(
        access_token(),
        &json!({"uid": "mapped", "lvl": "guest", "azp": "app_9", "brand": "b", "session": "x",
            "org": {"id": "org-1"}, "realm_access": {"roles": ["r1", "r2"]}, "a/b~c": "staff",
            "scp": ["s1", "s2"]}),
    );
    let who = judge(&yaml, &claims).unwrap();
    assert_eq!(
        (who.user_id.as_str(), who.auth_level, who.anonymous),
        ("mapped", AuthLevel::Guest, true)
    );
    assert_eq!((who.app_id.as_deref(), who.app_variant.as_deref()), (Some("app_9"), Some("b")));
    assert_eq!((who.session_id.as_deref(), who.tenant.as_deref()), (Some("x"), Some("org-1")));
    assert_eq!(
        (who.roles.join(" "), who.groups.join(" "), who.scopes.join(" ")),
        ("r1 r2".into(), "staff".into(), "s1 s2".into())
    );
    for (name, change) in [
        ("no user id", json!({"uid": null})),
        ("a user id that is no text", json!({"uid": 7})),
        ("a user id of dots", json!({"uid": ".."})),
        ("a level that is no text", json!({"lvl": 1})),
        ("roles with a number", json!({"realm_access": {"roles": ["a", 1]}})),
        ("roles that are a map", json!({"realm_access": {"roles": {}}})),
        ("a tenant that is a list", json!({"org": {"id": []}})),
        ("a tenant inside of a number", json!({"org": 1})),
    ] {
        let found = judge(&yaml, &with(claims.clone(), &change)).err();
        assert_eq!(found, Some(DenyReason::ClaimsInvalid), "{name}");
    }
    // Scopes are words; a group may have blanks in its name.
    let texts = with(claims.clone(), &json!({"a/b~c": "night shift", "scp": "s1  s2"}));
    let who = judge(&yaml, &texts).unwrap();
    assert_eq!(
        (who.groups, who.scopes),
        (vec!["night shift".into()], vec!["s1".into(), "s2".into()])
    );
    let who = judge(&format!("{OIDC}, claims: {{ user_id: sub }}"), &claims).unwrap();
    assert_eq!(who.user_id, "u1", "as without a map");
    let absent = with(claims, &json!({"org": {}, "realm_access": null, "a/b~c": null}));
    let who = judge(&yaml, &absent).unwrap();
    assert_eq!((who.tenant, who.roles.len(), who.groups.len()), (None, 0, 0));
}

#[test]
fn a_token_of_another_issuer_cannot_pass_for_one_of_rownd() {
    let claims = with(
        access_token(),
        &json!({"https://auth.rownd.io/app_user_id": "admin", "https://auth.rownd.io/auth_level": "verified"}),
    );
    let who = judge(OIDC, &claims).unwrap();
    assert_eq!((who.user_id.as_str(), who.auth_level), ("u1", AuthLevel::Unverified));
}

#[test]
fn a_firebase_token_says_how_its_user_signed_in() {
    let anonymous = json!({"firebase": {"sign_in_provider": "anonymous"}, "email_verified": null});
    for (name, change, level, tenant) in [
        ("a proved address", json!({}), AuthLevel::Verified, Some("t1")),
        ("an unproved one", json!({"email_verified": false}), AuthLevel::Unverified, Some("t1")),
        (
            "a number",
            json!({"email_verified": null, "phone_number": "+1"}),
            AuthLevel::Verified,
            Some("t1"),
        ),
        ("nobody", anonymous, AuthLevel::Guest, None),
        ("the longest id", json!({"sub": "x".repeat(128)}), AuthLevel::Verified, Some("t1")),
        (
            "nothing said",
            json!({"firebase": null, "email_verified": null}),
            AuthLevel::Unverified,
            None,
        ),
    ] {
        let who = judge(FIREBASE, &with(firebase(), &change)).unwrap();
        assert_eq!((who.auth_level, who.tenant.as_deref()), (level, tenant), "{name}");
        assert_eq!(who.anonymous, level == AuthLevel::Guest, "{name}");
    }
    for (name, change, expected) in [
        ("another project", json!({"aud": "my-project-2"}), DenyReason::AudienceMismatch),
        ("no project", json!({"aud": null}), DenyReason::AudienceMismatch),
        ("a user id too long", json!({"sub": "x".repeat(129)}), DenyReason::ClaimsInvalid),
        ("sign-in that is no map", json!({"firebase": 1}), DenyReason::ClaimsInvalid),
        ("proof that is text", json!({"email_verified": "true"}), DenyReason::ClaimsInvalid),
        ("an access token", json!({"scope": "x"}), DenyReason::TokenKindRefused),
    ] {
        assert_eq!(judge(FIREBASE, &with(firebase(), &change)).err(), Some(expected), "{name}");
    }
}

/// Rownd's customers name their claims as they like: none of those is a mark of another kind.
#[test]
fn the_marks_of_other_kinds_mean_nothing_in_rownds_own_tokens() {
    let yaml = format!("kind: rownd, apps: [{{ id: {APP} }}], claims: {{ roles: role }}");
    let claims = with(
        access(),
        &json!({"typ": "ID", "nonce": 1, "scope": 5, "events": [], "role": "admin"}),
    );
    let who = judge(&yaml, &claims).unwrap();
    assert_eq!((who.roles, who.scopes.len()), (vec!["admin".to_owned()], 0));
}

#[test]
fn the_reader_fills_in_what_each_kind_signs_with() {
    assert_eq!(settings(SUPERTOKENS).algorithms, [SigningAlgorithm::RS256]);
    let usual = [SigningAlgorithm::RS256, SigningAlgorithm::ES256, SigningAlgorithm::EdDSA];
    assert_eq!(settings(STATIC).algorithms, usual);
}

#[test]
fn only_a_number_is_a_proved_number() {
    use serde_json::Value;
    for (number, expected) in [
        (json!("+1"), Ok(AuthLevel::Verified)),
        (json!("+491512345678901"), Ok(AuthLevel::Verified)),
        (json!(""), Ok(AuthLevel::Unverified)),
        (json!(" "), Ok(AuthLevel::Unverified)),
        (json!("\t\n"), Ok(AuthLevel::Unverified)),
        (json!("\u{a0}"), Ok(AuthLevel::Unverified)),
        (json!("+"), Ok(AuthLevel::Unverified)),
        (json!("none"), Ok(AuthLevel::Unverified)),
        (json!("null"), Ok(AuthLevel::Unverified)),
        (json!("4915123456"), Ok(AuthLevel::Unverified)),
        (json!("+49 151"), Ok(AuthLevel::Unverified)),
        (json!("+1\u{661}"), Ok(AuthLevel::Unverified)),
        (json!("+1234567890123456"), Ok(AuthLevel::Unverified)),
        (Value::Null, Ok(AuthLevel::Unverified)),
        // Of another type it is no claim of Firebase's.
        (json!(0), Err(DenyReason::ClaimsInvalid)),
        (json!(true), Err(DenyReason::ClaimsInvalid)),
        (json!([]), Err(DenyReason::ClaimsInvalid)),
        (json!({}), Err(DenyReason::ClaimsInvalid)),
    ] {
        for verified in [json!(false), Value::Null] {
            let mut claims = with(firebase(), &json!({ "email_verified": verified }));
            claims["phone_number"] = number.clone();
            let found = judge(FIREBASE, &claims).map(|who| who.auth_level);
            assert_eq!(found, expected, "{number:?}");
        }
    }
}
