//! The tokens that were obeyed before.
//!
//! In: the source and the `jti` of a verified token. Out: whether it was obeyed already. The memory is bounded: the
//! oldest give way. One that comes again after that changes nothing either, because a token revokes
//! only what was issued before its event. Where replicas share their state, they share this too.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    digest::{Sha256, hex, sha256_of_parts},
    shared::SharedStore,
};

/// The most tokens that are remembered.
const MAX_KNOWN: usize = 65_536;
/// How long a token is remembered.
const KEEP: Duration = Duration::from_secs(600);
/// The value of a token in the shared state.
const SEEN: &[u8] = b"1";

#[derive(Debug, Default)]
struct Known {
    ids: HashSet<Sha256>,
    /// In the order in which they end.
    ends: VecDeque<(Instant, Sha256)>,
}

/// The tokens that came before.
#[derive(Debug, Default)]
pub(in crate::http::inbound) struct Replays {
    known: Mutex<Known>,
    store: Option<Arc<dyn SharedStore>>,
}

impl Replays {
    pub(in crate::http::inbound) fn new(store: Option<Arc<dyn SharedStore>>) -> Self {
        Self { known: Mutex::default(), store }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the token was obeyed before, here or at another replica.
    pub(super) async fn has(&self, source: &str, jti: &str) -> bool {
        let id = id(source, jti);
        if self.lock().has(&id) {
            return true;
        }
        let Some(store) = &self.store else { return false };
        // A store that does not answer must not keep an event from being obeyed.
        matches!(store.get(&key(&id)).await, Ok(Some(_known)))
    }

    /// Notes that the token was obeyed. Not before: a token whose request ends half way, or whose
    /// replica is lost, has to be obeyed when it comes again.
    pub(super) async fn note(&self, source: &str, jti: &str) {
        let id = id(source, jti);
        self.lock().add(id);
        if let Some(store) = &self.store {
            // Without it, another replica obeys the token again, which changes nothing.
            let _ = store.put_if_absent(&key(&id), SEEN, KEEP).await;
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().ids.len()
    }
}

impl Known {
    fn has(&mut self, id: &Sha256) -> bool {
        self.drop_old(Instant::now(), MAX_KNOWN);
        self.ids.contains(id)
    }

    fn add(&mut self, id: Sha256) {
        let now = Instant::now();
        self.drop_old(now, MAX_KNOWN - 1);
        if self.ids.insert(id) {
            self.ends.push_back((now + KEEP, id));
        }
    }

    /// Drops those that have ended, and the oldest above so many.
    fn drop_old(&mut self, now: Instant, most: usize) {
        while let Some((end, oldest)) = self.ends.front().copied() {
            if end > now && self.ends.len() <= most {
                break;
            }
            self.ends.pop_front();
            self.ids.remove(&oldest);
        }
    }
}

fn id(source: &str, jti: &str) -> Sha256 {
    sha256_of_parts([&source.len().to_le_bytes()[..], source.as_bytes(), jti.as_bytes()])
}

fn key(id: &Sha256) -> String {
    format!("event:{}", hex(id))
}
