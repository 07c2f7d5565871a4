//! The log of checks: one line for a denial, and not more than so many a second for each reason, so
//! that a flood of bad requests is not a flood of logs. Denials that are not logged are counted. An
//! allowed check has a line at the level `debug`.

use std::sync::Arc;

use super::{
    ends::{CheckEnd, CheckOutcome, CheckRecorder, outcome},
    facts::VerdictFacts,
};
use crate::{
    log_throttle::LogThrottle,
    metrics::Metrics,
    model::{AllowReason, Denial, DenyReason, visible},
};

/// The log of checks.
pub struct CheckLog {
    /// By the number of the reason.
    throttles: Vec<LogThrottle>,
    /// For requests that pass without an identity header.
    omissions: LogThrottle,
    /// For requests that a rule or guard in shadow would have denied.
    shadows: LogThrottle,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for CheckLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckLog").finish_non_exhaustive()
    }
}

impl CheckLog {
    /// With so many lines a second for denials of one reason. The metrics count the lines that are
    /// not written.
    #[must_use]
    pub fn new(per_second: u32, metrics: Arc<Metrics>) -> Self {
        let throttle = |_| LogThrottle::per_second(per_second);
        Self {
            throttles: DenyReason::ALL.iter().map(throttle).collect(),
            omissions: LogThrottle::per_second(per_second),
            shadows: LogThrottle::per_second(per_second),
            metrics,
        }
    }

    fn denied(&self, label: usize, denial: &Denial, facts: &VerdictFacts) {
        let reason = denial.reason();
        let Some(throttle) = self.throttles.get(reason as usize) else { return };
        let Some(dropped) = throttle.admit() else {
            self.metrics.denial_log_dropped(label);
            return;
        };
        let request_id = id_text(&facts.request_id);
        let trace_id = facts.trace_id.as_deref().map_or("", id_text);
        let user_id = facts.identity.as_ref().map_or("".into(), |who| visible(&who.user_id));
        let user_id = user_id.as_ref();
        let issuer = denial.issuer().map_or("", |name| name);
        let header = denial.header();
        let guard: Option<&str> = denial.guard().map(AsRef::as_ref);
        let (code, rule) = (reason.code(), &*facts.rule);
        match outcome(reason) {
            CheckOutcome::Unavailable if reason != DenyReason::Cancelled => tracing::warn!(
                reason = code,
                request_id,
                trace_id,
                rule,
                issuer,
                user_id,
                header,
                guard,
                dropped,
                "cannot decide: denied"
            ),
            CheckOutcome::Allow | CheckOutcome::Deny | CheckOutcome::Unavailable => tracing::info!(
                reason = code,
                request_id,
                trace_id,
                rule,
                issuer,
                user_id,
                header,
                guard,
                dropped,
                "denied"
            ),
        }
    }

    /// The request passes without some identity headers.
    fn omitted(&self, facts: &VerdictFacts) {
        if facts.omitted.is_empty() {
            return;
        }
        // The metric counts what is not logged.
        let Some(dropped) = self.omissions.admit() else { return };
        let names: Vec<&str> = facts.omitted.iter().map(|header| header.name()).collect();
        let issuer = facts.identity.as_ref().map_or("", |who| &who.issuer);
        let user_id = facts.identity.as_ref().map_or("".into(), |who| visible(&who.user_id));
        tracing::warn!(
            headers = names.join(","),
            request_id = id_text(&facts.request_id),
            rule = &*facts.rule,
            issuer,
            user_id = user_id.as_ref(),
            dropped,
            "allowed without identity headers that are too large"
        );
    }
}

impl CheckLog {
    /// Rules or guards in shadow would have denied the request.
    fn would_deny(&self, facts: &VerdictFacts) {
        let would_deny = facts.would_deny();
        if would_deny.is_empty() {
            return;
        }
        // The metric counts what is not logged.
        let Some(dropped) = self.shadows.admit() else { return };
        tracing::info!(
            shadow_rules = would_deny.join(","),
            request_id = id_text(&facts.request_id),
            rule = &*facts.rule,
            dropped,
            "a rule in shadow would have denied"
        );
    }
}

impl CheckRecorder for CheckLog {
    fn ended(&self, end: &CheckEnd<'_>) {
        self.would_deny(end.facts);
        match end.result {
            Ok(reason) => {
                allowed(reason, end.facts);
                self.omitted(end.facts);
            }
            Err(denial) => self.denied(end.label(), denial, end.facts),
        }
    }
}

fn allowed(reason: AllowReason, facts: &VerdictFacts) {
    tracing::debug!(
        request_id = %id_text(&facts.request_id),
        rule = %facts.rule,
        reason = reason.code(),
        "allowed"
    );
}

/// An id for a log line. Ids are checked to be visible ASCII when they are taken over.
fn id_text(id: &[u8]) -> &str {
    std::str::from_utf8(id).unwrap_or_default()
}
