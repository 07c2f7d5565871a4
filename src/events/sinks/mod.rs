//! The sinks: each takes events from its queue and hands them on at its own pace.

mod backoff;
mod courier;
mod dead_letters;
mod delivery;
mod disk_queue;
mod file;
mod inbox;
mod lines;
mod next_events;
mod order;
mod ring;
mod stream_courier;

use std::{
    io,
    sync::{Arc, atomic::AtomicU64},
};

use tokio::sync::{mpsc, watch};

use super::{
    cloud_event::{Origin, ToldEvent},
    named_sink::NamedSink,
    ways::Ways,
};
use crate::{blocking::BlockingRunner, config::SinkKind, health::Parts, metrics::Metrics};
pub(super) use courier::SignedCourier;
#[cfg(test)]
pub(super) use delivery::for_test;
pub(super) use delivery::{Answer, Courier};
use delivery::{Delivery, DeliverySettings};
pub(super) use file::EventFile;
pub(super) use inbox::Inbox;
pub(super) use lines::write_all;
use lines::{LineSink, StandardOutput};
pub use ring::{Cursor, Missed, Reader, Ring, StreamedEvent};
pub(super) use stream_courier::StreamCourier;

/// The task of one sink.
#[derive(Debug)]
pub struct SinkTask {
    events: mpsc::Receiver<Arc<ToldEvent>>,
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    File(LineSink<EventFile>),
    Stdout(LineSink<StandardOutput>),
    Delivery(Box<Delivery>),
    Stream(Arc<Ring>),
}

impl SinkTask {
    /// The task of these settings.
    ///
    /// # Errors
    ///
    /// The reason, where the directory of its events cannot be used.
    pub(super) fn build(
        NamedSink { settings, label }: NamedSink<'_>,
        events: mpsc::Receiver<Arc<ToldEvent>>,
        origin: &Arc<Origin>,
        ways: Ways<'_>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, String> {
        let name = settings.name.clone();
        let sink = match &settings.kind {
            SinkKind::File(file) => {
                let file = EventFile::new(file);
                Sink::File(LineSink::new(file, name, label, metrics))
            }
            SinkKind::Stdout(_) => {
                let output = StandardOutput(io::stdout());
                Sink::Stdout(LineSink::new(output, name, label, metrics))
            }
            SinkKind::Http(http) => {
                let settings = DeliverySettings {
                    name,
                    label,
                    directory: http.directory.clone().into(),
                    max_bytes: http.max_queue_bytes,
                    give_up_after: http.give_up_after.get(),
                };
                let courier = Arc::new(SignedCourier::new(http, ways.upstream));
                Sink::Delivery(Box::new(Delivery::open(settings, courier, metrics)?))
            }
            SinkKind::RedisStream(stream) => {
                let settings = DeliverySettings {
                    name,
                    label,
                    directory: stream.directory.clone().into(),
                    max_bytes: stream.max_queue_bytes,
                    give_up_after: stream.give_up_after.get(),
                };
                let courier = Arc::new(StreamCourier::build(stream, ways.redis)?);
                Sink::Delivery(Box::new(Delivery::open(settings, courier, metrics)?))
            }
            SinkKind::Stream(stream) => {
                Sink::Stream(Ring::new(stream, &origin.process, label, metrics))
            }
        };
        Ok(Self { events, sink })
    }

    /// Its faults are told here. A sink in memory has none.
    pub fn report_to(&mut self, parts: &Parts) {
        match &mut self.sink {
            Sink::File(lines) => lines.report_to(parts),
            Sink::Stdout(lines) => lines.report_to(parts),
            Sink::Delivery(delivery) => delivery.report_to(parts),
            Sink::Stream(_) => {}
        }
    }

    /// The events that the sink keeps for `StreamEvents`, if it is for them.
    pub(super) fn ring(&self) -> Option<Arc<Ring>> {
        match &self.sink {
            Sink::Stream(ring) => Some(ring.clone()),
            Sink::File(_) | Sink::Stdout(_) | Sink::Delivery(_) => None,
        }
    }

    /// The number of events in its queue.
    #[cfg(test)]
    pub(super) fn queued(&self) -> usize {
        self.events.len()
    }

    /// Hands events on, until `closing` says `true` and the queue is empty. `lost` counts those that its
    /// sink could not take by then.
    pub async fn run(
        self,
        blocking: BlockingRunner,
        closing: watch::Receiver<bool>,
        lost: Arc<AtomicU64>,
    ) {
        let inbox = Inbox::new(self.events, closing).counting(lost);
        match self.sink {
            Sink::File(lines) => lines.run(inbox, blocking).await,
            Sink::Stdout(lines) => lines.run(inbox, blocking).await,
            Sink::Delivery(delivery) => delivery.run(inbox, blocking).await,
            Sink::Stream(ring) => ring.run(inbox).await,
        }
    }
}
