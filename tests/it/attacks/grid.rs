//! Every header and claim member with a value of every JSON type, for issuers of every kind.
//!
//! A member that is not read changes nothing. A member that is read is refused if its type is
//! wrong. In every case, no user becomes another user, and the reason is one for bad tokens: never
//! a fault of the service, never a panic.

use rownd_authz::model::{DenialClass, DenyReason};
use serde_json::{Value, json};

use super::{Court, Kind};
use crate::support::{Answer, ask::IDENTITY, forge::b64};

for_every_kind!(no_value_of_a_claim_is_worth_more_than_its_type, no_value_of_a_header_member_is);

/// A value of every type and of every odd shape.
fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("x"),
        json!([]),
        json!([""]),
        json!([["x"], null]),
        json!({}),
        json!({ "a": { "a": [1, { "a": null }] } }),
    ]
}

/// The types a member may have; a value of any other is refused. `None`: nobody reads it.
type Typed = Option<fn(&Value) -> bool>;

const NEVER: Typed = Some(|_| false);
const TEXT: Typed = Some(Value::is_string);
const TEXT_OR_NULL: Typed = Some(|value| value.is_string() || value.is_null());
const TEXTS: Typed = Some(is_text_or_texts);
const TEXTS_OR_NULL: Typed = Some(|value| value.is_null() || is_text_or_texts(value));
const FLAG: Typed = Some(Value::is_boolean);
const TIME: Typed = Some(|value| value.as_f64().is_some_and(|time| (0.0..2.6e11).contains(&time)));

fn is_text_or_texts(value: &Value) -> bool {
    value.is_string() || value.as_array().is_some_and(|all| all.iter().all(Value::is_string))
}

/// Registered claims (IANA's "JSON Web Token Claims"), and those of each kind.
const CLAIMS: [&str; 49] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "azp",
    "nonce",
    "auth_time",
    "at_hash",
    "c_hash",
    "s_hash",
    "acr",
    "amr",
    "sub_jwk",
    "cnf",
    "events",
    "toe",
    "txn",
    "sid",
    "act",
    "scope",
    "scp",
    "client_id",
    "may_act",
    "roles",
    "groups",
    "entitlements",
    "sub_id",
    "typ",
    "token_use",
    "email",
    "email_verified",
    "phone_number",
    "user_id",
    "firebase",
    "stt",
    "sessionHandle",
    "tId",
    "rsub",
    "antiCsrfToken",
    "st-role",
    "st-perm",
    "https://auth.rownd.io/app_user_id",
    "https://auth.rownd.io/auth_level",
    "https://auth.rownd.io/is_anonymous",
    "https://auth.rownd.io/is_verified_user",
    "https://auth.rownd.io/jwt_type",
];

/// Registered header members (IANA's "JSON Object Signing and Encryption").
const HEADER: [&str; 26] = [
    "alg",
    "kid",
    "typ",
    "crit",
    "b64",
    "zip",
    "enc",
    "cty",
    "epk",
    "jku",
    "jwk",
    "x5u",
    "x5c",
    "x5t",
    "x5t#S256",
    "apu",
    "apv",
    "iv",
    "tag",
    "p2s",
    "p2c",
    "url",
    "nonce",
    "ppt",
    "svt",
    "trust_chain",
];

#[expect(clippy::match_same_arms, reason = "a table: claims that belong together stand together")]
fn claim(kind: Kind, name: &str) -> Typed {
    use Kind::{Firebase, Oidc, Rownd, Static, Supertokens};
    match (name, kind) {
        ("iss" | "sub" | "jti" | "https://auth.rownd.io/jwt_type", _) => TEXT,
        ("aud", _) => TEXTS,
        ("exp" | "nbf" | "iat", _) => TIME,
        ("cnf", _) => NEVER,
        ("https://auth.rownd.io/app_user_id", Rownd | Static) => TEXT,
        ("https://auth.rownd.io/app_user_id", Supertokens) => TEXT_OR_NULL,
        ("https://auth.rownd.io/auth_level", Rownd | Supertokens) => TEXT,
        ("https://auth.rownd.io/auth_level", Oidc | Static) => TEXT_OR_NULL,
        (
            "https://auth.rownd.io/is_anonymous" | "https://auth.rownd.io/is_verified_user",
            Rownd | Supertokens,
        ) => FLAG,
        ("stt", Supertokens) => Some(|value| *value == json!(0)),
        ("sessionHandle", Supertokens) => TEXT,
        ("tId" | "antiCsrfToken", Supertokens) => TEXT_OR_NULL,
        // Roles and permissions are inside of them.
        ("st-role" | "st-perm", Supertokens) => Some(|value| value.is_object() || value.is_null()),
        ("typ" | "token_use", Oidc | Static | Firebase) => TEXT,
        ("events", Oidc | Static | Firebase) => NEVER,
        ("nonce" | "at_hash" | "c_hash" | "s_hash", Oidc | Static) => NEVER,
        ("scope", Oidc | Static) => TEXTS_OR_NULL,
        ("sid", Oidc | Static) => TEXT_OR_NULL,
        ("scope" | "scp" | "client_id", Firebase) => NEVER,
        ("firebase", Firebase) => Some(Value::is_object),
        ("email_verified", Firebase) => FLAG,
        ("phone_number", Firebase) => TEXT_OR_NULL,
        _ => None,
    }
}

