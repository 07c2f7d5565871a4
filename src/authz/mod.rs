//! The decision on a check: the only place that knows the order of its steps.
//!
//! In: a request context and a deadline, from whichever door. Out: a verdict, always. Every
//! early exit, the deadline, an overload, a panic and a cancellation end as a denial with its
//! reason, a count and a log line.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_same_arms)]

mod authorizer;
mod callers;
mod check_log;
mod edits;
mod ends;
mod event_recorder;
mod facts;
mod fetch_mode;
mod in_flight;
mod inject;
mod outputs;
mod passport_step;
mod permit_step;
mod pipeline;
mod protect;
mod service;
mod snapshot;
mod spelling;
#[cfg(test)]
mod tests;
mod token_query;
mod verdict;

use std::sync::Arc;

use crate::metrics::Metrics;
pub use authorizer::Authorizer;
pub use callers::{Caller, CallerError, Callers, Scope, UNKNOWN_CALLER, warnings};
pub use check_log::CheckLog;
pub use edits::{EncodingDoor, IdentityHeaders, ListHeader, RequestEdits};
pub use ends::{
    CheckApi, CheckEnd, CheckMetrics, CheckOutcome, CheckRecorder, CheckRecorders, add_labels,
    outcome,
};
pub use facts::VerdictFacts;
pub use fetch_mode::FetchModeWarning;
pub use in_flight::PendingCheck;
pub use inject::early_strip;
pub use passport_step::PassportStep;
pub use permit_step::{Additions, PermitStep, StepEnd};
pub use protect::ended_by;
pub use service::BackendService;
pub use snapshot::{Edition, Snapshot};
pub use token_query::{TokenQuery, VerifiedToken};
pub use verdict::{Allowance, Verdict};

/// The recorders of this release: metrics, the log with so many lines a second for each reason of a
/// denial, and the warning about the proxy.
#[must_use]
pub fn recorders(metrics: &Arc<Metrics>, denials_per_second: u32) -> CheckRecorders {
    vec![
        Arc::new(CheckMetrics::new(metrics.clone())),
        Arc::new(CheckLog::new(denials_per_second, metrics.clone())),
        Arc::new(FetchModeWarning::default()),
    ]
}
