//! The latest events in memory, for `StreamEvents`.
//!
//! In: batches of events. Out: a [`Reader`] for each call, which holds a position and no event: a slow
//! reader costs nothing and holds up nobody. It is cut off when the events at its position are gone.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use tokio::sync::watch;

use super::inbox::Inbox;
use crate::{
    config::StreamSink,
    events::cloud_event::ToldEvent,
    metrics::{Metrics, SinkLabel},
    model::EventType,
};

/// The most events that a reader gets at once.
const BATCH: usize = 64;
/// The bytes that an event takes in memory beside its JSON, about.
const OVERHEAD: u64 = 512;

/// The latest events.
pub struct Ring {
    settings: StreamSink,
    process: String,
    label: SinkLabel,
    metrics: Arc<Metrics>,
    kept: Mutex<Kept>,
    /// The position of the next event. Readers wait for it.
    end: watch::Sender<u64>,
    /// The process ends.
    closed: watch::Sender<bool>,
    readers: AtomicUsize,
}

#[derive(Default)]
struct Kept {
    events: VecDeque<Arc<ToldEvent>>,
    /// The position of the first of them.
    first: u64,
    bytes: u64,
}

/// Why a reader gets no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// The cursor is none of this process.
    CursorUnknown,
    /// The events at the position of the reader are gone.
    Gone,
    /// There are as many readers as there may be.
    TooMany,
    /// The process ends.
    Closed,
}

/// The place behind an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    fn new(process: &str, position: u64) -> Self {
        Self(URL_SAFE_NO_PAD.encode(format!("{process}.{position}")))
    }

    /// The text, which says nothing to a client.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }

    /// The position that a text stands for, if this process has made it.
    fn position(text: &str, process: &str) -> Option<u64> {
        let text = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (from, position) = std::str::from_utf8(&text).ok()?.split_once('.')?;
        position.parse().ok().filter(|_| from == process)
    }
}

/// An event for one reader.
#[derive(Clone)]
pub struct StreamedEvent {
    event: Arc<ToldEvent>,
    cursor: Cursor,
}

impl fmt::Debug for StreamedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamedEvent").finish_non_exhaustive()
    }
}

impl StreamedEvent {
    /// Its type.
    #[must_use]
    pub fn kind(&self) -> EventType {
        self.event.event.kind
    }

    /// The issuer that it is about.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.event.event.issuer.as_deref()
    }

    /// The app that it is about.
    #[must_use]
    pub fn app_id(&self) -> Option<&str> {
        self.event.event.app_id.as_deref()
    }

    /// The CloudEvent in JSON.
    #[must_use]
    pub fn json(&self) -> Bytes {
        self.event.json().clone()
    }

    /// The place behind it.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor.clone()
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").finish_non_exhaustive()
    }
}

impl Ring {
    /// A ring without events.
    pub(in crate::events) fn new(
        settings: &StreamSink,
        process: &str,
        label: SinkLabel,
        metrics: &Arc<Metrics>,
    ) -> Arc<Self> {
        Arc::new(Self {
            settings: settings.clone(),
            process: process.to_owned(),
            label,
            metrics: metrics.clone(),
            kept: Mutex::default(),
            end: watch::Sender::new(0),
            closed: watch::Sender::new(false),
            readers: AtomicUsize::new(0),
        })
    }

    /// Takes events until the process ends.
    pub(super) async fn run(&self, mut inbox: Inbox) {
        loop {
            let batch = inbox.next().await;
            if batch.is_empty() {
                return self.close();
            }
            let count = batch.len();
            self.put(batch);
            self.metrics.events_sent(self.label, count);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::events) fn put(&self, batch: Vec<Arc<ToldEvent>>) {
        // The JSON is made outside the lock.
        let sizes: Vec<u64> = batch.iter().map(|event| size(event)).collect();
        let mut kept = self.lock();
        let kept = &mut *kept;
        kept.bytes += sizes.iter().sum::<u64>();
        kept.events.extend(batch);
        while kept.events.len() > self.settings.keep_events as usize
            || kept.bytes > self.settings.keep_bytes
        {
            let Some(oldest) = kept.events.pop_front() else { break };
            kept.first += 1;
            kept.bytes = kept.bytes.saturating_sub(size(&oldest));
        }
        self.end.send_replace(kept.first + kept.events.len() as u64);
    }

    /// Every reader ends.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// A reader from this cursor on; without one from the oldest event that is kept, or from now on.
    ///
    /// # Errors
    ///
    /// [`Missed`], where the cursor is of another process or too old, or there is no room.
    pub fn reader(
        self: &Arc<Self>,
        cursor: Option<&str>,
        from_oldest: bool,
    ) -> Result<Reader, Missed> {
        if *self.closed.borrow() {
            return Err(Missed::Closed);
        }
        let (first, end) = {
            let kept = self.lock();
            (kept.first, kept.first + kept.events.len() as u64)
        };
        let position = match cursor {
            None if from_oldest => first,
            None => end,
            Some(text) => {
                let position =
                    Cursor::position(text, &self.process).ok_or(Missed::CursorUnknown)?;
                match position {
                    position if position > end => return Err(Missed::CursorUnknown),
                    position if position < first => return Err(Missed::Gone),
                    position => position,
                }
            }
        };
        let most = self.settings.max_readers as usize;
        let taken = self.readers.fetch_update(Ordering::AcqRel, Ordering::Acquire, |readers| {
            (readers < most).then_some(readers + 1)
        });
        if taken.is_err() {
            return Err(Missed::TooMany);
        }
        let (grown, closed) = (self.end.subscribe(), self.closed.subscribe());
        Ok(Reader { ring: self.clone(), position, grown, closed })
    }

    fn read(&self, position: u64) -> Result<Vec<StreamedEvent>, Missed> {
        let kept = self.lock();
        let skip = position.checked_sub(kept.first).ok_or(Missed::Gone)?;
        let skip = usize::try_from(skip).map_err(|_| Missed::CursorUnknown)?;
        let events = (position + 1..).zip(kept.events.iter().skip(skip)).take(BATCH);
        let told = events.map(|(behind, event)| StreamedEvent {
            event: event.clone(),
            cursor: Cursor::new(&self.process, behind),
        });
        Ok(told.collect())
    }
}

fn size(event: &ToldEvent) -> u64 {
    event.json().len() as u64 + OVERHEAD
}

/// The position of one call in the events.
#[derive(Debug)]
pub struct Reader {
    ring: Arc<Ring>,
    position: u64,
    grown: watch::Receiver<u64>,
    closed: watch::Receiver<bool>,
}

impl Reader {
    /// The next events, at least one. May be dropped while it waits.
    ///
    /// # Errors
    ///
    /// [`Missed::Gone`] where the reader was too slow, [`Missed::Closed`] where the process ends.
    pub async fn next(&mut self) -> Result<Vec<StreamedEvent>, Missed> {
        loop {
            self.grown.mark_unchanged();
            if *self.closed.borrow() {
                return Err(Missed::Closed);
            }
            let events = self.ring.read(self.position)?;
            if !events.is_empty() {
                self.position += events.len() as u64;
                return Ok(events);
            }
            tokio::select! {
                // The ring holds both senders.
                _ = self.grown.changed() => {}
                _ = self.closed.changed() => {}
            }
        }
    }

    /// The place behind the events that were read.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor::new(&self.ring.process, self.position)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.ring.readers.fetch_sub(1, Ordering::AcqRel);
    }
}
