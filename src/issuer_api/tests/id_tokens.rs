//! An ID token is held against issuer, client, end and nonce (OpenID Connect Core 3.1.3.7).

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    config::Secret,
    issuer_api::{
        ApiError,
        openid::id_token::{Expected, Nonce, subject_of},
    },
};

fn judged(token: &Secret, nonce: Nonce<'_>) -> Result<String, ApiError> {
    subject_of(token, Expected { iss: "https://op.test", client_id: "client", nonce })
}

/// A good one, changed: a member that is `null` is taken out.
fn token(change: &Value) -> Secret {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({
        "iss": "https://op.test", "sub": "ann", "aud": "client", "exp": now + 600, "nonce": "n",
    });
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    Secret::new(&format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string())))
}

#[test]
fn only_an_id_token_for_this_client_and_this_sign_in_is_accepted() {
    let one = Nonce::Exactly("n");
    for (name, change, nonce, taken) in [
        ("good", json!({}), one, true),
        ("in a list", json!({ "aud": ["client"] }), one, true),
        ("with others", json!({ "aud": ["client", "b"], "azp": "client" }), one, true),
        ("any nonce", json!({ "nonce": "other" }), Nonce::Any, true),
        ("another issuer", json!({ "iss": "https://op.test/" }), one, false),
        ("another client", json!({ "aud": "other" }), one, false),
        ("nobody's", json!({ "aud": [] }), one, false),
        ("with others, for one of them", json!({ "aud": ["client", "b"], "azp": "b" }), one, false),
        ("with others, for whom?", json!({ "aud": ["client", "b"] }), one, false),
        ("for another in its own name", json!({ "azp": "b" }), one, false),
        ("ended", json!({ "exp": 1 }), one, false),
        ("without an end", json!({ "exp": null }), one, false),
        ("about nobody", json!({ "sub": "" }), one, false),
        ("without a subject", json!({ "sub": null }), one, false),
        ("another nonce", json!({ "nonce": "m" }), one, false),
        ("no nonce", json!({ "nonce": null }), one, false),
        ("an empty nonce", json!({ "nonce": "" }), one, false),
    ] {
        match judged(&token(&change), nonce) {
            Ok(subject) => assert!(taken && subject == "ann", "{name}"),
            Err(ApiError::IdToken(why)) => assert!(!taken, "{name}: {why}"),
            Err(other) => panic!("{name}: {other:?}"),
        }
    }
    for text in ["", "x", "a.b", "a.!.c", "e30.e30.x"] {
        let judged = judged(&Secret::new(text), one);
        assert!(matches!(judged, Err(ApiError::IdToken(_))), "{text}");
    }
}
