//! The rules of one issuer for the claims of its tokens.
//!
//! In: the issuer's settings; then a token. Out: the facts that the token states, in the same
//! shape for every kind of issuer, or the reason of a denial. Whether the signature is good is not
//! asked here.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use super::{
    claims::{audience::Audience, map::CompiledMap, read::AcceptedApp},
    kinds::{
        self,
        kind::{Expected, FactsOf, Kind},
        presets,
    },
    token::Token,
};
use crate::{
    config::Issuer as IssuerSettings,
    model::{AuthLevel, DenyReason, IdentityFacts},
};

/// The rules of one issuer.
#[derive(Debug)]
pub(super) struct Rules {
    kind: &'static Kind,
    expected: Expected,
}

impl Rules {
    pub(super) fn build(settings: &IssuerSettings) -> Self {
        let kind = kinds::row(settings.kind());
        let tokens = settings.accepted_tokens();
        let accepts = tokens.map_or(kind.accepts, |tokens| tokens.accepts);
        let client = tokens.and_then(|tokens| tokens.audience.as_ref());
        let expected = Expected {
            marks: presets::marks(tokens.and_then(|tokens| tokens.preset), accepts),
            audience: Audience::build(settings.audiences(), client),
            level: tokens.map_or(AuthLevel::Unverified, |tokens| tokens.auth_level),
            map: CompiledMap::build(settings, kind.default_claims),
        };
        Self { kind, expected }
    }

    /// The claims that the claim map names and the token does not have.
    pub(super) fn absent_claims(&self, token: &Token<'_>) -> Vec<(&'static str, String)> {
        self.expected.map.absent(&token.claims.other)
    }

    /// The facts that the token states of its user.
    pub(super) fn facts(
        &self,
        token: &Token<'_>,
        issuer: &Arc<str>,
        apps: &[AcceptedApp<'_>],
    ) -> Result<IdentityFacts, DenyReason> {
        let claims = &token.claims;
        if !(self.kind.has_profile)(token, &self.expected) {
            return Err(DenyReason::TokenKindRefused);
        }
        let of = FactsOf { claims, issuer, apps, expected: &self.expected };
        let mut facts = (self.kind.facts)(&of)?;
        // A token of any issuer is about its subject.
        if claims.sub.as_ref().is_none_or(|sub| sub.is_empty()) {
            return Err(DenyReason::ClaimsInvalid);
        }
        self.expected.map.apply(&mut facts, &claims.other)?;
        facts.token_id = claims.jti.as_deref().map(str::to_owned);
        facts.issued_at = claims.iat;
        facts.expires_at =
            claims.exp.and_then(|end| UNIX_EPOCH.checked_add(Duration::from_secs(end)));
        Ok(facts)
    }
}
