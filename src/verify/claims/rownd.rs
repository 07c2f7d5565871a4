//! Rownd's own access tokens, and the claims of Rownd's that others carry too.

use std::sync::Arc;

use super::{APP, App, flag, plain_id, variant};
use crate::{
    model::{AuthLevel, DenyReason, IdentityFacts},
    verify::{
        json::{Json, Object},
        token::Claims,
    },
};

pub(super) const APP_USER_ID: &str = "https://auth.rownd.io/app_user_id";
const AUTH_LEVEL: &str = "https://auth.rownd.io/auth_level";
const IS_ANONYMOUS: &str = "https://auth.rownd.io/is_anonymous";
const IS_VERIFIED: &str = "https://auth.rownd.io/is_verified_user";

pub(super) fn facts(
    claims: &Claims<'_>,
    issuer: &Arc<str>,
    apps: &[App<'_>],
) -> Result<IdentityFacts, DenyReason> {
    let (app_id, app_variant) = audience(claims, apps)?;
    let (auth_level, anonymous) = level(&claims.other)?;
    let Some(Json::Text(user_id)) = claims.other.get(APP_USER_ID) else {
        return Err(DenyReason::ClaimsInvalid);
    };
    let user_id = plain_id(user_id)?;
    let app_id = Some(app_id);
    let known = IdentityFacts::new(user_id, issuer.clone(), auth_level);
    Ok(IdentityFacts { anonymous, app_id, app_variant, ..known })
}

/// The first app that the token is made for and that takes its variant, and the variant.
fn audience(claims: &Claims<'_>, apps: &[App<'_>]) -> Result<(String, Option<String>), DenyReason> {
    let meant = |id: &str| claims.aud.iter().any(|aud| aud.strip_prefix(APP) == Some(id));
    let mut refused = None;
    for app in apps {
        let Some(id) = app.id.filter(|id| meant(id)) else { continue };
        match variant(claims, app.variants) {
            Ok(variant) => return Ok((id.to_owned(), variant)),
            Err(reason) => refused = refused.or(Some(reason)),
        }
    }
    if let Some(reason) = refused {
        return Err(reason);
    }
    // While an app id is still being asked for, "another audience" may be our own fault.
    let all_known = apps.iter().all(|app| app.id.is_some());
    let names_an_app = claims.aud.iter().any(|aud| aud.starts_with(APP));
    Err(if all_known || !names_an_app {
        DenyReason::AudienceMismatch
    } else {
        DenyReason::AppUnknown
    })
}

/// The level, derived where it is absent (tokens of 2022); and whether the user is anonymous.
/// An anonymous user is a guest at most, whatever else the token says.
pub(super) fn level(claims: &Object<'_>) -> Result<(AuthLevel, bool), DenyReason> {
    let (anonymous, verified) = (flag(claims, IS_ANONYMOUS)?, flag(claims, IS_VERIFIED)?);
    let level = match claims.get(AUTH_LEVEL) {
        None if verified => AuthLevel::Verified,
        None => AuthLevel::Unverified,
        // A level we do not know proves nothing to us.
        Some(Json::Text(word)) => AuthLevel::parse(word).unwrap_or(AuthLevel::Instant),
        Some(_) => return Err(DenyReason::ClaimsInvalid),
    };
    let level = if anonymous { level.min(AuthLevel::Guest) } else { level };
    Ok((level, anonymous || level == AuthLevel::Guest))
}
