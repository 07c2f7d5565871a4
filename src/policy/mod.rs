//! The rules that hold for a request, and their decision about an identity. Pure and synchronous.
//!
//! In: a request within the limits; then the verified identity, if any. Out: the [`ChosenRules`],
//! then [`Allowed`] or a denial, and from there a [`Permit`]. A path or a method that servers read
//! in several ways chooses a rule by each reading, and all of these rules must allow. Where no rule
//! matches, the default holds, which asks for a credential unless configured otherwise.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod alternatives;
mod caller_facts;
mod chosen;
mod condition;
mod contradictions;
mod evidence;
mod granted;
mod guard;
mod hopeless;
mod index;
mod levels;
mod limits;
mod matching;
mod method;
mod outputs;
mod path;
mod permit;
mod presented;
mod requirement;
pub mod rights;
mod rule;
mod shadow;
#[cfg(test)]
mod tests;
mod truth;
mod unmet;
mod variables;
mod warnings;
mod words;

use std::{collections::HashMap, sync::Arc};

use crate::{
    config::{Config, Mode, RouteOutputs},
    model::{ClaimNames, DenyReason, NamedRoute, RequestContext, Step},
};
pub use caller_facts::CallerFacts;
pub use chosen::ChosenRules;
use chosen::{BesideRules, ChosenRule};
pub use evidence::Needs;
pub use granted::GrantedRule;
use guard::Guard;
use index::RuleIndex;
pub use limits::{Measured, RequestLimits};
use matching::{Asked, Fit, PathProgram};
use method::MethodReadings;
use outputs::CommonOutputs;
pub use outputs::RuleOutputs;
use path::PathReadings;
pub use permit::{Allowed, ConfirmedByProfile, Permit, Unconfirmed};
pub use presented::Presented;
use requirement::FactSources;
use rights::RightsBook;
use rule::{Concession, Rule};
pub use shadow::{ShadowDecision, ShadowOutcome};
pub use warnings::warnings;

/// Rules that the readings of one request may take together. Only a request that was made for it has
/// more, and each costs time in which other callers wait.
const MAX_TAKEN: usize = 256;
/// Regular expressions that are compiled into their fast form, which needs more memory.
const FAST_EXPRESSIONS: usize = 64;

/// The guards, and the ordered rules.
#[derive(Debug)]
pub struct Policy {
    guards: Vec<Guard>,
    guard_index: RuleIndex,
    rules: Vec<Rule>,
    default: Rule,
    by_id: HashMap<Vec<u8>, usize>,
    index: RuleIndex,
    needs: Needs,
    /// Some rule is in shadow.
    has_shadows: bool,
    rights: Arc<RightsBook>,
}

