//! Tokens by the standards (OpenID Connect Core, RFC 9068): the part that OpenID Connect issuers,
//! Firebase and issuers with keys in place share.

use super::kind::{Expected, FactsOf};
use crate::{
    model::{AuthLevel, DenyReason, IdentityFacts},
    verify::{
        claims::{
            profile::{AzpRule, may_be_rownd_access},
            read::{optional_text, user_id},
        },
        token::Token,
    },
};

/// The token has the profile that the settings ask for.
pub(super) fn has_profile(token: &Token<'_>, expected: &Expected) -> bool {
    may_be_rownd_access(&token.claims.other) && expected.marks.fit(token)
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
    let machine = (of.expected.marks.is_machine)(claims);
    Ok(IdentityFacts { anonymous: level <= AuthLevel::Guest, machine, ..known })
}

fn check_audience(of: &FactsOf<'_>) -> Result<(), DenyReason> {
    let audience = &of.expected.audience;
    audience.check(of.claims)?;
    let azp = || optional_text(&of.claims.other, "azp");
    let is_ours = match of.expected.marks.azp {
        AzpRule::Any => true,
        AzpRule::OursAmongSeveralAudiences => {
            of.claims.aud.len() <= 1 || azp()?.is_some_and(|azp| audience.knows_party(azp))
        }
        AzpRule::OursWherePresent => match azp()? {
            Some(azp) => audience.knows_party(azp),
            None => of.claims.aud.len() <= 1,
        },
    };
    if is_ours { Ok(()) } else { Err(DenyReason::AudienceMismatch) }
}
