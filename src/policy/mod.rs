//! The rules that hold for a request, and their decision about an identity. Pure and synchronous.
//!
//! In: a request within the limits; then the verified identity, if any. Out: the [`ChosenRules`],
//! then [`Allowed`] or a denial, and from there a [`Permit`]. A path or a method that servers read
//! in several ways chooses a rule by each reading, and all of these rules must allow. Where no rule
//! matches, the default holds, which asks for a credential unless configured otherwise.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod chosen;
mod condition;
mod guard;
mod limits;
mod matcher;
mod method;
mod outputs;
mod path;
mod permit;
mod places;
mod presented;
mod requirement;
pub mod rights;
mod rule;
mod shadow;
#[cfg(test)]
mod tests;
mod truth;
mod variables;

use std::{collections::HashMap, sync::Arc};

use crate::{
    config::{Config, Mode},
    model::{ClaimNames, DenyReason, NamedRoute, RequestContext, Step},
};
pub use chosen::ChosenRules;
use chosen::{BesideRules, ChosenRule};
pub use condition::Needs;
use guard::Guard;
pub use limits::{Measured, RequestLimits};
use method::MethodReadings;
pub use outputs::RuleOutputs;
use path::PathReadings;
pub use permit::{Allowed, ConfirmedByProfile, GrantedRule, Permit, Unconfirmed};
pub use presented::Presented;
use requirement::FactSources;
use rights::RightsBook;
use rule::{Concession, Rule};
pub use shadow::{ShadowDecision, ShadowOutcome};

/// The guards, and the ordered rules.
#[derive(Debug)]
pub struct Policy {
    guards: Vec<Guard>,
    rules: Vec<Rule>,
    default: Rule,
    by_id: HashMap<Vec<u8>, usize>,
    needs: Needs,
    /// Some rule is in shadow.
    has_shadows: bool,
    rights: Arc<RightsBook>,
}

/// All ways in which servers may read a request.
#[derive(Clone, Copy)]
struct Readings<'a> {
    methods: &'a MethodReadings<'a>,
    host: &'a [u8],
    paths: &'a PathReadings<'a>,
}

impl<'a> Readings<'a> {
    /// Each method with each path.
    fn pairs(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let paths = |method| self.paths.iter().map(move |path| (method, path));
        self.methods.iter().flat_map(paths)
    }
}

impl Policy {
    /// From the configuration.
    #[must_use]
    pub fn build(config: &Config) -> Self {
        let sources = Arc::new(FactSources::build(config));
        let guards = config.guards.iter().map(|guard| Guard::build(guard, &sources)).collect();
        let rules = config.routes.iter().map(|route| Rule::of_route(route, &sources)).collect();
        let policy = Self::new(guards, rules, Rule::of_default(&config.default, &sources));
        Self { rights: sources.rights().clone(), ..policy }
    }

    fn new(guards: Vec<Guard>, rules: Vec<Rule>, default: Rule) -> Self {
        let mut needs = Needs::default();
        let of_rules = rules.iter().chain([&default]).map(Rule::needs);
        for part in of_rules.chain(guards.iter().map(Guard::needs)) {
            needs.extend(part.clone());
        }
        let id = |(index, rule): (usize, &Rule)| (rule.id().as_bytes().to_vec(), index);
        let by_id = rules.iter().enumerate().map(id).collect();
        let has_shadows = rules.iter().any(|rule| rule.mode() == Mode::Shadow);
        let rights = Arc::default();
        Self { guards, rules, default, by_id, needs, has_shadows, rights }
    }

    /// The needs of all rules together, whichever of them hold for a request.
    #[must_use]
    pub const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// The claims that a condition of some rule or a source of roles looks at, so that identities have
    /// to keep them.
    #[must_use]
    pub fn asked_claims(&self) -> ClaimNames {
        ClaimNames::new(self.needs.claims.iter().cloned().chain(self.rights.claims()))
    }

    /// The roles and permissions of users.
    #[must_use]
    pub const fn rights(&self) -> &Arc<RightsBook> {
        &self.rights
    }

