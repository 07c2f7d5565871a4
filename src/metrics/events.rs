//! Events and their sinks. Without sinks there are no series.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
};

const SENT: &str = "rownd_authz_events_sent_total";
const FAILED: &str = "rownd_authz_event_attempts_failed_total";
const DROPPED: &str = "rownd_authz_events_dropped_total";
const DEAD: &str = "rownd_authz_events_dead_total";
const WAITING: &str = "rownd_authz_events_waiting";
const BYTES: &str = "rownd_authz_event_queue_bytes";

/// The series of one sink.
struct OneSink {
    sent: Counter,
    failed: Counter,
    dead: Counter,
    waiting: Gauge,
    bytes: Gauge,
    dropped: ByLabel<Counter>,
}

/// The series of this file.
pub(super) struct EventSeries {
    /// In the order of [`Labels::event_sinks`].
    sinks: Vec<OneSink>,
}

/// The number of a sink in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkLabel(pub usize);

impl EventSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_counter!(SENT, "Events that a sink has taken.");
        describe_counter!(FAILED, "Attempts to hand events to a sink that failed.");
        describe_counter!(DROPPED, "Events that a sink had no room for, by type.");
        describe_counter!(DEAD, "Events that were given up and are in the file of dead letters.");
        describe_gauge!(WAITING, "Events that wait on disk for their receiver.");
        describe_gauge!(BYTES, "Bytes of the events that wait on disk for their receiver.");
        let sinks = labels.event_sinks.iter().map(|name| {
            let name = name.clone();
            OneSink {
                sent: counter!(SENT, "sink" => name.clone()),
                failed: counter!(FAILED, "sink" => name.clone()),
                dead: counter!(DEAD, "sink" => name.clone()),
                waiting: gauge!(WAITING, "sink" => name.clone()),
                bytes: gauge!(BYTES, "sink" => name.clone()),
                dropped: ByLabel::new(
                    &labels.event_types,
                    |kind| counter!(DROPPED, "sink" => name.clone(), "type" => kind),
                ),
            }
        });
        Self { sinks: sinks.collect() }
    }
}

impl Metrics {
    /// A sink has taken so many events.
    pub fn events_sent(&self, SinkLabel(sink): SinkLabel, events: usize) {
        if let Some(sink) = self.events.sinks.get(sink) {
            sink.sent.increment(events as u64);
        }
    }

    /// An attempt to hand events to a sink failed.
    pub fn event_attempt_failed(&self, SinkLabel(sink): SinkLabel) {
        if let Some(sink) = self.events.sinks.get(sink) {
            sink.failed.increment(1);
        }
    }

    /// A sink had no room for an event of this type ([`Labels::event_types`]).
    pub fn event_dropped(&self, SinkLabel(sink): SinkLabel, kind: impl Label) {
        let sink = self.events.sinks.get(sink);
        if let Some(counter) = sink.and_then(|sink| sink.dropped.get(kind)) {
            counter.increment(1);
        }
    }

    /// So many events were given up.
    pub fn events_dead(&self, SinkLabel(sink): SinkLabel, events: usize) {
        if let Some(sink) = self.events.sinks.get(sink) {
            sink.dead.increment(events as u64);
        }
    }

    /// So many events of so many bytes wait on disk for the receiver of a sink.
    pub fn events_waiting(&self, SinkLabel(sink): SinkLabel, events: usize, bytes: u64) {
        let Some(sink) = self.events.sinks.get(sink) else { return };
        #[expect(clippy::cast_precision_loss, reason = "a bounded number of events")]
        sink.waiting.set(events as f64);
        #[expect(clippy::cast_precision_loss, reason = "a bounded number of bytes")]
        sink.bytes.set(bytes as f64);
    }
}