/// All ways in which servers may read a request.
#[derive(Clone, Copy)]
struct Readings<'a> {
    methods: &'a MethodReadings<'a>,
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
        let common = CommonOutputs::build(config);
        let rules = config.routes.iter().map(|route| {
            Rule::of_route(route, &sources).telling(&route.outputs, &common, &sources)
        });
        let default = Rule::of_default(&config.default, &sources);
        let default = default.telling(&RouteOutputs::default(), &common, &sources);
        let policy = Self::new(guards, rules.collect(), default);
        Self { rights: sources.rights().clone(), ..policy }
    }

    fn new(mut guards: Vec<Guard>, mut rules: Vec<Rule>, default: Rule) -> Self {
        // Every request is held against the guards, so theirs come first.
        let of_guards = guards.iter_mut().filter_map(Guard::program_mut);
        let programs = of_guards.chain(rules.iter_mut().filter_map(Rule::program_mut));
        programs.take(FAST_EXPRESSIONS).for_each(PathProgram::speed_up);
        let mut needs = Needs::default();
        let of_rules = rules.iter().chain([&default]).map(Rule::needs);
        for part in of_rules.chain(guards.iter().map(Guard::needs)) {
            needs.extend(part.clone());
        }
        let id = |(index, rule): (usize, &Rule)| (rule.id().as_bytes().to_vec(), index);
        let matchers = rules.iter().enumerate();
        let matchers = matchers.filter_map(|(at, rule)| Some((at, rule.matcher()?)));
        Self {
            by_id: rules.iter().enumerate().map(id).collect(),
            index: RuleIndex::build(matchers),
            guard_index: RuleIndex::build(guards.iter().map(Guard::matcher).enumerate()),
            has_shadows: rules.iter().any(|rule| rule.mode() == Mode::Shadow),
            guards,
            rules,
            default,
            needs,
            rights: Arc::default(),
        }
    }

    /// The names of all guards and rules, `default` included.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let rules = std::iter::once(&self.default).chain(&self.rules).map(Rule::id);
        self.guards.iter().map(Guard::id).chain(rules).map(AsRef::as_ref)
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
        let named = match &request.named_route {
            Some(NamedRoute::Unclear) => return Err(DenyReason::RouteUnknown),
            // A rule in shadow decides nothing, and no other is meant by its name.
            Some(NamedRoute::Id(id)) => match self.rule_by_id(id)? {
                rule if rule.mode() == Mode::Enforce => Some(rule),
                _ => Some(&self.default),
            },
            None => None,
        };
        let readings = Readings { methods: &methods, paths: &paths };
        let rules = match named {
            Some(rule) => {
                ChosenRules::of(request, paths.iter().map(|path| ChosenRule::new(rule, path)))
            }
            None => {
                let asked = &asked;
                let mut taken = 0;
                let chosen = readings.pairs().flat_map(move |(method, path)| {
                    let rules = self.rules_by_reading(asked, method, path);
                    rules.map(move |rule| ChosenRule::new(rule, path))
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
        if self.guards.is_empty() && !self.has_shadows {
            return Ok(rules);
        }
        Ok(rules.with(self.beside(request, &asked, readings, named.is_some())))
    }

    /// The guards that match in some reading, and the rules in shadow that would have been chosen: by
    /// the reading that chooses them, or by the name that the proxy gives.
    fn beside<'a>(
        &'a self,
        request: &RequestContext,
        asked: &Asked<'_>,
        readings: Readings<'_>,
        is_named: bool,
    ) -> BesideRules<'a> {
        let mut beside = BesideRules::default();
        let named = match &request.named_route {
            Some(NamedRoute::Id(id)) => self.rule_by_id(id).ok(),
            Some(NamedRoute::Unclear) | None => None,
        };
        let named_shadow = named.filter(|rule| rule.mode() == Mode::Shadow);
        for (method, path) in readings.pairs() {
            let guards = self.guard_index.candidates(asked.host(), path);
            for guard in guards.filter_map(|position| self.guards.get(position)) {
                if guard.matcher().fit(asked, method, path) != Fit::No {
                    beside.add_guard(guard, path);
                }
            }
            if let Some(rule) = named_shadow {
                beside.add_shadow(ChosenRule::new(rule, path));
            } else if self.has_shadows && !is_named {
                for rule in self.shadows_by_reading(asked, method, path) {
                    beside.add_shadow(ChosenRule::new(rule, path));
                }
            }
        }
        beside
    }

    /// The rules in shadow that one reading would choose if they decided.
    fn shadows_by_reading<'p>(
        &'p self,
        asked: &Asked<'_>,
        method: &[u8],
        path: &[u8],
    ) -> Vec<&'p Rule> {
        let mut shadows = Vec::new();
        let candidates = self.index.candidates(asked.host(), path);
        for rule in candidates.filter_map(|position| self.rules.get(position)) {
            let fit = rule.fit(asked, method, path);
            if fit != Fit::No && rule.mode() == Mode::Shadow {
                shadows.push(rule);
            }
            if fit == Fit::Surely {
                break;
            }
        }
        shadows
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
        let rules = candidates.filter_map(|position| self.rules.get(position));
        let mut rules = rules.filter(|rule| rule.mode() == Mode::Enforce);
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
