//! Tokens checked: the emulator's own, and those of issuers that an app trusts.
//!
//! In: a token, a key set and the issuer it should be from. Out: its claims, or a few
//! words on what is wrong. Times are the caller's affair.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::Value;

/// Checks signature and issuer.
#[expect(clippy::disallowed_methods, reason = "a tool for development checks as clients do")]
pub(super) fn verify(token: &str, key_set: &Value, issuer: &str) -> Result<Value, &'static str> {
    let header = decode_header(token).map_err(|_| "it is no token")?;
    if !matches!(header.alg, Algorithm::EdDSA | Algorithm::RS256 | Algorithm::ES256) {
        return Err("its algorithm is not taken");
    }
    let kid = header.kid.ok_or("it names no key")?;
    let set: JwkSet = serde_json::from_value(key_set.clone()).map_err(|_| "the key set is odd")?;
    let jwk = set.find(&kid).ok_or("it is signed by an unknown key")?;
    let key = DecodingKey::from_jwk(jwk).map_err(|_| "its key is not usable")?;
    // A key of another family than the algorithm is refused inside.
    let mut rules = Validation::new(header.alg);
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let read = decode::<Value>(token, &key, &rules).map_err(|_| "its signature is not genuine")?;
    if read.claims.get("iss").and_then(Value::as_str) == Some(issuer) {
        Ok(read.claims)
    } else {
        Err("it is from another issuer")
    }
}

/// Reads `iss` before anything is checked, to find out who should check.
pub(super) fn issuer_of(token: &str) -> Option<String> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    Some(claims.get("iss")?.as_str()?.to_owned())
}
