//! SuperTokens sessions, with Rownd's claims in them where Rownd's plugin made them.

use super::{
    kind::{FactsOf, KeySetPlace, Kind},
    rownd_claims::{APP_USER_ID, level},
};
use crate::{
    config::Accepts,
    model::{AuthLevel, CookieProof, DenyReason, IdentityFacts},
    verify::{
        claims::{
            map::DefaultClaims,
            profile::may_be_rownd_access,
            read::{APP, AcceptedApp, app_variant, optional_text, user_id},
        },
        json::{Json, Object},
        token::Claims,
    },
};

pub(super) const KIND: Kind = Kind {
    metadata_path: None,
    key_set: KeySetPlace::Below("/jwt/jwks.json"),
    kid_optional: false,
    accepts: Accepts::Access,
    has_profile: |token, _| {
        may_be_rownd_access(&token.claims.other) && is_session(&token.claims.other)
    },
    default_claims: DefaultClaims {
        roles: Some("/st-role/v"),
        scopes: Some("/st-perm/v"),
        ..DefaultClaims::NONE
    },
    facts,
    needs_app: false,
};

/// `stt` 1 is an OAuth2 token of SuperTokens, and a session names itself.
fn is_session(claims: &Object<'_>) -> bool {
    matches!(claims.get("stt"), None | Some(Json::Unsigned(0)))
        && claims.get("sessionHandle").and_then(Json::text).is_some_and(|text| !text.is_empty())
}

fn facts(of: &FactsOf<'_>) -> Result<IdentityFacts, DenyReason> {
    let (claims, audience) = (of.claims, &of.expected.audience);
    if !audience.is_unchecked() {
        audience.check(claims)?;
    }
    let (app_id, allowed_variants) = app(claims, of.apps)?;
    let other = &claims.other;
    let (auth_level, anonymous) = level(other)?;
    let id = optional_text(other, APP_USER_ID)?.or(claims.sub.as_deref()).unwrap_or_default();
    let known = IdentityFacts::new(user_id(id)?, of.issuer.clone(), auth_level);
    Ok(IdentityFacts {
        // The plugin calls instant users anonymous too.
        anonymous: anonymous || auth_level <= AuthLevel::Guest,
        app_id,
        app_variant: app_variant(claims, allowed_variants)?,
        session_id: optional_text(other, "sessionHandle")?.map(str::to_owned),
        tenant: optional_text(other, "tId")?.map(str::to_owned),
        cookie_proof: CookieProof::AntiCsrf(optional_text(other, "antiCsrfToken")?.map(Into::into)),
        ..known
    })
}

/// The app that the session is for, and its variants. Not every plugin writes an audience; the
/// configuration then says the app. An audience that names another app is another app's.
fn app<'a>(
    claims: &Claims<'_>,
    apps: &[AcceptedApp<'a>],
) -> Result<(Option<String>, &'a [String]), DenyReason> {
    let mut named = claims.aud.iter().filter_map(|aud| aud.strip_prefix(APP)).peekable();
    match apps.first() {
        Some(AcceptedApp { id: Some(id), variants }) => {
            if named.peek().is_some() && !named.any(|name| name == *id) {
                return Err(DenyReason::AudienceMismatch);
            }
            Ok((Some((*id).to_owned()), variants))
        }
        Some(AcceptedApp { id: None, .. }) | None => {
            let app = named.next().map(str::to_owned);
            if named.next().is_some() { Err(DenyReason::ClaimsInvalid) } else { Ok((app, &[])) }
        }
    }
}
