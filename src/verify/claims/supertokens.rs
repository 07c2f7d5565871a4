//! SuperTokens sessions, with Rownd's claims in them where its plugin made them.

use std::sync::Arc;

use super::{
    APP, App, meant_for, plain_id,
    rownd::{APP_USER_ID, level},
    text, variant,
};
use crate::{
    model::{AuthLevel, CookieProof, DenyReason, IdentityFacts},
    verify::token::Claims,
};

pub(super) fn facts(
    claims: &Claims<'_>,
    issuer: &Arc<str>,
    apps: &[App<'_>],
    audiences: &[String],
) -> Result<IdentityFacts, DenyReason> {
    if !audiences.is_empty() && !meant_for(claims, audiences) {
        return Err(DenyReason::AudienceMismatch);
    }
    let (app_id, allowed) = app(claims, apps)?;
    let other = &claims.other;
    let (auth_level, anonymous) = level(other)?;
    let user_id = text(other, APP_USER_ID)?.or(claims.sub.as_deref()).unwrap_or_default();
    let known = IdentityFacts::new(plain_id(user_id)?, issuer.clone(), auth_level);
    Ok(IdentityFacts {
        // Its plugin calls instant users anonymous too.
        anonymous: anonymous || auth_level <= AuthLevel::Guest,
        app_id,
        app_variant: variant(claims, allowed)?,
        session_id: text(other, "sessionHandle")?.map(str::to_owned),
        tenant: text(other, "tId")?.map(str::to_owned),
        cookie_proof: CookieProof::AntiCsrf(text(other, "antiCsrfToken")?.map(Into::into)),
        ..known
    })
}

/// The app the session is for, and its variants. Not every plugin writes an audience; what is
/// configured then says it. An audience that names another app is another app's.
fn app<'a>(
    claims: &Claims<'_>,
    apps: &[App<'a>],
) -> Result<(Option<String>, &'a [String]), DenyReason> {
    let mut named = claims.aud.iter().filter_map(|aud| aud.strip_prefix(APP)).peekable();
    match apps.first() {
        Some(App { id: Some(id), variants }) => {
            if named.peek().is_some() && !named.any(|name| name == *id) {
                return Err(DenyReason::AudienceMismatch);
            }
            Ok((Some((*id).to_owned()), variants))
        }
        _ => {
            let app = named.next().map(str::to_owned);
            if named.next().is_some() { Err(DenyReason::ClaimsInvalid) } else { Ok((app, &[])) }
        }
    }
}
