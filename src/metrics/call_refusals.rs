//! gRPC calls that were refused before their message was read, by kind and reason.

use metrics::{Counter, counter, describe_counter};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
};

const NAME: &str = "rownd_authz_calls_refused_total";

/// The series of this file.
pub(super) struct CallRefusalSeries(ByLabel<ByLabel<Counter>>);

impl CallRefusalSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_counter!(NAME, "gRPC calls refused before they were read, by kind and reason.");
        Self(ByLabel::new(&labels.call_kinds, |kind| {
            ByLabel::new(
                &labels.call_refusals,
                |reason| counter!(NAME, "kind" => kind, "reason" => reason),
            )
        }))
    }
}

impl Metrics {
    /// A call of this kind ([`Labels::call_kinds`]) was refused for this reason
    /// ([`Labels::call_refusals`]).
    pub fn call_refused(&self, kind: impl Label, reason: impl Label) {
        if let Some(counter) = self.call_refusals.0.get(kind).and_then(|kind| kind.get(reason)) {
            counter.increment(1);
        }
    }
}
