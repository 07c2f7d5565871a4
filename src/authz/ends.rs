//! The beginning and the end of every check, and the list of those that are told of them.

use std::{fmt::Debug, sync::Arc, time::Duration};

use strum::{IntoStaticStr, VariantArray};

use super::{edits::ListHeader, facts::VerdictFacts};
use crate::{
    metrics::{EndLabel, Label as _, LabelValues, Labels, Metrics},
    model::{AllowReason, Denial, DenialClass, DenyReason, Warning},
    policy::ShadowDecision,
};

/// The API through which a check came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CheckApi {
    /// Envoy's external authorization.
    ExtAuthz,
    /// The service for backends: a question about a token.
    RowndAuth,
    /// The question of Rownd's token validator.
    TokenValidator,
    /// A callback of Rownd's snippet, from a browser.
    BrowserCallback,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CheckOutcome {
    /// The request was allowed.
    Allow,
    /// The request was denied.
    Deny,
    /// The request was denied because the check could not be decided.
    Unavailable,
}

/// How a rule decided a check, or would have decided it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum RuleOutcome {
    /// The request was allowed.
    Allow,
    /// The request was denied.
    Deny,
    /// The check could not be decided, and the request was denied.
    Unavailable,
    /// A rule or guard in shadow would have let the request pass.
    WouldAllow,
    /// A rule or guard in shadow would have denied the request.
    WouldDeny,
    /// A rule or guard in shadow could not be judged.
    Unjudged,
}

impl From<CheckOutcome> for RuleOutcome {
    fn from(outcome: CheckOutcome) -> Self {
        match outcome {
            CheckOutcome::Allow => Self::Allow,
            CheckOutcome::Deny => Self::Deny,
            CheckOutcome::Unavailable => Self::Unavailable,
        }
    }
}

impl From<ShadowDecision> for RuleOutcome {
    fn from(decision: ShadowDecision) -> Self {
        match decision {
            ShadowDecision::WouldAllow => Self::WouldAllow,
            ShadowDecision::WouldDeny => Self::WouldDeny,
            ShadowDecision::Unjudged => Self::Unjudged,
        }
    }
}

/// Outcome and reason of every end a check can have, in the order of [`CheckEnd::label`].
fn end_labels() -> Vec<EndLabel> {
    let end = |outcome: CheckOutcome, reason| EndLabel { outcome: outcome.as_str(), reason };
    let allowed = AllowReason::ALL.iter().map(|reason| end(CheckOutcome::Allow, reason.code()));
    let denied = DenyReason::ALL.iter().map(|reason| end(outcome(*reason), reason.code()));
    allowed.chain(denied).collect()
}

/// Adds the labels of this room.
pub fn add_labels(labels: &mut Labels) {
    labels.reasons = end_labels();
    labels.check_apis = LabelValues::of::<CheckApi>();
    labels.check_outcomes = LabelValues::of::<CheckOutcome>();
    labels.rule_outcomes = LabelValues::of::<RuleOutcome>();
    labels.omitted_headers = LabelValues::of::<ListHeader>();
}

/// The outcome of a denial: "cannot decide" is counted apart from a plain no.
#[must_use]
pub const fn outcome(reason: DenyReason) -> CheckOutcome {
    match reason.class() {
        DenialClass::Unavailable => CheckOutcome::Unavailable,
        DenialClass::Anonymous
        | DenialClass::BadCredential
        | DenialClass::Conflict
        | DenialClass::BadRequest
        | DenialClass::Forbidden
        | DenialClass::StepUp
        | DenialClass::Pending => CheckOutcome::Deny,
    }
}

/// The end of one check.
#[derive(Debug, Clone, Copy)]
pub struct CheckEnd<'a> {
    /// By which API it came.
    pub api: CheckApi,
    /// Why it was allowed, or the denial.
    pub result: Result<AllowReason, &'a Denial>,
    /// The facts of it.
    pub facts: &'a VerdictFacts,
    /// From its arrival until now.
    pub took: Duration,
}

impl CheckEnd<'_> {
    /// The index of its outcome and reason among the ends that [`add_labels`] adds.
    #[must_use]
    pub const fn label(&self) -> usize {
        match self.result {
            Ok(reason) => reason as usize,
            Err(denial) => AllowReason::ALL.len() + denial.reason() as usize,
        }
    }
}

/// Is told of every check: metrics and logs today, events and traces later. It is called within the
/// check, so it must neither wait nor fail.
pub trait CheckRecorder: Debug + Send + Sync {
    /// A check arrived.
    fn began(&self, api: CheckApi) {
        let _ = api;
    }

    /// A check ended. Each is told once.
    fn ended(&self, end: &CheckEnd<'_>);

    /// The configuration of this number is in force from now on.
    fn configured(&self, epoch: u64) {
        let _ = epoch;
    }

    /// A warning about the proxy's configuration, found out from the checks so far, for `/status`.
    fn warning(&self) -> Option<Warning> {
        None
    }
}

/// Those that are told of every check, in order.
pub type CheckRecorders = Vec<Arc<dyn CheckRecorder>>;

/// Counts and times checks.
#[derive(Debug)]
pub struct CheckMetrics(Arc<Metrics>);

impl CheckMetrics {
    /// In these metrics.
    #[must_use]
    pub const fn new(metrics: Arc<Metrics>) -> Self {
        Self(metrics)
    }
}

impl CheckRecorder for CheckMetrics {
    fn began(&self, api: CheckApi) {
        self.0.check_started(api);
    }

    fn ended(&self, end: &CheckEnd<'_>) {
        self.0.check_ended(end.api, end.label(), end.took);
        // A question about a token is decided by no rule.
        if end.api == CheckApi::ExtAuthz {
            let ended =
                end.result.map_or_else(|denial| outcome(denial.reason()), |_| CheckOutcome::Allow);
            let rule = end.result.err().and_then(Denial::guard).unwrap_or(&end.facts.rule);
            self.0.rule_decided(rule, RuleOutcome::from(ended));
            for shadow in &end.facts.shadows {
                self.0.rule_decided(&shadow.rule, RuleOutcome::from(shadow.decision));
            }
        }
        for header in &end.facts.omitted {
            self.0.identity_header_omitted(*header);
        }
    }

    fn configured(&self, epoch: u64) {
        self.0.epoch(epoch);
    }
}
