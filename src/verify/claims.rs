//! From verified claims to an identity: each issuer kind's own rules.

use super::{
    json::{Json, Object},
    token::Claims,
};
use crate::model::{AuthLevel, DenyReason, Identity};

const APP_USER_ID: &str = "https://auth.rownd.io/app_user_id";
const AUTH_LEVEL: &str = "https://auth.rownd.io/auth_level";
const IS_ANONYMOUS: &str = "https://auth.rownd.io/is_anonymous";
const IS_VERIFIED: &str = "https://auth.rownd.io/is_verified_user";
const JWT_TYPE: &str = "https://auth.rownd.io/jwt_type";
const APP: &str = "app:";
const VARIANT: &str = "app_variant:";

/// From when until when a token holds, Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lifetime {
    pub(super) not_before: Option<u64>,
    pub(super) issued_at: Option<u64>,
    pub(super) end: Option<u64>,
}

impl Lifetime {
    pub(super) const fn of(claims: &Claims<'_>) -> Self {
        Self { not_before: claims.nbf, issued_at: claims.iat, end: claims.exp }
    }

    /// Holds now, give or take the leeway. Judged again on every use.
    pub(super) fn check(&self, now: u64, leeway: u64) -> Result<(), DenyReason> {
        if self.end.is_some_and(|end| now >= end.saturating_add(leeway)) {
            return Err(DenyReason::TokenExpired);
        }
        let latest = now.saturating_add(leeway);
        let starts = [self.not_before, self.issued_at];
        if starts.into_iter().flatten().any(|start| start > latest) {
            return Err(DenyReason::TokenNotYetValid);
        }
        Ok(())
    }
}

/// One app whose tokens are taken. `id` is `None` until it is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct App<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) variants: &'a [String],
}

/// A Rownd access token's identity, without the issuer's name.
pub(super) fn rownd(
    claims: &Claims<'_>,
    issuer: &std::sync::Arc<str>,
    apps: &[App<'_>],
) -> Result<Identity, DenyReason> {
    // Refresh tokens carry the same key, issuer, audience and user id; only this tells them apart.
    match claims.other.get(JWT_TYPE) {
        None => {}
        Some(Json::Text(kind)) if kind == "access_token" => {}
        Some(_) => return Err(DenyReason::TokenKindRefused),
    }
    let app_id = audience(claims, apps)?;
    if claims.sub.as_ref().is_none_or(|sub| sub.is_empty()) {
        return Err(DenyReason::ClaimsInvalid);
    }
    let variant = variant(claims, &app_id, apps)?;
    let (auth_level, anonymous) = level(&claims.other)?;
    Ok(Identity {
        user_id: user_id(&claims.other)?,
        issuer: issuer.clone(),
        auth_level,
        anonymous,
        app_id: Some(app_id),
        app_variant: variant,
        session_id: None,
        token_id: claims.jti.as_deref().map(str::to_owned),
        issued_at: claims.iat,
        roles: Vec::new(),
        groups: Vec::new(),
        headers: std::sync::OnceLock::new(),
        expires_at: claims
            .exp
            .and_then(|end| std::time::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(end))),
    })
}

fn audience(claims: &Claims<'_>, apps: &[App<'_>]) -> Result<String, DenyReason> {
    let meant = |id: &str| claims.aud.iter().any(|aud| aud.strip_prefix(APP) == Some(id));
    if let Some(id) = apps.iter().filter_map(|app| app.id).find(|id| meant(id)) {
        return Ok(id.to_owned());
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

fn variant(claims: &Claims<'_>, app: &str, apps: &[App<'_>]) -> Result<Option<String>, DenyReason> {
    let allowed =
        apps.iter().find(|known| known.id == Some(app)).map_or(&[][..], |app| app.variants);
    let mut found = claims.aud.iter().filter_map(|aud| aud.strip_prefix(VARIANT));
    let variant = found.next();
    if found.next().is_some() {
        return Err(DenyReason::ClaimsInvalid);
    }
    match variant {
        Some(variant) if !allowed.is_empty() && !allowed.iter().any(|known| known == variant) => {
            Err(DenyReason::VariantRefused)
        }
        variant => Ok(variant.map(str::to_owned)),
    }
}

/// Any text a customer may have chosen, but nothing that could be mistaken for another.
fn user_id(claims: &Object<'_>) -> Result<String, DenyReason> {
    let Some(Json::Text(id)) = claims.get(APP_USER_ID) else {
        return Err(DenyReason::ClaimsInvalid);
    };
    let odd = id.is_empty()
        || id.trim() != id
        || id.chars().any(char::is_control)
        || matches!(id.as_ref(), "." | "..");
    if odd { Err(DenyReason::ClaimsInvalid) } else { Ok(id.as_ref().to_owned()) }
}

/// The level, derived where it is absent (tokens of 2022); and whether the user is anonymous.
/// An anonymous user is a guest at most, whatever else the token says.
fn level(claims: &Object<'_>) -> Result<(AuthLevel, bool), DenyReason> {
    let flag = |name: &str| match claims.get(name) {
        None => Ok(false),
        Some(Json::Bool(flag)) => Ok(*flag),
        Some(_) => Err(DenyReason::ClaimsInvalid),
    };
    let (anonymous, verified) = (flag(IS_ANONYMOUS)?, flag(IS_VERIFIED)?);
    let level = match claims.get(AUTH_LEVEL) {
        None if anonymous => AuthLevel::Guest,
        None if verified => AuthLevel::Verified,
        None => AuthLevel::Unverified,
        // A level we do not know proves nothing to us.
        Some(Json::Text(word)) => AuthLevel::parse(word).unwrap_or(AuthLevel::Instant),
        Some(_) => return Err(DenyReason::ClaimsInvalid),
    };
    let level = if anonymous { level.min(AuthLevel::Guest) } else { level };
    Ok((level, anonymous || level == AuthLevel::Guest))
}
