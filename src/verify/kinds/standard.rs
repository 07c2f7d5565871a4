//! Tokens by the standards (OpenID Connect Core, RFC 9068): the part that OpenID Connect issuers,
//! Firebase and issuers with keys in place share.

use super::kind::FactsOf;
use crate::{
    config::Accepts,
    model::{AuthLevel, DenyReason, IdentityFacts},
    verify::{
        claims::{
            profile::{is_standard, may_be_rownd_access},
            read::{names_audience, optional_text, user_id},
        },
        token::Token,
    },
};

/// The token has the profile that the settings ask for.
pub(super) fn has_profile(token: &Token<'_>, accepts: Accepts) -> bool {
    may_be_rownd_access(&token.claims.other) && is_standard(token, accepts)
}

/// The facts of a user whose auth level the settings state.
pub(super) fn facts(of: &FactsOf<'_>) -> Result<IdentityFacts, DenyReason> {
    facts_with(of, |of| Ok(of.expected.level))
}

/// The facts of a user whose auth level, where the claim map states none, is `level`.
pub(super) fn facts_with(
    of: &FactsOf<'_>,
    level: fn(&FactsOf<'_>) -> Result<AuthLevel, DenyReason>,
) -> Result<IdentityFacts, DenyReason> {
    check_audience(of)?;
    let (claims, map) = (of.claims, &of.expected.map);
    let id = map.user_id(&claims.other)?.or(claims.sub.as_deref().map(Into::into));
    let id = user_id(&id.ok_or(DenyReason::ClaimsInvalid)?)?;
    let level = match map.auth_level(&claims.other)? {
        Some(level) => level,
        None => level(of)?,
    };
    let known = IdentityFacts::new(id, of.issuer.clone(), level);
    Ok(IdentityFacts { anonymous: level <= AuthLevel::Guest, ..known })
}

fn check_audience(of: &FactsOf<'_>) -> Result<(), DenyReason> {
    let audiences = &of.expected.audiences;
    if !names_audience(of.claims, audiences) {
        return Err(DenyReason::AudienceMismatch);
    }
    // OpenID Connect Core section 3.1.3.7: among several audiences, `azp` names the client.
    if of.expected.accepts == Accepts::Id && of.claims.aud.len() > 1 {
        let azp = optional_text(&of.claims.other, "azp")?;
        if !azp.is_some_and(|azp| audiences.iter().any(|known| known == azp)) {
            return Err(DenyReason::AudienceMismatch);
        }
    }
    Ok(())
}
