//! Tokens of OpenID Connect issuers, of Firebase, and of partners whose keys are in place.

use std::sync::Arc;

use super::{Rules, flag, meant_for, plain_id, text};
use crate::{
    config::{Accepts, IssuerKind},
    model::{AuthLevel, DenyReason, IdentityFacts},
    verify::{
        json::{Json, Object},
        token::Claims,
    },
};

/// Firebase's user ids are no longer than this.
const MAX_FIREBASE_ID: usize = 128;

pub(super) fn facts(
    rules: &Rules,
    claims: &Claims<'_>,
    issuer: &Arc<str>,
) -> Result<IdentityFacts, DenyReason> {
    audience(rules, claims)?;
    let other = &claims.other;
    let user_id = rules.map.user_id(other)?.or(claims.sub.as_deref());
    let user_id = plain_id(user_id.ok_or(DenyReason::ClaimsInvalid)?)?;
    let level = match (rules.map.auth_level(other)?, rules.kind) {
        (Some(level), _) => level,
        (None, IssuerKind::Firebase) => firebase_level(claims)?,
        (None, _) => rules.level,
    };
    let known = IdentityFacts::new(user_id, issuer.clone(), level);
    Ok(IdentityFacts { anonymous: level <= AuthLevel::Guest, ..known })
}

fn audience(rules: &Rules, claims: &Claims<'_>) -> Result<(), DenyReason> {
    if !meant_for(claims, &rules.audiences) {
        return Err(DenyReason::AudienceMismatch);
    }
    // OpenID Connect Core section 3.1.3.7: among several audiences, `azp` says who it was for.
    if rules.accepts == Accepts::Id && claims.aud.len() > 1 {
        let azp = text(&claims.other, "azp")?;
        if !azp.is_some_and(|azp| rules.audiences.iter().any(|known| known == azp)) {
            return Err(DenyReason::AudienceMismatch);
        }
    }
    Ok(())
}

/// A number by E.164, as Firebase writes it: `+` and at most 15 digits. No other text, an empty one
/// least of all, is a number that somebody has proved.
fn is_phone_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// How Firebase's user signed in: anonymously, or with an address or number that was proved.
fn firebase_level(claims: &Claims<'_>) -> Result<AuthLevel, DenyReason> {
    if claims.sub.as_ref().is_some_and(|sub| sub.len() > MAX_FIREBASE_ID) {
        return Err(DenyReason::ClaimsInvalid);
    }
    let other = &claims.other;
    let nothing = Object::default();
    let sign_in = match other.get("firebase") {
        None => &nothing,
        Some(Json::Object(sign_in)) => sign_in,
        Some(_) => return Err(DenyReason::ClaimsInvalid),
    };
    if text(sign_in, "sign_in_provider")? == Some("anonymous") {
        return Ok(AuthLevel::Guest);
    }
    let proved =
        flag(other, "email_verified")? || text(other, "phone_number")?.is_some_and(is_phone_number);
    Ok(if proved { AuthLevel::Verified } else { AuthLevel::Unverified })
}
