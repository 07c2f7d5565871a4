//! The way in for events: whether somebody wants one, and the queue of each sink.
//!
//! In: an event, from within a check. Out: the same in the queues of the sinks that want it. It never
//! waits: where a queue is full, the sink loses the event, and the loss is counted by sink and type.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc;

use super::{
    cloud_event::{Origin, ToldEvent},
    named_sink::NamedSink,
    sinks::{Ring, SinkTask},
    ways::Ways,
};
use crate::{
    config::Events,
    log_throttle::LogThrottle,
    metrics::{Metrics, SinkLabel},
    model::{Event, EventRecorder, EventType},
    shared::random_name,
};

/// The most events in the queue of a sink.
const QUEUE: usize = 8192;
/// Events that clients cause as often as they like leave so many places free for the others.
const RESERVED: usize = QUEUE / 4;
/// The time between two lines in the log about one sink.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Takes events for the sinks of the configuration.
#[derive(Debug)]
pub struct EventHub {
    origin: Arc<Origin>,
    next: AtomicU64,
    /// The bits of the types that any sink wants.
    wanted: u32,
    sinks: Vec<SinkQueue>,
    profile_fields: Vec<String>,
    metrics: Arc<Metrics>,
}

/// The queue of one sink.
#[derive(Debug)]
struct SinkQueue {
    name: String,
    label: SinkLabel,
    types: u32,
    sampled: Vec<Sampled>,
    queue: mpsc::Sender<Arc<ToldEvent>>,
    /// Of the line about events that find no room.
    no_room: LogThrottle,
}

/// A type of which the sink gets one of so many events.
#[derive(Debug)]
struct Sampled {
    kind: EventType,
    of: u64,
    seen: AtomicU64,
}

/// The work of the sinks. To be run for as long as there are events.
#[derive(Debug)]
pub struct EventWork {
    /// A task for each sink.
    pub tasks: Vec<SinkTask>,
    /// The events for `StreamEvents`, where a sink keeps them.
    pub ring: Option<Arc<Ring>>,
}

impl EventHub {
    /// The hub and the work of its sinks. Events that wait on disk from before are sent first.
    ///
    /// # Errors
    ///
    /// The reason, where the place of a sink cannot be used.
    pub fn build(
        settings: &Events,
        ways: Ways<'_>,
        metrics: &Arc<Metrics>,
    ) -> Result<(Arc<Self>, EventWork), String> {
        let origin = Arc::new(Origin { source: settings.source.clone(), process: random_name()? });
        let mut work = EventWork { tasks: Vec::new(), ring: None };
        let mut sinks = Vec::new();
        for (index, settings) in settings.sinks.iter().enumerate() {
            let named = NamedSink { settings, label: SinkLabel(index) };
            let (queue, events) = mpsc::channel(QUEUE);
            let task = SinkTask::build(named, events, &origin, ways, metrics)
                .map_err(|problem| format!("events: sink {}: {problem}", settings.name))?;
            work.ring = work.ring.or_else(|| task.ring());
            work.tasks.push(task);
            sinks.push(SinkQueue::new(named, queue));
        }
        let hub = Self {
            origin,
            next: AtomicU64::new(1),
            wanted: sinks.iter().fold(0, |all, sink| all | sink.types),
            sinks,
            profile_fields: settings.profile_fields.clone(),
            metrics: metrics.clone(),
        };
        Ok((Arc::new(hub), work))
    }
}

impl SinkQueue {
    fn new(
        NamedSink { settings, label }: NamedSink<'_>,
        queue: mpsc::Sender<Arc<ToldEvent>>,
    ) -> Self {
        let sampled = settings.sample.iter().map(|(kind, of)| Sampled {
            kind: *kind,
            of: u64::from(*of),
            seen: AtomicU64::new(0),
        });
        Self {
            name: settings.name.clone(),
            label,
            types: settings.types.iter().fold(0, |all, kind| all | kind.bit()),
            sampled: sampled.collect(),
            queue,
            no_room: LogThrottle::once_per(LOG_EVERY),
        }
    }

    /// Whether the sink gets this event of this type.
    fn gets(&self, kind: EventType) -> bool {
        if self.types & kind.bit() == 0 {
            return false;
        }
        match self.sampled.iter().find(|sampled| sampled.kind == kind) {
            Some(Sampled { of, seen, .. }) => {
                seen.fetch_add(1, Ordering::Relaxed).is_multiple_of(*of)
            }
            None => true,
        }
    }

    /// Whether there was room for the event.
    fn offer(&self, event: &Arc<ToldEvent>) -> bool {
        let may_take_last = !event.event.kind.is_frequent();
        (may_take_last || self.queue.capacity() > RESERVED)
            && self.queue.try_send(event.clone()).is_ok()
    }

    fn tell_dropped(&self, kind: EventType) {
        if let Some(dropped) = self.no_room.admit() {
            let (sink, kind) = (&self.name, kind.word());
            let what = "an event was dropped: the sink is slower than events come";
            tracing::warn!(sink, kind, dropped, "{what}");
        }
    }
}

impl EventRecorder for EventHub {
    fn wants(&self, kind: EventType) -> bool {
        self.wanted & kind.bit() != 0
    }

    fn record(&self, event: Event) {
        let kind = event.kind;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let told = Arc::new(ToldEvent::new(event, number, self.origin.clone()));
        for sink in self.sinks.iter().filter(|sink| sink.gets(kind)) {
            if !sink.offer(&told) {
                self.metrics.event_dropped(sink.label, kind);
                sink.tell_dropped(kind);
            }
        }
    }

    fn profile_fields(&self) -> &[String] {
        &self.profile_fields
    }
}
