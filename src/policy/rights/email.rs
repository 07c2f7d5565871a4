//! The domain of a user's verified e-mail address.
//!
//! In: the claims of a token or the profile of its user. Out: the domain; none, if the user has no
//! verified address; or that it cannot be read.

use serde_json::Value;

use super::reading::{EMAIL, EMAIL_VERIFIED, Unreadable};
use crate::model::{KeptClaims, Profile};

/// The domain of the address that the issuer has verified by its own word (`email_verified: true`,
/// OpenID Connect Core section 5.1).
pub(super) fn of_claims(claims: &KeptClaims) -> Result<Option<&str>, Unreadable> {
    if claims.is_unread(EMAIL) || claims.is_unread(EMAIL_VERIFIED) {
        return Err(Unreadable);
    }
    let Some(email) = claims.get(EMAIL) else { return Ok(None) };
    match claims.get(EMAIL_VERIFIED) {
        None | Some(Value::Bool(false)) => Ok(None),
        Some(Value::Bool(true)) => domain(email).map(Some),
        // A text `true` is no statement of the standard, and others write it differently.
        Some(
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_),
        ) => Err(Unreadable),
    }
}

/// The domain of the address that Rownd has verified.
pub(super) fn of_profile(profile: &Profile) -> Result<Option<&str>, Unreadable> {
    if profile.odd.verified_data {
        return Err(Unreadable);
    }
    match profile.verified_data.get(EMAIL) {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(email) => domain(email).map(Some),
    }
}

/// The domain of an address that has exactly one `@` and something on both sides of it. A quoted
/// local part could hold another `@`, and readers differ on which one counts.
fn domain(email: &Value) -> Result<&str, Unreadable> {
    let (local, domain) = email.as_str().and_then(|text| text.split_once('@')).ok_or(Unreadable)?;
    let good = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
    if good { Ok(domain) } else { Err(Unreadable) }
}
