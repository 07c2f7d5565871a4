//! Calls of the service for backends, by method and status; and callers that were refused.

use std::time::Duration;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
    lazy::Lazy,
};

/// The name of the histogram, for its buckets.
pub(super) const DURATION: &str = "rownd_authz_rpc_duration_seconds";

const NOT_SHARED: &str = "rownd_authz_revocations_not_shared_total";

/// A method of the service, as the series of these metrics know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RpcLabel(usize);

/// The label of a method that does not exist.
const UNKNOWN: &str = "unknown";

/// The names of gRPC's status codes, by number.
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

/// The series of one method.
struct OneMethod {
    name: &'static str,
    /// By status code.
    calls: Vec<Lazy<Counter>>,
    duration: Lazy<Histogram>,
    refused: ByLabel<Lazy<Counter>>,
    not_shared: Lazy<Counter>,
}

/// The series of this file: those of every method, and last those of an unknown one.
pub(super) struct RpcSeries(Vec<OneMethod>);

impl RpcSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_counter!(
            "rownd_authz_rpcs_total",
            "Calls of RowndAuth, by method and gRPC status."
        );
        describe_counter!(
            "rownd_authz_callers_refused_total",
            "Calls of RowndAuth whose caller may not make them, by method and reason."
        );
        describe_counter!(
            NOT_SHARED,
            "Calls that revoked tokens here and could not tell the other replicas, by method."
        );
        describe_histogram!(
            DURATION,
            Unit::Seconds,
            "Time to answer a call of RowndAuth, by method."
        );
        let call = |method: &'static str, code: &'static str| {
            Lazy::new(
                move || counter!("rownd_authz_rpcs_total", "method" => method, "code" => code),
            )
        };
        let refusal = |method: &'static str, reason: &'static str| {
            Lazy::new(move || {
                counter!(
                    "rownd_authz_callers_refused_total",
                    "method" => method,
                    "reason" => reason
                )
            })
        };
        let method = |name: &'static str| OneMethod {
            name,
            calls: CODES.iter().map(|code| call(name, code)).collect(),
            duration: Lazy::new(move || histogram!(DURATION, "method" => name)),
            refused: ByLabel::new(&labels.caller_refusals, |reason| refusal(name, reason)),
            not_shared: Lazy::new(move || counter!(NOT_SHARED, "method" => name)),
        };
        Self(labels.rpcs.iter().copied().chain([UNKNOWN]).map(method).collect())
    }
}

impl Metrics {
    /// The label of the method of this name. A name that is not known has the label `unknown`.
    #[must_use]
    pub fn rpc(&self, name: Option<&str>) -> RpcLabel {
        let name = name.unwrap_or(UNKNOWN);
        let known = self.rpcs.0.iter().position(|method| method.name == name);
        RpcLabel(known.unwrap_or(self.rpcs.0.len().saturating_sub(1)))
    }

    /// A call ended with this gRPC status code after this time.
    pub fn rpc_ended(&self, method: RpcLabel, code: usize, took: Duration) {
        let Some(method) = self.rpcs.0.get(method.0) else { return };
        if let Some(counter) = method.calls.get(code).and_then(|call| call.get(&self.recorder)) {
            counter.increment(1);
        }
        if let Some(duration) = method.duration.get(&self.recorder) {
            duration.record(took.as_secs_f64());
        }
    }

    /// A caller was refused for this reason ([`Labels::caller_refusals`]).
    pub fn caller_refused(&self, method: RpcLabel, reason: impl Label) {
        let refused = self.rpcs.0.get(method.0).and_then(|method| method.refused.get(reason));
        if let Some(counter) = refused.and_then(|refused| refused.get(&self.recorder)) {
            counter.increment(1);
        }
    }

    /// A call of this method has revoked tokens, and the state that replicas share has not taken it.
    pub fn revocation_not_shared(&self, method: RpcLabel) {
        let counter = self.rpcs.0.get(method.0);
        if let Some(counter) = counter.and_then(|method| method.not_shared.get(&self.recorder)) {
            counter.increment(1);
        }
    }
}
