//! Tokens checked: the emulator's own, and those of issuers that an app trusts.
//!
//! In: a token, a key set and the issuer it should be from. Out: its claims, or what
//! is wrong. Times are the caller's affair.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::Value;

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It cannot be read.
    Malformed,
    /// It names no key.
    NoKid,
    /// It is signed in a way that is not taken.
    Algorithm,
    /// Its key is not in the set.
    UnknownKey,
    /// Its key, or the set, cannot be used.
    OddKey,
    /// The signature does not fit.
    Signature,
    /// Somebody else issued it.
    Issuer,
    /// A claim is missing or of another type.
    Claims,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is no token",
            Self::NoKid => "it names no key",
            Self::Algorithm => "its algorithm is not taken",
            Self::UnknownKey => "it is signed by an unknown key",
            Self::OddKey => "its key cannot be used",
            Self::Signature => "its signature is not genuine",
            Self::Issuer => "it is from another issuer",
            Self::Claims => "claims are missing",
        })
    }
}

/// Checks signature and issuer.
#[expect(clippy::disallowed_methods, reason = "a tool for development checks as clients do")]
pub(super) fn verify(token: &str, key_set: &Value, issuer: &str) -> Result<Value, Flaw> {
    let header = decode_header(token).map_err(|_| Flaw::Malformed)?;
    if !matches!(header.alg, Algorithm::EdDSA | Algorithm::RS256 | Algorithm::ES256) {
        return Err(Flaw::Algorithm);
    }
    let kid = header.kid.ok_or(Flaw::NoKid)?;
    let set: JwkSet = serde_json::from_value(key_set.clone()).map_err(|_| Flaw::OddKey)?;
    let key = DecodingKey::from_jwk(set.find(&kid).ok_or(Flaw::UnknownKey)?);
    let key = key.map_err(|_| Flaw::OddKey)?;
    // A key of another family than the algorithm is refused inside.
    let mut rules = Validation::new(header.alg);
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let read = decode::<Value>(token, &key, &rules).map_err(|_| Flaw::Signature)?;
    if read.claims.get("iss").and_then(Value::as_str) == Some(issuer) {
        Ok(read.claims)
    } else {
        Err(Flaw::Issuer)
    }
}

/// Reads `iss` before anything is checked, to find out who should check.
pub(super) fn issuer_of(token: &str) -> Option<String> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    Some(claims.get("iss")?.as_str()?.to_owned())
}
