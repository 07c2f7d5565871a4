//! The rules that hold for one request, all of which must allow it.
//!
//! In: the rule that each reading of a request chose. Out: the state of all their conditions. A
//! path or a method that servers read differently has several readings, and each chooses a rule.
//!
//! Where several rules hold:
//! - each condition of each rule has to be met. Of those that are not, the client is told one:
//!   first a missing credential, then the highest auth level ([`Unmet`](super::condition::Unmet));
//! - a concession (a preflight, an expired cookie, an odd path, the answer with the level to sign in
//!   with) is made only if each rule makes it;
//! - the name that is logged is that of the rule that asks most: by `auth`, then `auth_level`, then
//!   `freshness`. Of several that ask the same, it is the one whose reading comes first, beginning
//!   with the request as it was sent.

use std::{ptr, sync::Arc};

use super::{
    condition::{Condition, ConditionState, Evidence},
    rule::{Concession, Rule},
    variables::PathVariables,
};
use crate::{
    model::{Profile, RequestContext},
    verify::Identity,
};

/// The rules that hold for one request. In the usual case it is one, and nothing is allocated.
#[derive(Debug)]
#[must_use]
pub struct ChosenRules<'a> {
    request: &'a RequestContext,
    first: ChosenRule<'a>,
    others: Vec<ChosenRule<'a>>,
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

impl<'a> ChosenRules<'a> {
    /// The distinct ones of these; `None` if there are none.
    pub(super) fn of(
        request: &'a RequestContext,
        mut chosen: impl Iterator<Item = ChosenRule<'a>>,
    ) -> Option<Self> {
        let mut rules = Self { request, first: chosen.next()?, others: Vec::new() };
        for next in chosen {
            if !rules.all().any(|known| known.is(&next)) {
                rules.others.push(next);
            }
        }
        Some(rules)
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

    /// The conditions of all rules together: the strictest of their states.
    pub(super) fn ask(
        &self,
        identity: Option<&Identity>,
        profile: Option<&Profile>,
    ) -> ConditionState {
        let request = self.request;
        let states = self.all().flat_map(|ChosenRule { rule, variables }| {
            let evidence = Evidence { request, variables, identity, profile };
            rule.conditions().iter().map(move |condition| condition.ask(&evidence))
        });
        states.max().unwrap_or(ConditionState::Met)
    }

    fn all(&self) -> impl Iterator<Item = &ChosenRule<'a>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}
