//! Checks: how many, how they ended and how long they took.

use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use strum::{IntoStaticStr, VariantArray};

use super::{
    Metrics,
    label::{ByLabel, Label as _},
};

/// The name of the histogram, for its buckets.
pub(super) const DURATION: &str = "rownd_authz_check_duration_seconds";
/// Its upper bounds: 10 microseconds to 1 second.
pub(super) const BUCKETS: [f64; 16] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 0.5, 1.0,
];

/// The API through which a check came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum CheckApi {
    /// Envoy's external authorization.
    ExtAuthz,
    /// The service for backends: a question about a token.
    RowndAuth,
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

/// The series of one API.
struct ApiSeries {
    /// By the index of the reason.
    ends: Vec<Counter>,
    durations: ByLabel<CheckOutcome, Histogram>,
    in_flight: Gauge,
}

/// The series of this file.
pub(super) struct CheckSeries {
    apis: ByLabel<CheckApi, ApiSeries>,
    /// The outcome that belongs to each reason, by the index of the reason.
    outcomes: Vec<CheckOutcome>,
    dropped_logs: Vec<Counter>,
    omitted_headers: Vec<Counter>,
}

impl CheckSeries {
    /// `reasons` holds outcome and word of every reason for which a check can end, `headers` the
    /// names of the identity headers that may be left out.
    pub(super) fn register(
        reasons: &[(CheckOutcome, &'static str)],
        headers: &[&'static str],
    ) -> Self {
        describe_counter!(
            "rownd_authz_checks_total",
            "Checks answered, by API, outcome and reason."
        );
        describe_counter!(
            "rownd_authz_denial_logs_dropped_total",
            "Denials not logged, by reason: too many."
        );
        describe_counter!(
            "rownd_authz_identity_headers_omitted_total",
            "Allowed checks in which an identity header was left out because it was too large."
        );
        describe_gauge!("rownd_authz_in_flight", "Checks being answered now.");
        describe_histogram!(DURATION, Unit::Seconds, "Time to answer a check, by API and outcome.");
        let dropped = |reason: &'static str| counter!("rownd_authz_denial_logs_dropped_total", "reason" => reason);
        let omitted = |header: &&'static str| counter!("rownd_authz_identity_headers_omitted_total", "header" => *header);
        Self {
            omitted_headers: headers.iter().map(omitted).collect(),
            apis: ByLabel::new(|api| ApiSeries::register(api, reasons)),
            outcomes: reasons.iter().map(|(outcome, _)| *outcome).collect(),
            dropped_logs: reasons.iter().map(|(_, reason)| dropped(reason)).collect(),
        }
    }
}

impl ApiSeries {
    fn register(api: &'static str, reasons: &[(CheckOutcome, &'static str)]) -> Self {
        let end = |(outcome, reason): &(CheckOutcome, &'static str)| {
            counter!("rownd_authz_checks_total",
                "api" => api, "outcome" => outcome.as_str(), "reason" => *reason)
        };
        Self {
            ends: reasons.iter().map(end).collect(),
            durations: ByLabel::new(
                |outcome| histogram!(DURATION, "api" => api, "outcome" => outcome),
            ),
            in_flight: gauge!("rownd_authz_in_flight", "api" => api),
        }
    }
}

impl Metrics {
    /// A check begins.
    pub fn check_started(&self, api: CheckApi) {
        if let Some(api) = self.checks.apis.get(api) {
            api.in_flight.increment(1.0);
        }
    }

    /// A check ended with the reason of this index (see [`super::Labels::reasons`]) after this
    /// time.
    pub fn check_ended(&self, api: CheckApi, reason: usize, took: Duration) {
        let Some(api) = self.checks.apis.get(api) else { return };
        api.in_flight.decrement(1.0);
        if let Some(counter) = api.ends.get(reason) {
            counter.increment(1);
        }
        let outcome = self.checks.outcomes.get(reason);
        if let Some(histogram) = outcome.and_then(|outcome| api.durations.get(*outcome)) {
            histogram.record(took.as_secs_f64());
        }
    }

    /// The identity header of this index (see [`super::Labels::omitted_headers`]) was left out.
    pub fn identity_header_omitted(&self, header: usize) {
        if let Some(counter) = self.checks.omitted_headers.get(header) {
            counter.increment(1);
        }
    }

    /// A denial of the reason of this index was not logged, because there were too many.
    pub fn denial_log_dropped(&self, reason: usize) {
        if let Some(counter) = self.checks.dropped_logs.get(reason) {
            counter.increment(1);
        }
    }
}
