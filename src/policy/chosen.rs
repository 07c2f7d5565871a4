//! The rules that hold for one request, all of which must allow it.
//!
//! In: the rule that each reading of a request chose. Out: the state of all their conditions. A
//! path or a method that servers read differently has several readings, and each chooses a rule.
//!
//! Where several rules hold:
//! - each condition of each rule has to be met. Of those that are not, the client is told one:
//!   first a missing credential, then the highest auth level ([`Unmet`](super::unmet::Unmet));
//! - a concession (a preflight, an expired cookie, an odd path, the answer with the level to sign in
//!   with) is made only if each rule makes it;
//! - every guard that matches in some reading has to be content too;
//! - the name that is logged is that of the rule that asks most: by `auth`, then `auth_level`, then
//!   `freshness`. Of several that ask the same, it is the one whose reading comes first, beginning
//!   with the request as it was sent.

use std::{ptr, sync::Arc};

use super::{
    condition::Condition,
    evidence::Evidence,
    granted::GrantedRule,
    guard::Guard,
    presented::Presented,
    rule::{Concession, Rule},
    shadow::{self, ShadowDecision, ShadowOutcome},
    unmet::ConditionState,
    variables::PathVariables,
};
use crate::{
    config::Mode,
    expression::ExpressionWork,
    model::{DenialForm, Profile, RequestContext},
};

/// The rules that hold for one request. In the usual case it is one, and nothing is allocated.
#[derive(Debug)]
#[must_use]
pub struct ChosenRules<'a> {
    request: &'a RequestContext,
    first: ChosenRule<'a>,
    others: Vec<ChosenRule<'a>>,
    work: ExpressionWork,
    /// In a box, because most policies have none of it.
    beside: Option<Box<BesideRules<'a>>>,
}

/// The guards and the rules in shadow.
#[derive(Debug, Default)]
pub(super) struct BesideRules<'a> {
    /// The guards that match in some reading, those in shadow too.
    pub(super) guards: Vec<ChosenGuard<'a>>,
    /// The rules in shadow that would have been chosen.
    pub(super) shadows: Vec<ChosenRule<'a>>,
}

/// A guard, and the variables of a path in whose reading it matches.
#[derive(Debug)]
pub(super) struct ChosenGuard<'a> {
    pub(super) guard: &'a Guard,
    pub(super) variables: PathVariables,
}

/// A rule, and the variables of the path by whose reading it was chosen.
#[derive(Debug)]
pub(super) struct ChosenRule<'a> {
    rule: &'a Rule,
    variables: PathVariables,
}

impl<'a> ChosenRule<'a> {
    /// This rule, by this reading of the path.
    pub(super) fn new(rule: &'a Rule, path: &[u8]) -> Self {
        Self { rule, variables: rule.variables(path) }
    }

    fn is(&self, other: &Self) -> bool {
        ptr::eq(self.rule, other.rule) && self.variables == other.variables
    }
}

impl<'a> BesideRules<'a> {
    /// Adds a rule in shadow, once for each of its readings that differ.
    pub(super) fn add_shadow(&mut self, chosen: ChosenRule<'a>) {
        if self.shadows.len() < shadow::MOST && !self.shadows.iter().any(|known| known.is(&chosen))
        {
            self.shadows.push(chosen);
        }
    }

    /// Adds a guard by this reading of the path, once for each of its readings that differ.
    pub(super) fn add_guard(&mut self, guard: &'a Guard, path: &[u8]) {
        let variables = guard.variables(path);
        let is_known = self
            .guards
            .iter()
            .any(|known| ptr::eq(known.guard, guard) && known.variables == variables);
        if !is_known {
            self.guards.push(ChosenGuard { guard, variables });
        }
    }
}

impl<'a> ChosenRules<'a> {
    /// The distinct ones of these; `None` if there are none.
    pub(super) fn of(
        request: &'a RequestContext,
        mut chosen: impl Iterator<Item = ChosenRule<'a>>,
    ) -> Option<Self> {
        let mut rules = Self {
            request,
            first: chosen.next()?,
            others: Vec::new(),
            work: ExpressionWork::of_check(),
            beside: None,
        };
        for next in chosen {
            if !rules.all().any(|known| known.is(&next)) {
                rules.others.push(next);
            }
        }
        Some(rules)
    }

    /// With what is asked beside these rules.
    pub(super) fn with(mut self, beside: BesideRules<'a>) -> Self {
        let BesideRules { guards, shadows } = &beside;
        if !guards.is_empty() || !shadows.is_empty() {
            self.beside = Some(Box::new(beside));
        }
        self
    }

