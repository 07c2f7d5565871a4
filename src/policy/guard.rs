//! A guard: conditions that every request has to fulfil that it matches, whatever the rules say.
//!
//! In: a guard of the configuration, then the evidence of a check. Out: met, or a denial. A guard can
//! only deny, so that no order of rules opens what it closes.

use std::sync::Arc;

use super::{
    evidence::{Evidence, Needs},
    matching::{Matcher, PathProgram},
    requirement::{CompiledRequirement, FactSources},
    unmet::{Cause, ConditionState, Unmet},
    variables::PathVariables,
};
use crate::config::{self, AppliesTo, GuardedCallers, Mode};

/// One guard.
#[derive(Debug)]
pub(super) struct Guard {
    id: Arc<str>,
    matcher: Matcher,
    requirement: CompiledRequirement,
    callers: GuardedCallers,
    mode: Mode,
}

impl Guard {
    /// From the configuration.
    pub(super) fn build(guard: &config::Guard, sources: &Arc<FactSources>) -> Self {
        let config::Guard { id, applies_to, require, callers, mode } = guard;
        let matcher = match applies_to {
            AppliesTo::AllRequests | AppliesTo::NamedRequests => Matcher::default(),
            AppliesTo::Matching(parts) => Matcher::build(parts),
        };
        Self {
            id: id.as_str().into(),
            matcher,
            requirement: CompiledRequirement::build(require, sources),
            callers: *callers,
            mode: *mode,
        }
    }

    /// The name in logs and metadata.
    pub(super) const fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The requests that it judges.
    pub(super) const fn matcher(&self) -> &Matcher {
        &self.matcher
    }

    /// The regular expression of the match.
    pub(super) const fn program_mut(&mut self) -> Option<&mut PathProgram> {
        self.matcher.program_mut()
    }

    /// Whether it decides.
    pub(super) const fn mode(&self) -> Mode {
        self.mode
    }

    /// The facts that it needs.
    pub(super) const fn needs(&self) -> &Needs {
        self.requirement.needs()
    }

    /// The variables of this reading of a path, if a condition needs them.
    pub(super) fn variables(&self, path: &[u8]) -> PathVariables {
        if self.needs().path_variables {
            self.matcher.variables(path)
        } else {
            PathVariables::default()
        }
    }

    /// Whether it lets the request pass. `reads_credential`: the rules read one, so that a caller
    /// without one can do better.
    pub(super) fn ask(&self, evidence: &Evidence<'_>, reads_credential: bool) -> ConditionState {
        let nobody = self.requirement.reads_identity() && evidence.identity.is_none();
        let state = match (nobody, self.callers) {
            // A condition that no identity could fulfil is asked of everybody.
            (true, GuardedCallers::Identified) if self.requirement.is_out_of_reach(evidence) => {
                ConditionState::Unmet(Cause::Refused.into())
            }
            (true, GuardedCallers::Identified) => ConditionState::Met,
            (true, GuardedCallers::All) if reads_credential => {
                ConditionState::Unmet(Cause::Credential.into())
            }
            (true, GuardedCallers::All) => ConditionState::Unmet(Cause::Refused.into()),
            (false, _) => self.requirement.ask(evidence),
        };
        match state {
            ConditionState::Unmet(unmet) => ConditionState::Unmet(Unmet::by_guard(unmet, &self.id)),
            ConditionState::Met | ConditionState::NeedsProfile => state,
        }
    }
}
