//! Verifies tokens: the emulator's own, and those of issuers that an app trusts.
//!
//! In: a token, a key set and the expected issuer. Out: the claims, or a [`TokenError`]. The times
//! are not checked here: each caller has rules of its own.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::Value;
use thiserror::Error;

/// The reason why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum TokenError {
    /// The token cannot be read.
    #[error("it is not a token")]
    Malformed,
    /// The header has no `kid`.
    #[error("it names no key")]
    NoKid,
    /// The `alg` is not one of `EdDSA`, `RS256` and `ES256`.
    #[error("its algorithm is not accepted")]
    Algorithm,
    /// The key set has no key with this `kid`.
    #[error("it is signed by an unknown key")]
    UnknownKey,
    /// The key, or the key set, cannot be used.
    #[error("its key cannot be used")]
    UnusableKey,
    /// The signature is not the key's.
    #[error("its signature is not genuine")]
    Signature,
    /// The `iss` is another issuer's.
    #[error("it is from another issuer")]
    Issuer,
    /// A claim is missing or has another type.
    #[error("claims are missing")]
    Claims,
}

/// Verifies signature and issuer, and returns the claims.
#[expect(clippy::disallowed_methods, reason = "a tool for development checks as clients do")]
pub(crate) fn verify(token: &str, key_set: &Value, issuer: &str) -> Result<Value, TokenError> {
    let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
    if !matches!(header.alg, Algorithm::EdDSA | Algorithm::RS256 | Algorithm::ES256) {
        return Err(TokenError::Algorithm);
    }
    let kid = header.kid.ok_or(TokenError::NoKid)?;
    let set: JwkSet =
        serde_json::from_value(key_set.clone()).map_err(|_| TokenError::UnusableKey)?;
    let key = DecodingKey::from_jwk(set.find(&kid).ok_or(TokenError::UnknownKey)?);
    let key = key.map_err(|_| TokenError::UnusableKey)?;
    // A key of another family than the algorithm is refused inside.
    let mut rules = Validation::new(header.alg);
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let read = decode::<Value>(token, &key, &rules).map_err(|_| TokenError::Signature)?;
    if read.claims.get("iss").and_then(Value::as_str) == Some(issuer) {
        Ok(read.claims)
    } else {
        Err(TokenError::Issuer)
    }
}

/// The `iss` of a token that is not verified yet, to find the issuer's keys.
pub(crate) fn issuer_of(token: &str) -> Option<String> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    Some(claims.get("iss")?.as_str()?.to_owned())
}