fn header(name: &str) -> Typed {
    match name {
        "alg" | "kid" | "typ" => TEXT,
        "crit" | "b64" | "zip" | "enc" | "cty" | "epk" => NEVER,
        _ => None,
    }
}

/// The user that the service behind is told.
fn who(answer: &Answer) -> Vec<Option<String>> {
    IDENTITY.iter().map(|name| answer.set(name).map(str::to_owned)).collect()
}

/// With what stands beside a claim in real tokens of the kind; Firebase's level is its own.
async fn court_of(kind: Kind) -> Court {
    Court::of_with(kind, |config| {
        if kind == Kind::Firebase {
            config["issuers"][0].as_object_mut().unwrap().remove("claims");
        }
    })
    .await
}

fn hold(what: &str, answer: &Answer, plain: &Answer, typed: Typed, value: &Value) {
    if !answer.is_allowed() {
        let reason = DenyReason::ALL.iter().find(|known| known.code() == answer.reason());
        let reason = reason.unwrap_or_else(|| panic!("{what}: {answer:?}"));
        assert_eq!(reason.class(), DenialClass::BadCredential, "{what}: {reason:?}");
        assert!(typed.is_some(), "{what}: nobody reads it, and {reason:?}");
        return;
    }
    match typed {
        None => assert_eq!(who(answer), who(plain), "{what}: nobody reads it"),
        Some(good) => {
            assert!(good(value), "{what}: allowed with a value of the wrong type");
            let (user, theirs) = (answer.set("x-rownd-user-id"), plain.set("x-rownd-user-id"));
            assert!(user == theirs || user == value.as_str(), "{what}: is now {user:?}");
        }
    }
}

async fn no_value_of_a_claim_is_worth_more_than_its_type(kind: Kind) {
    let court = court_of(kind).await;
    let plain = court.takes("as it is", court.key.token(&court.claims())).await;
    let (mut allowed, mut denied) = (0, 0);
    for name in CLAIMS {
        for value in values() {
            let token = court.key.token(&court.claims().with(name, value.clone()));
            let answer = court.judge(token).await;
            let what = format!("{kind:?} {name}: {value}");
            hold(&what, &answer, &plain, claim(kind, name), &value);
            *if answer.is_allowed() { &mut allowed } else { &mut denied } += 1;
        }
    }
    assert!(allowed > 300 && denied > 80, "{kind:?}: {allowed} allowed, {denied} denied");
    court.adjourns().await;
}

async fn no_value_of_a_header_member_is(kind: Kind) {
    let court = court_of(kind).await;
    let plain = court.takes("as it is", court.key.token(&court.claims())).await;
    for name in HEADER {
        for value in values() {
            let mut said = court.key.header();
            said[name] = value.clone();
            let answer = court.judge(court.key.token_under(&said, &court.claims())).await;
            let what = format!("{kind:?} {name}: {value}");
            hold(&what, &answer, &plain, header(name), &value);
            // Beside a signature that is not the issuer's it is refused in any case.
            let signed =
                format!("{}.{}", b64(said.to_string()), b64(court.claims().json().to_string()));
            let forged = format!("{signed}.{}", b64([7; 64]));
            assert!(!court.judge(forged).await.is_allowed(), "{what}");
        }
    }
    court.adjourns().await;
}
