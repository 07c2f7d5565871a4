//! Requests of other servers: the token validator, webhooks and events.

use metrics::{Counter, counter, describe_counter};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
    lazy::Lazy,
};

const NAME: &str = "rownd_authz_inbound_requests_total";

/// The series of this file.
pub(super) struct InboundSeries(ByLabel<ByLabel<Lazy<Counter>>>);

impl InboundSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_counter!(NAME, "Requests of other servers, by kind and result.");
        Self(ByLabel::new(&labels.inbound_kinds, |kind| {
            ByLabel::new(&labels.inbound_results, |result| {
                Lazy::new(move || counter!(NAME, "kind" => kind, "result" => result))
            })
        }))
    }
}

impl Metrics {
    /// A request of another server ([`Labels::inbound_kinds`]) ended with this result
    /// ([`Labels::inbound_results`]).
    pub fn inbound_ended(&self, kind: impl Label, result: impl Label) {
        let results = self.inbound.0.get(kind);
        let counter = results.and_then(|results| results.get(result)?.get(&self.recorder));
        if let Some(counter) = counter {
            counter.increment(1);
        }
    }
}
