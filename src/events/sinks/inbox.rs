//! The events that wait in memory for a sink, in batches.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{mpsc, watch};

use crate::{events::cloud_event::ToldEvent, model::EventType};

/// The most events of a batch.
pub(super) const BATCH: usize = 256;

/// The events that wait in memory for a sink.
pub(in crate::events) struct Inbox {
    events: mpsc::Receiver<Arc<ToldEvent>>,
    closing: watch::Receiver<bool>,
    /// The number of events that were lost because the process ended.
    lost: Arc<AtomicU64>,
}

impl Inbox {
    pub(in crate::events) fn new(
        events: mpsc::Receiver<Arc<ToldEvent>>,
        closing: watch::Receiver<bool>,
    ) -> Self {
        Self { events, closing, lost: Arc::default() }
    }

    /// The same, which counts here what is lost at the end.
    pub(super) fn counting(self, lost: Arc<AtomicU64>) -> Self {
        Self { lost, ..self }
    }

    /// The process ends and the sink fails: these events are lost, and those that still wait. Tells the
    /// type of each.
    pub(super) fn lose(&mut self, events: &[Arc<ToldEvent>], mut tell: impl FnMut(EventType)) {
        self.events.close();
        let mut count = 0;
        let mut lose = |told: &ToldEvent| {
            tell(told.event.kind);
            count += 1;
        };
        events.iter().for_each(|told| lose(told));
        while let Ok(told) = self.events.try_recv() {
            lose(&told);
        }
        self.lost.fetch_add(count, Ordering::Relaxed);
    }

    /// The next events, at most [`BATCH`]; empty at the end: the process ends, and nothing is left.
    /// May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Vec<Arc<ToldEvent>> {
        let mut batch = Vec::new();
        tokio::select! {
            biased;
            _ = self.events.recv_many(&mut batch, BATCH) => {}
            () = closed(&mut self.closing) => {
                while batch.len() < BATCH && let Ok(event) = self.events.try_recv() {
                    batch.push(event);
                }
            }
        }
        batch
    }

    /// The number of events that wait.
    pub(super) fn waiting(&self) -> usize {
        self.events.len()
    }

    /// Waits until the process ends.
    pub(super) async fn closed(&self) {
        closed(&mut self.closing.clone()).await;
    }

    /// The process ends.
    pub(super) fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }
}

async fn closed(closing: &mut watch::Receiver<bool>) {
    // Without a sender the process ends too.
    let _ = closing.wait_for(|closing| *closing).await;
}
