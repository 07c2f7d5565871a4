//! Writes that the store did not take at their time, or may not have taken.
//!
//! In: a mark in the store, and what belongs in its place. Out: nothing; it is written when the store
//! answers again. Bounded in number and in time.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{SharedStore, marks::put_answer};

/// The most writes that wait for the store, and the pause after one that failed.
const MAX_LATER: usize = 1024;
const LATER_EVERY: Duration = Duration::from_millis(500);
/// An answer is kept at least this long, for the replicas that wait for it.
const KEEP_AT_LEAST: Duration = Duration::from_millis(500);
/// A mark that is not there when it is to be removed may still come for so long.
const MARK_MAY_COME: Duration = Duration::from_secs(10);

/// Takes the writes.
#[derive(Clone)]
pub struct LaterWrites(mpsc::Sender<Later>);

/// Makes the writes. To be run for as long as there are any.
pub struct LaterWork {
    store: Arc<dyn SharedStore>,
    later: mpsc::Receiver<Later>,
}

/// The content that belongs in the store.
#[derive(Debug)]
pub enum LaterWrite {
    /// This, in the place of the mark.
    Answer(Vec<u8>),
    /// No mark: nothing was sent.
    Nothing,
    /// The mark, which another replica has put there.
    Mark,
}

/// A write that the store did not take, or may not have taken.
struct Later {
    name: String,
    mark: Vec<u8>,
    write: LaterWrite,
    /// After this the write is of no use.
    until: Instant,
    /// The mark was looked for, and was not there.
    was_missed: bool,
}

impl fmt::Debug for LaterWrites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaterWrites").finish_non_exhaustive()
    }
}

impl fmt::Debug for LaterWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaterWork").finish_non_exhaustive()
    }
}

/// The writes to this store, and the work that makes them.
#[must_use]
pub fn later_writes(store: Arc<dyn SharedStore>) -> (LaterWrites, LaterWork) {
    let (sender, later) = mpsc::channel(MAX_LATER);
    (LaterWrites(sender), LaterWork { store, later })
}

impl LaterWrites {
    /// Makes this write within this time. `false`: too many writes wait already.
    #[must_use]
    pub fn write(&self, name: String, mark: Vec<u8>, write: LaterWrite, within: Duration) -> bool {
        let until = Instant::now() + within;
        self.0.try_send(Later { name, mark, write, until, was_missed: false }).is_ok()
    }
}

impl LaterWork {
    /// Runs until dropped.
    pub async fn run(mut self) {
        let mut waiting: Vec<Later> = Vec::new();
        loop {
            if waiting.is_empty() {
                match self.later.recv().await {
                    Some(later) => waiting.push(later),
                    None => return,
                }
            }
            while waiting.len() < MAX_LATER
                && let Ok(later) = self.later.try_recv()
            {
                waiting.push(later);
            }
            for later in std::mem::take(&mut waiting) {
                waiting.extend(self.write(later).await);
            }
            sleep(LATER_EVERY).await;
        }
    }

    /// Writes, and returns what has to be written again.
    async fn write(&self, later: Later) -> Option<Later> {
        let now = Instant::now();
        if later.until <= now {
            return None;
        }
        let left = later.until.duration_since(now).max(KEEP_AT_LEAST);
        let written = match &later.write {
            LaterWrite::Answer(answer) => {
                let place = (later.name.as_str(), later.mark.as_slice());
                put_answer(&*self.store, place, answer, left).await.map(|()| true)
            }
            LaterWrite::Mark => {
                let put = self.store.put_if_absent(&later.name, &later.mark, left).await;
                put.map(|_known| true)
            }
            LaterWrite::Nothing => self.store.remove(&later.name, &later.mark).await,
        };
        match written {
            Err(_) => Some(later),
            // The mark itself may be on its way, on a connection that was given up.
            Ok(false) => {
                let until = if later.was_missed { later.until } else { now + MARK_MAY_COME };
                Some(Later { until, was_missed: true, ..later })
            }
            Ok(true) => None,
        }
    }
}
