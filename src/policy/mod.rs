//! The rules that hold for a request, and their decision about an identity. Pure and synchronous.
//!
//! In: a request within the limits; then the verified identity, if any. Out: the [`ChosenRules`],
//! then [`Allowed`] or a denial, and from there a [`Permit`]. A path or a method that servers read
//! in several ways chooses a rule by each reading, and all of these rules must allow. Where no rule
//! matches, the default holds, which asks for a credential unless configured otherwise.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod chosen;
mod condition;
mod limits;
mod matcher;
mod method;
mod path;
mod permit;
pub mod rights;
mod rule;
#[cfg(test)]
mod tests;
mod truth;
mod variables;

use std::{collections::HashMap, sync::Arc};

use crate::{
    config::Config,
    model::{ClaimNames, DenyReason, NamedRoute, Step},
};
use chosen::ChosenRule;
pub use chosen::ChosenRules;
pub use condition::Needs;
pub use limits::{Measured, RequestLimits};
pub use permit::{Allowed, ConfirmedByProfile, Permit, Unconfirmed};
use rights::RightsBook;
use rule::{Concession, Rule};

/// The ordered rules.
#[derive(Debug)]
pub struct Policy {
    rules: Vec<Rule>,
    default: Rule,
    by_id: HashMap<Vec<u8>, usize>,
    needs: Needs,
    rights: Arc<RightsBook>,
}

impl Policy {
    /// From the configuration.
    #[must_use]
    pub fn build(config: &Config) -> Self {
        let rules = config.routes.iter().map(Rule::of_route).collect();
        let rights = Arc::new(RightsBook::build(config));
        Self { rights, ..Self::new(rules, Rule::of_default(&config.default)) }
    }

    fn new(rules: Vec<Rule>, default: Rule) -> Self {
        let mut needs = Needs::default();
        for rule in rules.iter().chain([&default]) {
            needs.extend(rule.needs().clone());
        }
        let id = |(index, rule): (usize, &Rule)| (rule.id().as_bytes().to_vec(), index);
        let by_id = rules.iter().enumerate().map(id).collect();
        Self { rules, default, by_id, needs, rights: Arc::default() }
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
        let rules = match &request.named_route {
            Some(NamedRoute::Unclear) => return Err(DenyReason::RouteUnknown),
            Some(NamedRoute::Id(id)) => {
                let rule = self.rule_by_id(id)?;
                ChosenRules::of(request, paths.iter().map(|path| ChosenRule::new(rule, path)))
            }
            None => {
                let chosen = methods.iter().flat_map(|method| {
                    let rule = |path| self.rule_by_reading(method, &host, path);
                    paths.iter().map(move |path| ChosenRule::new(rule(path), path))
                });
                ChosenRules::of(request, chosen)
            }
        };
        let rules = rules.ok_or(DenyReason::PathRefused)?;
        if paths.odd() && !rules.concedes(Concession::OddPath) {
            return Err(DenyReason::PathRefused);
        }
        Ok(rules)
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
        rules.find(|rule| rule.matches(method, host, path)).unwrap_or(&self.default)
    }
}