    /// The rules that hold for the request.
    ///
    /// # Errors
    ///
    /// The denial, if the method, host or path cannot be judged, or if the proxy names an unknown
    /// rule.
    pub fn choose<'a>(&'a self, request: Measured<'a>) -> Result<ChosenRules<'a>, DenyReason> {
        let request = request.request();
        let methods = method::readings(&request.method)?;
        let host = matcher::canonical_host(&request.host).ok_or(DenyReason::HostRefused)?;
        let paths = path::readings(&request.target).ok_or(DenyReason::PathRefused)?;
        let readings = Readings { methods: &methods, host: &host, paths: &paths };
        let named = match &request.named_route {
            Some(NamedRoute::Unclear) => return Err(DenyReason::RouteUnknown),
            // A rule in shadow is as if it were not there.
            Some(NamedRoute::Id(id)) => {
                Some(self.rule_by_id(id)?).filter(|rule| rule.mode() == Mode::Enforce)
            }
            None => None,
        };
        let rules = match named {
            Some(rule) => {
                ChosenRules::of(request, paths.iter().map(|path| ChosenRule::new(rule, path)))
            }
            None => {
                let rule = |(method, path)| {
                    ChosenRule::new(self.rule_by_reading(method, &host, path), path)
                };
                ChosenRules::of(request, readings.pairs().map(rule))
            }
        };
        let rules = rules.ok_or(DenyReason::PathRefused)?;
        if paths.odd() && !rules.concedes(Concession::OddPath) {
            return Err(DenyReason::PathRefused);
        }
        if self.guards.is_empty() && !self.has_shadows {
            return Ok(rules);
        }
        Ok(rules.with(self.beside(request, readings, named.is_some())))
    }

    /// The guards that match in some reading, and the rules in shadow that would have been chosen:
    /// by the reading that chooses them, or by the name that the proxy gives.
    fn beside<'a>(
        &'a self,
        request: &RequestContext,
        readings: Readings<'_>,
        is_named: bool,
    ) -> BesideRules<'a> {
        let host = readings.host;
        let mut beside = BesideRules::default();
        let named = match &request.named_route {
            Some(NamedRoute::Id(id)) => self.rule_by_id(id).ok(),
            Some(NamedRoute::Unclear) | None => None,
        };
        for (method, path) in readings.pairs() {
            for guard in
                self.guards.iter().filter(|guard| guard.matcher().matches(method, host, path))
            {
                beside.add_guard(guard, path);
            }
            if let Some(rule) = named.filter(|rule| rule.mode() == Mode::Shadow) {
                beside.add_shadow(ChosenRule::new(rule, path));
            } else if self.has_shadows && !is_named {
                let first = self.rules.iter().find(|rule| rule.matches(method, host, path));
                if let Some(rule) = first.filter(|rule| rule.mode() == Mode::Shadow) {
                    beside.add_shadow(ChosenRule::new(rule, path));
                }
            }
        }
        beside
    }

    /// The rules that come before the one that holds for the request as it was sent, each with the
    /// part of the request that it does not match: for explanations. None where the proxy names the
    /// rule, and where the request cannot be read.
    #[must_use]
    pub fn skipped(&self, request: Measured<'_>) -> Vec<Step> {
        let request = request.request();
        let (Ok(methods), Some(host), Some(paths), None) = (
            method::readings(&request.method),
            matcher::canonical_host(&request.host),
            path::readings(&request.target),
            &request.named_route,
        ) else {
            return Vec::new();
        };
        let (Some(method), Some(path)) = (methods.iter().next(), paths.iter().next()) else {
            return Vec::new();
        };
        let skipped = self.rules.iter().map_while(|rule| {
            let because = rule.mismatch(method, &host, path)?;
            Some(Step::RuleSkipped { rule: rule.id().clone(), because })
        });
        skipped.collect()
    }

    fn rule_by_id(&self, id: &[u8]) -> Result<&Rule, DenyReason> {
        let index = self.by_id.get(id).ok_or(DenyReason::RouteUnknown)?;
        self.rules.get(*index).ok_or(DenyReason::RouteUnknown)
    }

    /// The rule of one reading: the first that matches, else the default. This is the one place that
    /// searches the rules, so an index over them belongs here.
    fn rule_by_reading(&self, method: &[u8], host: &[u8], path: &[u8]) -> &Rule {
        let mut rules = self.rules.iter();
        let decides =
            |rule: &&Rule| rule.mode() == Mode::Enforce && rule.matches(method, host, path);
        rules.find(decides).unwrap_or(&self.default)
    }
}
