//! The facts of one check, which every check keeps, and the record with all steps.

use std::sync::Arc;

use bytes::Bytes;

use super::edits::ListHeader;
use crate::{
    model::{CallerProtocol, DenialForm, Step, StepRecorder},
    policy::{ShadowDecision, ShadowOutcome},
    verify::Identity,
};

/// The rule before one is chosen.
const NO_RULE: &str = "-";

/// The facts of a check, for dynamic metadata, body and log. It records no details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictFacts {
    /// The route that was judged by; `default` where none matched, `-` before one was chosen.
    pub rule: Arc<str>,
    /// The caller, where it is known.
    pub identity: Option<Arc<Identity>>,
    /// The id by which the request is found in other logs; at most 64 visible ASCII characters.
    pub request_id: Bytes,
    /// The caller's trace id (W3C), where the request has one.
    pub trace_id: Option<Bytes>,
    /// The protocol the caller speaks: it decides the form of a denial.
    pub protocol: CallerProtocol,
    /// The identity headers that were left out, because they are too large.
    pub omitted: Vec<ListHeader>,
    /// The form of the rule's denials, if it has its own.
    pub denial_form: Option<Arc<DenialForm>>,
    /// The decisions of rules and guards in shadow.
    pub shadows: Vec<ShadowOutcome>,
    /// The signature of the token was checked for this check: its claims were not in the cache.
    pub verified_anew: bool,
}

impl VerdictFacts {
    /// Nothing is known of the request.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            rule: NO_RULE.into(),
            identity: None,
            request_id: Bytes::new(),
            trace_id: None,
            protocol: CallerProtocol::Http,
            omitted: Vec::new(),
            denial_form: None,
            shadows: Vec::new(),
            verified_anew: false,
        }
    }

    /// The names of the rules and guards in shadow that would have denied the request.
    #[must_use]
    pub fn would_deny(&self) -> Vec<&str> {
        let denying = |shadow: &&ShadowOutcome| shadow.decision == ShadowDecision::WouldDeny;
        self.shadows.iter().filter(denying).map(|shadow| &*shadow.rule).collect()
    }
}

/// Takes the steps of a check and its facts: logs, metadata and explanations read the same record.
pub(super) trait FactsRecorder: StepRecorder + Sized {
    /// The facts so far.
    fn facts(&mut self) -> &mut VerdictFacts;

    /// This rule applies.
    fn rule_chosen(&mut self, rule: &Arc<str>) {
        self.facts().rule = rule.clone();
        self.detail(|| Step::RuleChosen(rule.clone()));
    }

    /// Rules and guards in shadow would have decided this.
    fn shadows(&mut self, shadows: Vec<ShadowOutcome>) {
        if !shadows.is_empty() {
            self.facts().shadows = shadows;
        }
    }

    /// The caller is known.
    fn identified(&mut self, identity: &Arc<Identity>) {
        self.facts().identity = Some(identity.clone());
        self.detail(|| Step::Identified {
            issuer: identity.issuer.clone(),
            user_id: identity.user_id.as_str().into(),
            auth_level: identity.auth_level,
        });
    }
}

impl StepRecorder for VerdictFacts {
    const DETAILED: bool = false;

    fn record(&mut self, _: Step) {}

    fn verified_anew(&mut self) {
        self.verified_anew = true;
    }
}

impl FactsRecorder for VerdictFacts {
    fn facts(&mut self) -> &mut VerdictFacts {
        self
    }
}

/// The facts of a check, and every step of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CheckRecord {
    /// The facts, which every check keeps.
    pub(super) facts: VerdictFacts,
    /// The steps, in order.
    pub(super) steps: Vec<Step>,
}

impl StepRecorder for CheckRecord {
    const DETAILED: bool = true;

    fn record(&mut self, step: Step) {
        self.steps.record(step);
    }

    fn verified_anew(&mut self) {
        self.facts.verified_anew = true;
    }
}

impl FactsRecorder for CheckRecord {
    fn facts(&mut self) -> &mut VerdictFacts {
        &mut self.facts
    }
}
