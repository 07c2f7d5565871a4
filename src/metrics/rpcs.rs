//! Calls of the service for backends, by method and status; and callers that were refused.

use std::time::Duration;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

use super::Metrics;

/// The name of the histogram, for its buckets.
pub(super) const DURATION: &str = "rownd_authz_rpc_duration_seconds";

/// A method of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Method {
    /// `Verify`.
    Verify,
    /// `Exchange`.
    Exchange,
    /// `BuildAuthorizationUrl`.
    BuildAuthorizationUrl,
    /// `GetUser`.
    GetUser,
    /// None that there is.
    Unknown,
}

impl Method {
    const ALL: [Self; 5] =
        [Self::Verify, Self::Exchange, Self::BuildAuthorizationUrl, Self::GetUser, Self::Unknown];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "Verify",
            Self::Exchange => "Exchange",
            Self::BuildAuthorizationUrl => "BuildAuthorizationUrl",
            Self::GetUser => "GetUser",
            Self::Unknown => "unknown",
        }
    }

    /// The method of this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let known = Self::ALL.into_iter().find(|method| method.as_str() == name);
        known.unwrap_or(Self::Unknown)
    }
}

/// The names of gRPC's codes, by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Why a caller was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum CallerRefusal {
    /// A secret that is nobody's.
    Unknown,
    /// From another machine, and not known.
    Required,
    /// Known, and without the right.
    NotGranted,
}

impl CallerRefusal {
    const ALL: [Self; 3] = [Self::Unknown, Self::Required, Self::NotGranted];

    /// The word in metrics and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "caller_unknown",
            Self::Required => "caller_required",
            Self::NotGranted => "caller_not_granted",
        }
    }
}

pub(super) struct Handles {
    calls: Vec<Vec<Counter>>,
    durations: Vec<Histogram>,
    refused: Vec<Vec<Counter>>,
}

pub(super) fn describe() {
    describe_counter!("rownd_authz_rpcs_total", "Calls of RowndAuth, by method and gRPC status.");
    describe_counter!(
        "rownd_authz_callers_refused_total",
        "Calls of RowndAuth whose caller may not make them, by method and reason."
    );
    describe_histogram!(DURATION, Unit::Seconds, "Time to answer a call of RowndAuth, by method.");
}

impl Handles {
    pub(super) fn register() -> Self {
        let call = |method: &Method, code: &&'static str| counter!("rownd_authz_rpcs_total", "method" => method.as_str(), "code" => *code);
        let refusal = |method: &Method, reason: &CallerRefusal| {
            counter!("rownd_authz_callers_refused_total",
                "method" => method.as_str(), "reason" => reason.as_str())
        };
        let each = |method| CODES.iter().map(|code| call(method, code)).collect();
        let refused =
            |method| CallerRefusal::ALL.iter().map(|reason| refusal(method, reason)).collect();
        Self {
            calls: Method::ALL.iter().map(each).collect(),
            durations: Method::ALL
                .iter()
                .map(|method| histogram!(DURATION, "method" => method.as_str()))
                .collect(),
            refused: Method::ALL.iter().map(refused).collect(),
        }
    }
}

impl Metrics {
    /// A call ended with this gRPC code.
    pub fn rpc_ended(&self, method: Method, code: usize, took: Duration) {
        let calls = self.rpcs.calls.get(method as usize);
        if let Some(counter) = calls.and_then(|codes| codes.get(code)) {
            counter.increment(1);
        }
        if let Some(histogram) = self.rpcs.durations.get(method as usize) {
            histogram.record(took.as_secs_f64());
        }
    }

    /// A caller was refused.
    pub fn caller_refused(&self, method: Method, reason: CallerRefusal) {
        let reasons = self.rpcs.refused.get(method as usize);
        if let Some(counter) = reasons.and_then(|reasons| reasons.get(reason as usize)) {
            counter.increment(1);
        }
    }
}