    /// The name of the rule that asks most, for logs and metadata.
    #[must_use]
    pub fn name(&self) -> &'a Arc<str> {
        let mut strictest = self.first.rule;
        for other in &self.others {
            if other.rule.strictness() > strictest.strictness() {
                strictest = other.rule;
            }
        }
        strictest.id()
    }

    /// The form that the denials of all of them have; `None` where that of the whole configuration
    /// counts, as where they differ.
    #[must_use]
    pub fn denial_form(&self) -> Option<&'a Arc<DenialForm>> {
        let form = self.first.rule.denial_form()?;
        self.others.iter().all(|other| other.rule.denial_form() == Some(form)).then_some(form)
    }

    /// At least one rule reads the credential. If none does, nobody looks for one.
    #[must_use]
    pub fn reads_credential(&self) -> bool {
        self.all().any(|chosen| chosen.rule.needs().identity)
    }

    /// At least one rule denies callers without a credential.
    #[must_use]
    pub fn requires_credential(&self) -> bool {
        let mut conditions = self.all().flat_map(|chosen| chosen.rule.conditions());
        conditions.any(Condition::requires_credential)
    }

    /// An expired cookie counts as no credential: no rule requires one, and each makes that
    /// concession.
    #[must_use]
    pub fn forgives_expired_cookie(&self) -> bool {
        self.concedes(Concession::ExpiredCookie)
            && self.reads_credential()
            && !self.requires_credential()
    }

    /// Each rule makes this concession.
    pub(super) fn concedes(&self, concession: Concession) -> bool {
        self.all().all(|chosen| chosen.rule.concedes(concession))
    }

    /// The guards, and the conditions of all rules together: the strictest of their states.
    pub(super) fn ask(&self, caller: &Presented, profile: Option<&Profile>) -> ConditionState {
        let rules = self.all().map(|chosen| self.ask_rule(chosen, caller, profile, &self.work));
        rules.fold(self.ask_guards(caller, profile, self.reads_credential()), ConditionState::and)
    }

    /// The guards that decide: the strictest of their states.
    pub(super) fn ask_guards(
        &self,
        caller: &Presented,
        profile: Option<&Profile>,
        reads_credential: bool,
    ) -> ConditionState {
        let Some(beside) = &self.beside else { return ConditionState::Met };
        let deciding = beside.guards.iter().filter(|chosen| chosen.guard.mode() == Mode::Enforce);
        let states = deciding.map(|ChosenGuard { guard, variables }| {
            guard.ask(&self.evidence(variables, caller, profile, &self.work), reads_credential)
        });
        states.fold(ConditionState::Met, ConditionState::and)
    }

    /// The decisions of rules and guards in shadow.
    #[must_use]
    pub fn shadows(&self, caller: &Presented, profile: Option<&Profile>) -> Vec<ShadowOutcome> {
        let Some(beside) = &self.beside else { return Vec::new() };
        let reads_credential = self.reads_credential();
        let work = ExpressionWork::of_shadows();
        let outcome = |rule: &Arc<str>, state: &ConditionState, judgeable| ShadowOutcome {
            rule: rule.clone(),
            decision: ShadowDecision::of(state, judgeable),
        };
        let in_shadow = beside.guards.iter().filter(|chosen| chosen.guard.mode() == Mode::Shadow);
        let guards = in_shadow.map(|ChosenGuard { guard, variables }| {
            let evidence = self.evidence(variables, caller, profile, &work);
            let state = guard.ask(&evidence, reads_credential);
            outcome(guard.id(), &state, true)
        });
        let rules = beside.shadows.iter().map(|chosen| {
            let state = self.ask_rule(chosen, caller, profile, &work);
            let judgeable = reads_credential || !chosen.rule.needs().identity;
            outcome(chosen.rule.id(), &state, judgeable)
        });
        guards.chain(rules).take(shadow::MOST).collect()
    }

    /// The rules that have something to tell the service behind.
    pub(super) fn granted(&self) -> Vec<GrantedRule> {
        let telling = self.all().filter(|chosen| !chosen.rule.outputs().is_empty());
        let granted = telling.map(|chosen| GrantedRule {
            outputs: chosen.rule.outputs().clone(),
            variables: chosen.variables.clone(),
        });
        granted.collect()
    }

    fn ask_rule(
        &self,
        ChosenRule { rule, variables }: &ChosenRule<'_>,
        caller: &Presented,
        profile: Option<&Profile>,
        work: &ExpressionWork,
    ) -> ConditionState {
        let evidence = self.evidence(variables, caller, profile, work);
        let states = rule.conditions().iter().map(|condition| condition.ask(&evidence));
        states.fold(ConditionState::Met, ConditionState::and).at(rule.id())
    }

    fn evidence<'e>(
        &'e self,
        variables: &'e PathVariables,
        caller: &'e Presented,
        profile: Option<&'e Profile>,
        work: &'e ExpressionWork,
    ) -> Evidence<'e> {
        Evidence {
            request: self.request,
            variables,
            identity: caller.identity.as_deref(),
            profile,
            source: caller.source,
            now: caller.now,
            work,
        }
    }

    fn all(&self) -> impl Iterator<Item = &ChosenRule<'a>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}
