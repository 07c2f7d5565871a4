//! One log line for a denial, and not more than so many a second for each reason: a flood of
//! bad requests is not a flood of logs. What is not logged is counted.

use std::sync::Arc;

use super::VerdictFacts;
use crate::{
    log_throttle::LogThrottle,
    metrics::{CheckOutcome, Metrics},
    model::{Denial, DenyReason, visible},
};

/// The log of denials.
pub(super) struct DenialLog {
    /// By reason.
    throttles: Vec<LogThrottle>,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for DenialLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DenialLog").finish_non_exhaustive()
    }
}

impl DenialLog {
    pub(super) fn new(per_second: u32, metrics: Arc<Metrics>) -> Self {
        let throttle = |_| LogThrottle::per_second(per_second);
        Self { throttles: DenyReason::ALL.iter().map(throttle).collect(), metrics }
    }

    pub(super) fn record(&self, label: usize, denial: &Denial, facts: &VerdictFacts) {
        let reason = denial.reason();
        let Some(throttle) = self.throttles.get(reason as usize) else { return };
        let Some(dropped) = throttle.admit() else {
            self.metrics.denial_log_dropped(label);
            return;
        };
        let request_id = text(&facts.request_id);
        let trace_id = facts.trace_id.as_deref().map_or("", text);
        let user_id = facts.identity.as_ref().map_or("".into(), |who| visible(&who.user_id));
        let user_id = user_id.as_ref();
        let issuer = denial.issuer().map_or("", |name| name);
        let (code, rule) = (reason.code(), &*facts.rule);
        match super::outcome(reason) {
            CheckOutcome::Unavailable if reason != DenyReason::Cancelled => tracing::warn!(
                reason = code,
                request_id,
                trace_id,
                rule,
                issuer,
                user_id,
                dropped,
                "cannot decide: denied"
            ),
            _ => tracing::info!(
                reason = code,
                request_id,
                trace_id,
                rule,
                issuer,
                user_id,
                dropped,
                "denied"
            ),
        }
    }
}

/// An id for a log line. Ids are checked to be visible ASCII when they are taken over.
pub(super) fn text(id: &[u8]) -> &str {
    std::str::from_utf8(id).unwrap_or_default()
}
