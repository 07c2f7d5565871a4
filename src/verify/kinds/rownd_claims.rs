//! Rownd's own claims, which tokens of Rownd and sessions of SuperTokens carry.

use crate::{
    model::{AuthLevel, DenyReason},
    verify::{
        claims::read::flag,
        json::{Json, Object},
    },
};

pub(super) const APP_USER_ID: &str = "https://auth.rownd.io/app_user_id";
const AUTH_LEVEL: &str = "https://auth.rownd.io/auth_level";
const IS_ANONYMOUS: &str = "https://auth.rownd.io/is_anonymous";
const IS_VERIFIED: &str = "https://auth.rownd.io/is_verified_user";

/// The auth level, derived where it is absent (tokens of 2022); and whether the user is anonymous.
/// An anonymous user is a guest at most, whatever else the token states.
pub(super) fn level(claims: &Object<'_>) -> Result<(AuthLevel, bool), DenyReason> {
    let (anonymous, verified) = (flag(claims, IS_ANONYMOUS)?, flag(claims, IS_VERIFIED)?);
    let level = match claims.get(AUTH_LEVEL).map(Json::text) {
        None if verified => AuthLevel::Verified,
        None => AuthLevel::Unverified,
        // An unknown level proves nothing.
        Some(Some(word)) => AuthLevel::parse(word).unwrap_or(AuthLevel::Instant),
        Some(None) => return Err(DenyReason::ClaimsInvalid),
    };
    let level = if anonymous { level.min(AuthLevel::Guest) } else { level };
    Ok((level, anonymous || level == AuthLevel::Guest))
}
