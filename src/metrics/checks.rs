//! Checks: how many, how they ended and how long they took.

use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label, LabelValues},
    lazy::{Lazy, Recorder},
};

/// The name of the histogram, for its buckets.
pub(super) const DURATION: &str = "rownd_authz_check_duration_seconds";
/// Its upper bounds: 10 microseconds to 1 second.
pub(super) const BUCKETS: [f64; 16] = [
    0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
    0.05, 0.1, 0.25, 0.5, 1.0,
];

/// The outcome and the reason of one end of a check, as they stand in the metric.
#[derive(Debug, Clone, Copy)]
pub struct EndLabel {
    /// One of [`Labels::check_outcomes`].
    pub outcome: &'static str,
    /// The reason, which is found by its index.
    pub reason: &'static str,
}

/// The series of one API.
struct ApiSeries {
    /// By the index of the reason.
    ends: Vec<Counter>,
    durations: ByLabel<Histogram>,
    in_flight: Gauge,
}

/// The series of this file.
pub(super) struct CheckSeries {
    apis: ByLabel<Lazy<ApiSeries>>,
    /// The index of the outcome that belongs to each reason, by the index of the reason.
    outcomes: Vec<Option<usize>>,
    dropped_logs: Vec<Lazy<Counter>>,
    omitted_headers: ByLabel<Counter>,
}

impl CheckSeries {
    pub(super) fn register(labels: &Labels) -> Self {
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
        let dropped = |reason: &'static str| {
            Lazy::new(move || counter!("rownd_authz_denial_logs_dropped_total", "reason" => reason))
        };
        let omitted = |header: &'static str| counter!("rownd_authz_identity_headers_omitted_total", "header" => header);
        Self {
            omitted_headers: ByLabel::new(&labels.omitted_headers, omitted),
            apis: ByLabel::new(&labels.check_apis, |api| {
                let (reasons, outcomes) = (labels.reasons.clone(), labels.check_outcomes.clone());
                Lazy::new(move || ApiSeries::register(api, &reasons, &outcomes))
            }),
            outcomes: labels
                .reasons
                .iter()
                .map(|end| labels.check_outcomes.index_of(end.outcome))
                .collect(),
            dropped_logs: labels.reasons.iter().map(|end| dropped(end.reason)).collect(),
        }
    }
}

impl CheckSeries {
    fn api(&self, api: impl Label, recorder: &Recorder) -> Option<&ApiSeries> {
        self.apis.get(api)?.get(recorder)
    }
}

impl ApiSeries {
    fn register(api: &'static str, reasons: &[EndLabel], outcomes: &LabelValues) -> Self {
        let end = |end: &EndLabel| {
            counter!("rownd_authz_checks_total",
                "api" => api, "outcome" => end.outcome, "reason" => end.reason)
        };
        Self {
            ends: reasons.iter().map(end).collect(),
            durations: ByLabel::new(
                outcomes,
                |outcome| histogram!(DURATION, "api" => api, "outcome" => outcome),
            ),
            in_flight: gauge!("rownd_authz_in_flight", "api" => api),
        }
    }
}

impl Metrics {
    /// Checks can come through this API ([`Labels::check_apis`]) from now on: all its series are
    /// made, because alerts count them from zero. Those of another API are made by its first check.
    pub fn check_api_opened(&self, api: impl Label) {
        let _ = self.checks.api(api, &self.recorder);
    }

    /// A check begins, which came through this API ([`Labels::check_apis`]).
    pub fn check_started(&self, api: impl Label) {
        if let Some(api) = self.checks.api(api, &self.recorder) {
            api.in_flight.increment(1.0);
        }
    }

    /// A check ended with the reason of this index (see [`Labels::reasons`]) after this
    /// time.
    pub fn check_ended(&self, api: impl Label, reason: usize, took: Duration) {
        let Some(api) = self.checks.api(api, &self.recorder) else { return };
        api.in_flight.decrement(1.0);
        if let Some(counter) = api.ends.get(reason) {
            counter.increment(1);
        }
        let outcome = self.checks.outcomes.get(reason).copied().flatten();
        if let Some(histogram) = outcome.and_then(|outcome| api.durations.at(outcome)) {
            histogram.record(took.as_secs_f64());
        }
    }

    /// This identity header ([`Labels::omitted_headers`]) was left out.
    pub fn identity_header_omitted(&self, header: impl Label) {
        if let Some(counter) = self.checks.omitted_headers.get(header) {
            counter.increment(1);
        }
    }

    /// A denial of the reason of this index was not logged, because there were too many.
    pub fn denial_log_dropped(&self, reason: usize) {
        let counter = self.checks.dropped_logs.get(reason);
        if let Some(counter) = counter.and_then(|counter| counter.get(&self.recorder)) {
            counter.increment(1);
        }
    }
}
