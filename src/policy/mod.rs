//! The rules that hold for a request, and their decision about an identity. Pure and synchronous.
//!
//! In: a request within the limits; then the verified identity, if any. Out: the [`ChosenRules`],
//! then [`Allowed`] or a denial, and from there a [`Permit`]. A path or a method that servers read
//! in several ways chooses a rule by each reading, and all of these rules must allow. Where no rule
//! matches, the default holds, which asks for a credential unless configured otherwise.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod chosen;
mod condition;
mod index;
mod limits;
mod matching;
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
use index::RuleIndex;
pub use limits::{Measured, RequestLimits};
use matching::{Asked, Fit, PathProgram};
pub use permit::{Allowed, ConfirmedByProfile, Permit, Unconfirmed};
use rights::RightsBook;
use rule::{Concession, Rule};

/// Rules that the readings of one request may take together. Only a request that was made for it has
/// more, and each costs time in which other callers wait.
const MAX_TAKEN: usize = 256;
/// Regular expressions that are compiled into their fast form, which needs more memory.
const FAST_EXPRESSIONS: usize = 64;

/// The ordered rules.
#[derive(Debug)]
pub struct Policy {
    rules: Vec<Rule>,
    default: Rule,
    by_id: HashMap<Vec<u8>, usize>,
    index: RuleIndex,
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

    fn new(mut rules: Vec<Rule>, default: Rule) -> Self {
        let programs = rules.iter_mut().filter_map(Rule::program_mut);
        programs.take(FAST_EXPRESSIONS).for_each(PathProgram::speed_up);
        let mut needs = Needs::default();
        for rule in rules.iter().chain([&default]) {
            needs.extend(rule.needs().clone());
        }
        let id = |(index, rule): (usize, &Rule)| (rule.id().as_bytes().to_vec(), index);
        let by_id = rules.iter().enumerate().map(id).collect();
        let matchers = rules.iter().enumerate();
        let index = RuleIndex::build(matchers.filter_map(|(at, rule)| Some((at, rule.matcher()?))));
        Self { rules, default, by_id, index, needs, rights: Arc::default() }
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
        let asked = Asked::of(request)?;
        let paths = path::readings(&request.target).ok_or(DenyReason::PathRefused)?;
        let rules = match &request.named_route {
            Some(NamedRoute::Unclear) => return Err(DenyReason::RouteUnknown),
            Some(NamedRoute::Id(id)) => {
                let rule = self.rule_by_id(id)?;
                ChosenRules::of(request, paths.iter().map(|path| ChosenRule::new(rule, path)))
            }
            None => {
                let asked = &asked;
                let mut taken = 0;
                let chosen = methods.iter().flat_map(|method| {
                    paths.iter().flat_map(move |path| {
                        let rules = self.rules_by_reading(asked, method, path);
                        rules.map(move |rule| ChosenRule::new(rule, path))
                    })
                });
                let chosen = chosen.take(MAX_TAKEN + 1).inspect(|_| taken += 1);
                let chosen = ChosenRules::of(request, chosen);
                if taken > MAX_TAKEN {
                    return Err(DenyReason::RequestAmbiguous);
                }
                chosen
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
        let (Ok(methods), Ok(asked), Some(paths), None) = (
            method::readings(&request.method),
            Asked::of(request),
            path::readings(&request.target),
            &request.named_route,
        ) else {
            return Vec::new();
        };
        let (Some(method), Some(path)) = (methods.iter().next(), paths.iter().next()) else {
            return Vec::new();
        };
        let skipped = self.rules.iter().map_while(|rule| {
            let because = rule.mismatch(&asked, method, path)?;
            Some(Step::RuleSkipped { rule: rule.id().clone(), because })
        });
        skipped.collect()
    }

    fn rule_by_id(&self, id: &[u8]) -> Result<&Rule, DenyReason> {
        let index = self.by_id.get(id).ok_or(DenyReason::RouteUnknown)?;
        self.rules.get(*index).ok_or(DenyReason::RouteUnknown)
    }

    /// The rules of one reading, in their order: those that match it possibly, up to the first that
    /// matches it surely, which is else the default. This is the one place that searches the rules.
    fn rules_by_reading<'p, 'r>(
        &'p self,
        asked: &'r Asked<'_>,
        method: &'r [u8],
        path: &'r [u8],
    ) -> impl Iterator<Item = &'p Rule> {
        let candidates = self.index.candidates(asked.host(), path);
        let mut rules = candidates.filter_map(|position| self.rules.get(position));
        let mut ended = false;
        std::iter::from_fn(move || {
            while !ended {
                let Some(rule) = rules.next() else {
                    ended = true;
                    return Some(&self.default);
                };
                match rule.fit(asked, method, path) {
                    Fit::No => {}
                    Fit::Possibly => return Some(rule),
                    Fit::Surely => {
                        ended = true;
                        return Some(rule);
                    }
                }
            }
            None
        })
    }
}
