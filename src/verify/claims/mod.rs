//! From verified claims to an identity: the rules of each kind of issuer.
//!
//! In: a token whose signature is good, and the issuer's settings. Out: the same identity shape
//! for every kind, or the reason why there is none.

mod kind;
mod map;
mod openid;
mod rownd;
mod supertokens;

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use super::{
    json::{Json, Object},
    token::{Claims, Token},
};
use crate::{
    config::{Accepts, Issuer as Settings, IssuerKind},
    model::{AuthLevel, DenyReason, IdentityFacts},
};
use map::Map;

pub(super) use kind::marks;

pub(super) const APP: &str = "app:";
const VARIANT: &str = "app_variant:";

/// From when until when a token holds, Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lifetime {
    /// The later of `nbf` and `iat`; without either, there was never a time before it.
    start: u64,
    end: u64,
}

/// The end of a token without one. No token says it: see [`token`](super::token).
const NEVER: u64 = u64::MAX;

impl Lifetime {
    pub(super) fn of(claims: &Claims<'_>) -> Self {
        Self::new(claims.nbf, claims.iat, claims.exp)
    }

    pub(super) fn new(nbf: Option<u64>, iat: Option<u64>, exp: Option<u64>) -> Self {
        Self { start: nbf.max(iat).unwrap_or(0), end: exp.unwrap_or(NEVER) }
    }

    /// Holds now, give or take the leeway. Judged again on every use.
    pub(super) fn check(&self, now: u64, leeway: u64) -> Result<(), DenyReason> {
        if self.end != NEVER && now >= self.end.saturating_add(leeway) {
            return Err(DenyReason::TokenExpired);
        }
        if self.start > now.saturating_add(leeway) {
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

/// What one issuer's tokens have to say, and what becomes of it.
#[derive(Debug)]
pub(super) struct Rules {
    kind: IssuerKind,
    accepts: Accepts,
    audiences: Vec<String>,
    level: AuthLevel,
    map: Map,
}

impl Rules {
    pub(super) fn build(settings: &Settings) -> Self {
        Self {
            kind: settings.kind,
            accepts: settings.accepts.unwrap_or(match settings.kind {
                IssuerKind::Firebase => Accepts::Id,
                _ => Accepts::Access,
            }),
            // Firebase's tokens are for the project.
            audiences: settings.audiences.iter().chain(&settings.project).cloned().collect(),
            level: settings.auth_level.unwrap_or(AuthLevel::Unverified),
            map: Map::build(settings),
        }
    }

    /// Who the token speaks of.
    pub(super) fn facts(
        &self,
        token: &Token<'_>,
        issuer: &Arc<str>,
        apps: &[App<'_>],
    ) -> Result<IdentityFacts, DenyReason> {
        let claims = &token.claims;
        kind::check(token, self.kind, self.accepts)?;
        let mut facts = match self.kind {
            IssuerKind::Rownd => rownd::facts(claims, issuer, apps),
            IssuerKind::Supertokens => supertokens::facts(claims, issuer, apps, &self.audiences),
            IssuerKind::Oidc | IssuerKind::Firebase | IssuerKind::Static => {
                openid::facts(self, claims, issuer)
            }
        }?;
        // A subject is what a token is about, whoever issued it.
        if claims.sub.as_ref().is_none_or(|sub| sub.is_empty()) {
            return Err(DenyReason::ClaimsInvalid);
        }
        self.map.fill(&mut facts, &claims.other)?;
        facts.token_id = claims.jti.as_deref().map(str::to_owned);
        facts.issued_at = claims.iat;
        facts.expires_at =
            claims.exp.and_then(|end| UNIX_EPOCH.checked_add(Duration::from_secs(end)));
        Ok(facts)
    }
}

/// Names one of the audiences.
fn meant_for(claims: &Claims<'_>, audiences: &[String]) -> bool {
    claims.aud.iter().any(|aud| audiences.iter().any(|known| known == aud))
}

/// The sub-brand that an audience names, if it is one the app allows.
fn variant(claims: &Claims<'_>, allowed: &[String]) -> Result<Option<String>, DenyReason> {
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
fn plain_id(id: &str) -> Result<String, DenyReason> {
    let odd = id.is_empty()
        || id.trim() != id
        || id.chars().any(char::is_control)
        || matches!(id, "." | "..");
    if odd { Err(DenyReason::ClaimsInvalid) } else { Ok(id.to_owned()) }
}

/// A member that is text, or absent.
fn text<'a>(claims: &'a Object<'_>, name: &str) -> Result<Option<&'a str>, DenyReason> {
    match claims.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(value) => value.text().map(Some).ok_or(DenyReason::ClaimsInvalid),
    }
}

/// A member that is true, or false, or absent and so false.
fn flag(claims: &Object<'_>, name: &str) -> Result<bool, DenyReason> {
    match claims.get(name) {
        None => Ok(false),
        Some(Json::Bool(flag)) => Ok(*flag),
        Some(_) => Err(DenyReason::ClaimsInvalid),
    }
}
