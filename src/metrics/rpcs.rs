//! Calls of the service for backends, by method and status; and callers that were refused.

use std::time::Duration;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

use super::Metrics;

/// The name of the histogram, for its buckets.
pub(super) const DURATION: &str = "rownd_authz_rpc_duration_seconds";

/// A method of the service, as the series of these metrics know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RpcLabel(usize);

/// The label of a method that does not exist.
const UNKNOWN: &str = "unknown";

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

    /// The refusal of this word, in capitals or not.
    #[must_use]
    pub fn of(word: &str) -> Self {
        let known = Self::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(word));
        known.unwrap_or(Self::NotGranted)
    }

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
    names: Vec<&'static str>,
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
    /// `names` are those of the methods.
    pub(super) fn register(names: &[&'static str]) -> Self {
        let names: Vec<&'static str> = names.iter().copied().chain([UNKNOWN]).collect();
        let call = |method: &'static str, code: &'static str| counter!("rownd_authz_rpcs_total", "method" => method, "code" => code);
        let refusal = |method: &'static str, reason: &CallerRefusal| {
            counter!("rownd_authz_callers_refused_total",
                "method" => method, "reason" => reason.as_str())
        };
        let each = |method: &&'static str| CODES.iter().map(|code| call(method, code)).collect();
        let refused = |method: &&'static str| {
            CallerRefusal::ALL.iter().map(|reason| refusal(method, reason)).collect()
        };
        Self {
            calls: names.iter().map(each).collect(),
            durations: names
                .iter()
                .map(|method| histogram!(DURATION, "method" => *method))
                .collect(),
            refused: names.iter().map(refused).collect(),
            names,
        }
    }
}

impl Metrics {
    /// The label of the method of this name; of none that exists.
    #[must_use]
    pub fn rpc(&self, name: Option<&str>) -> RpcLabel {
        let name = name.unwrap_or(UNKNOWN);
        let known = self.rpcs.names.iter().position(|known| *known == name);
        RpcLabel(known.unwrap_or(self.rpcs.names.len().saturating_sub(1)))
    }

    /// A call ended with this gRPC code.
    pub fn rpc_ended(&self, method: RpcLabel, code: usize, took: Duration) {
        let calls = self.rpcs.calls.get(method.0);
        if let Some(counter) = calls.and_then(|codes| codes.get(code)) {
            counter.increment(1);
        }
        if let Some(histogram) = self.rpcs.durations.get(method.0) {
            histogram.record(took.as_secs_f64());
        }
    }

    /// A caller was refused.
    pub fn caller_refused(&self, method: RpcLabel, reason: CallerRefusal) {
        let reasons = self.rpcs.refused.get(method.0);
        if let Some(counter) = reasons.and_then(|reasons| reasons.get(reason as usize)) {
            counter.increment(1);
        }
    }
}
