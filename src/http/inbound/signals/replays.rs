//! The tokens that came before: each is obeyed once.
//!
//! In: the source and the `jti` of a verified token. Out: whether it is new. The memory is bounded: the
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

/// A token that has not come before. One that [failed](Self::failed) may come again.
#[derive(Debug)]
pub(super) struct FirstUse<'a> {
    replays: &'a Replays,
    id: Sha256,
}

impl Replays {
    pub(in crate::http::inbound) fn new(store: Option<Arc<dyn SharedStore>>) -> Self {
        Self { known: Mutex::default(), store }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None`: the token has come before.
    pub(super) async fn first_use(&self, source: &str, jti: &str) -> Option<FirstUse<'_>> {
        let parts = [&source.len().to_le_bytes()[..], source.as_bytes(), jti.as_bytes()];
        let id = sha256_of_parts(parts);
        if !self.lock().add(id) {
            return None;
        }
        let first = FirstUse { replays: self, id };
        let Some(store) = &self.store else { return Some(first) };
        // A store that does not answer must not keep an event from being obeyed.
        match store.put_if_absent(&key(&id), SEEN, KEEP).await {
            Ok(Some(_known)) => None,
            Ok(None) | Err(_) => Some(first),
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().ids.len()
    }
}

impl FirstUse<'_> {
    /// The token could not be obeyed: its repetition is to be.
    pub(super) async fn failed(self) {
        self.replays.lock().remove(&self.id);
        if let Some(store) = &self.replays.store {
            // Without an answer, the entry ends by itself.
            let _ = store.remove(&key(&self.id), SEEN).await;
        }
    }
}

impl Known {
    /// `false`: it is known already.
    fn add(&mut self, id: Sha256) -> bool {
        let now = Instant::now();
        while let Some((end, oldest)) = self.ends.front().copied() {
            if end > now && self.ends.len() < MAX_KNOWN {
                break;
            }
            self.ends.pop_front();
            self.ids.remove(&oldest);
        }
        if !self.ids.insert(id) {
            return false;
        }
        self.ends.push_back((now + KEEP, id));
        true
    }

    fn remove(&mut self, id: &Sha256) {
        if self.ids.remove(id) {
            self.ends.retain(|(_, known)| known != id);
        }
    }
}

fn key(id: &Sha256) -> String {
    format!("event:{}", hex(id))
}
