//! The claim map of an issuer: which claims become which part of the identity.
//!
//! In: the issuer's settings and the defaults of its kind; then the claims of a token. Out: the
//! parts of the identity that the map names.

use std::borrow::Cow;

use super::{elsewhere::Elsewhere, mapped::MappedClaim};
use crate::{
    config::{Claim, Issuer as IssuerSettings},
    model::{AuthLevel, DenyReason, IdentityFacts},
    verify::json::Object,
};

/// The claims that a kind of issuer gives a meaning by itself. `None`: only the settings do.
#[derive(Debug, Clone, Copy)]
pub(in crate::verify) struct DefaultClaims {
    pub(in crate::verify) session_id: Option<&'static str>,
    pub(in crate::verify) tenant: Option<&'static str>,
    pub(in crate::verify) roles: Option<&'static str>,
    pub(in crate::verify) scopes: Option<&'static str>,
}

impl DefaultClaims {
    /// No claim has a meaning by itself.
    pub(in crate::verify) const NONE: Self =
        Self { session_id: None, tenant: None, roles: None, scopes: None };
    /// Those of the standards (OpenID Connect, RFC 9068).
    pub(in crate::verify) const STANDARD: Self =
        Self { session_id: Some("sid"), scopes: Some("scope"), ..Self::NONE };
}

/// The compiled claim map of one issuer.
#[derive(Debug)]
pub(in crate::verify) struct CompiledMap {
    user_id: Option<MappedClaim>,
    auth_level: Option<MappedClaim>,
    app_id: Option<MappedClaim>,
    app_variant: Option<MappedClaim>,
    session_id: Option<MappedClaim>,
    tenant: Option<MappedClaim>,
    roles: Option<MappedClaim>,
    groups: Option<MappedClaim>,
    scopes: Option<MappedClaim>,
    /// The claims that the settings name, with the part of the identity that each is for.
    configured: Vec<(&'static str, Claim)>,
}

impl CompiledMap {
    pub(in crate::verify) fn build(settings: &IssuerSettings, defaults: DefaultClaims) -> Self {
        let map = &settings.claims;
        let or = |configured: &Option<Claim>, default: Option<&str>| {
            let configured = configured.as_ref().and_then(MappedClaim::build);
            configured.or_else(|| default.map(MappedClaim::of_text))
        };
        let configured = map.entries().into_iter();
        Self {
            user_id: or(&map.user_id, None),
            auth_level: or(&map.auth_level, None),
            app_id: or(&map.app_id, None),
            app_variant: or(&map.app_variant, None),
            session_id: or(&map.session_id, defaults.session_id),
            tenant: or(&map.tenant, defaults.tenant),
            roles: or(&map.roles, defaults.roles),
            groups: or(&map.groups, None),
            scopes: or(&map.scopes, defaults.scopes),
            configured: configured
                .filter_map(|(part, claim)| Some((part, claim?.clone())))
                .collect(),
        }
    }

    /// The claims that the settings name and the token does not have, as they are written, with the
    /// part of the identity that each is for.
    pub(in crate::verify) fn absent(&self, claims: &Object<'_>) -> Vec<(&'static str, String)> {
        let is_absent = |claim: &Claim| {
            let mapped = MappedClaim::build(claim);
            // `sub` is not among the other claims, and every token has it.
            mapped.is_some_and(|mapped| !mapped.is("sub") && mapped.find(claims).is_none())
        };
        let absent = self.configured.iter().filter(|(_, claim)| is_absent(claim));
        absent.map(|(part, claim)| (*part, claim.to_string())).collect()
    }

    /// The user id, if another claim than `sub` is configured for it.
    pub(in crate::verify) fn user_id<'a>(
        &self,
        claims: &'a Object<'_>,
    ) -> Result<Option<Cow<'a, str>>, DenyReason> {
        match self.user_id.as_ref().filter(|claim| !claim.is("sub")) {
            None => Ok(None),
            // Where another claim is the user id, `sub` is not its stand-in.
            Some(claim) => claim.text(claims)?.map(Some).ok_or(DenyReason::ClaimsInvalid),
        }
    }

    /// The auth level, if a claim states it. An unknown word proves nothing: the lowest level.
    pub(in crate::verify) fn auth_level(
        &self,
        claims: &Object<'_>,
    ) -> Result<Option<AuthLevel>, DenyReason> {
        let Some(claim) = &self.auth_level else { return Ok(None) };
        let word = claim.text(claims)?;
        Ok(word.map(|word| AuthLevel::parse(&word).unwrap_or(AuthLevel::Instant)))
    }

    /// Sets what the map names, over what the kind of issuer has set.
    pub(in crate::verify) fn apply(
        &self,
        facts: &mut IdentityFacts,
        claims: &Object<'_>,
    ) -> Result<(), DenyReason> {
        let texts = [
            (&self.app_id, &mut facts.app_id),
            (&self.app_variant, &mut facts.app_variant),
            (&self.session_id, &mut facts.session_id),
            (&self.tenant, &mut facts.tenant),
        ];
        for (claim, target) in texts {
            if let Some(claim) = claim
                && let Some(found) = claim.text(claims)?
            {
                *target = Some(found.into_owned());
            }
        }
        let elsewhere = Elsewhere::of(claims);
        let partly = &mut facts.elsewhere;
        let lists = [
            (&self.roles, &mut facts.roles, &mut partly.roles, false),
            (&self.groups, &mut facts.groups, &mut partly.groups, false),
            (&self.scopes, &mut facts.scopes, &mut partly.scopes, true),
        ];
        for (claim, target, partly, split_at_blanks) in lists {
            let Some(claim) = claim else { continue };
            *partly = elsewhere.holds(claim.first());
            if let Some(found) = claim.list(claims, split_at_blanks)? {
                *target = found;
            }
        }
        Ok(())
    }
}
