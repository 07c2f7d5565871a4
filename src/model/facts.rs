//! What is known of one check: the facts that every check keeps, and the record with all steps.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    identity::Identity,
    request::CallerProtocol,
    steps::{Step, StepRecorder},
};

/// What is known of a check, in dynamic metadata, body and log. As a recorder it keeps of the steps
/// what every check needs, and no details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictFacts {
    /// The route that was judged by; `default` where none matched, `-` before one was chosen.
    pub rule: Arc<str>,
    /// Who asked, where that is known.
    pub identity: Option<Arc<Identity>>,
    /// The id by which the request is found in other logs; at most 64 visible ASCII characters.
    pub request_id: Bytes,
    /// The caller's trace id (W3C), where the request has one.
    pub trace_id: Option<Bytes>,
    /// The protocol the caller speaks: it decides the form of a denial.
    pub protocol: CallerProtocol,
}

/// The rule before one is chosen.
const NO_RULE: &str = "-";

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
        }
    }
}

impl StepRecorder for VerdictFacts {
    const DETAILED: bool = false;

    fn record(&mut self, step: Step) {
        match step {
            Step::RuleChosen(rule) => self.rule = rule,
            Step::Identified(identity) => self.identity = Some(identity),
            Step::RuleSkipped { .. }
            | Step::Preflight
            | Step::CredentialNotWanted
            | Step::CredentialAbsent
            | Step::CredentialFound(_)
            | Step::ExpiredCookieIgnored
            | Step::ClaimsCached
            | Step::RefusalCached(_)
            | Step::IssuerChosen(_)
            | Step::SignatureChecked { .. }
            | Step::KeyAbsent { .. }
            | Step::ClaimsJudged(_)
            | Step::Decided(_)
            | Step::ProfileAsked(_)
            | Step::HeadersMade { .. } => {}
        }
    }
}

/// What is known of a check, and every step of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRecord {
    /// What every check keeps.
    pub facts: VerdictFacts,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl StepRecorder for CheckRecord {
    const DETAILED: bool = true;

    fn record(&mut self, step: Step) {
        self.facts.record(step.clone());
        self.steps.record(step);
    }
}
