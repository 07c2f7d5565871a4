//! Which rule holds for a request, and what it says to an identity. Pure and synchronous.
//!
//! In: a request's method, host and path; then the verified identity, if any. Out: a
//! [`Requirement`], then [`Allowed`] or a denial, and from there a [`Permit`]. Where a path or a method can be read in several ways,
//! every reading chooses a rule and the strictest of them holds. What no rule matches falls to the
//! default, which asks for a credential unless configured otherwise.

mod limits;
mod matcher;
mod method;
mod path;
mod permit;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use crate::{
    config::{Auth, Config, DefaultRoute, ExpiredCookie, Freshness, OddPaths, Route},
    model::{AllowReason, AuthLevel, Denial, DenyReason, NamedRoute},
    verify::Identity,
};
pub use limits::{Limits, Measured};
use matcher::Matcher;
pub use permit::{Allowed, ConfirmedByProfile, Permit, Unconfirmed};

/// What a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The id of the rule, or `default`.
    pub rule: Arc<str>,
    /// Whether a credential is asked for.
    pub auth: Auth,
    /// A strict CORS preflight passes.
    cors_preflight: bool,
    /// An expired cookie counts as none, on an optional route.
    pub expired_cookie: ExpiredCookie,
    /// How sure to be that a token still holds.
    pub freshness: Freshness,
    level: Option<AuthLevel>,
    step_up: bool,
    odd_paths: OddPaths,
}

impl Requirement {
    /// The strictest of two: what satisfies it satisfies both.
    fn strictest(self, other: &Self) -> Self {
        let other_rules =
            (other.auth, other.level, other.freshness) > (self.auth, self.level, self.freshness);
        Self {
            rule: if other_rules { other.rule.clone() } else { self.rule },
            auth: self.auth.max(other.auth),
            freshness: self.freshness.max(other.freshness),
            level: self.level.max(other.level),
            step_up: self.step_up && other.step_up,
            cors_preflight: self.cors_preflight && other.cors_preflight,
            expired_cookie: match (self.expired_cookie, other.expired_cookie) {
                (ExpiredCookie::Anonymous, ExpiredCookie::Anonymous) => ExpiredCookie::Anonymous,
                _ => ExpiredCookie::Deny,
            },
            odd_paths: match (self.odd_paths, other.odd_paths) {
                (OddPaths::Judge, OddPaths::Judge) => OddPaths::Judge,
                _ => OddPaths::Refuse,
            },
        }
    }

    /// Yes or no to this identity. `None` is a caller without a credential.
    ///
    /// # Errors
    ///
    /// The denial, if the identity is missing or does not satisfy the rule.
    pub fn decide(&self, identity: Option<Arc<Identity>>) -> Result<Allowed, Denial> {
        match (self.auth, identity) {
            (Auth::None, _) => Ok(Allowed::nobody(AllowReason::Public)),
            (Auth::Required, None) => Err(DenyReason::CredentialMissing.into()),
            (Auth::Optional, None) => Ok(Allowed::nobody(AllowReason::Anonymous)),
            (Auth::Required | Auth::Optional, Some(identity)) => match self.level {
                Some(level) if identity.auth_level < level => {
                    Err(Denial::level_too_low(level, self.step_up))
                }
                _ => Ok(Allowed::identified(identity, self.freshness == Freshness::Profile)),
            },
        }
    }

    /// Yes to a CORS preflight, where the rule lets those pass. The caller has found that the
    /// request is one.
    #[must_use]
    pub fn preflight(&self) -> Option<Allowed> {
        self.cors_preflight.then(|| Allowed::nobody(AllowReason::CorsPreflight))
    }
}

/// The ordered rules.
#[derive(Debug)]
pub struct Policy {
    /// A rule without a matcher holds only where the proxy names it.
    rules: Vec<(Option<Matcher>, Requirement)>,
    default: Requirement,
    by_id: HashMap<Vec<u8>, usize>,
}

impl Policy {
    /// From the configuration. The error names a pattern that cannot be compiled.
    pub fn build(config: &Config) -> Result<Self, String> {
        let mut rules = Vec::with_capacity(config.routes.len());
        let mut by_id = HashMap::new();
        for route in &config.routes {
            by_id.insert(route.id.clone().into_bytes(), rules.len());
            let matcher = route.matches.as_ref().map(Matcher::build).transpose()?;
            rules.push((matcher, requirement(route)));
        }
        Ok(Self { rules, default: default_requirement(&config.default), by_id })
    }

    /// What the request has to satisfy.
    pub fn require(&self, request: Measured<'_>) -> Result<Requirement, DenyReason> {
        let request = request.request();
        let methods = method::readings(&request.method)?;
        let host = matcher::canonical_host(&request.host).ok_or(DenyReason::HostRefused)?;
        let readings = path::readings(&request.path).ok_or(DenyReason::PathRefused)?;
        let requirement = match &request.named_route {
            Some(NamedRoute::Id(id)) => self.named(id)?.clone(),
            Some(NamedRoute::Unclear) => return Err(DenyReason::RouteUnknown),
            None => {
                let mut chosen = methods.iter().flat_map(|method| {
                    readings.iter().map(|path| self.select(method, &host, path))
                });
                let first = chosen.next().unwrap_or(&self.default).clone();
                chosen.fold(first, Requirement::strictest)
            }
        };
        if readings.odd() && requirement.odd_paths == OddPaths::Refuse {
            return Err(DenyReason::PathRefused);
        }
        Ok(requirement)
    }

    fn named(&self, id: &[u8]) -> Result<&Requirement, DenyReason> {
        let index = self.by_id.get(id).ok_or(DenyReason::RouteUnknown)?;
        self.rules.get(*index).map(|(_, rule)| rule).ok_or(DenyReason::RouteUnknown)
    }

    fn select(&self, method: &[u8], host: &[u8], path: &[u8]) -> &Requirement {
        self.rules
            .iter()
            .find(|(matcher, _)| matcher.as_ref().is_some_and(|it| it.matches(method, host, path)))
            .map_or(&self.default, |(_, requirement)| requirement)
    }
}

fn requirement(route: &Route) -> Requirement {
    Requirement {
        rule: route.id.as_str().into(),
        auth: route.auth,
        cors_preflight: route.cors_preflight,
        expired_cookie: route.expired_cookie,
        freshness: route.freshness,
        level: route.auth_level,
        step_up: route.step_up,
        odd_paths: route.odd_paths,
    }
}

fn default_requirement(route: &DefaultRoute) -> Requirement {
    Requirement {
        rule: "default".into(),
        auth: route.auth,
        cors_preflight: route.cors_preflight,
        expired_cookie: route.expired_cookie,
        freshness: route.freshness,
        level: route.auth_level,
        step_up: route.step_up,
        odd_paths: route.odd_paths,
    }
}
