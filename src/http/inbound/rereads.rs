//! Users of webhooks that could not be read at once. Rownd does not say that it repeats a webhook, so
//! this service reads them again by itself, ever more slowly, until it can or gives up. Those of one
//! issuer wait in one list.
//!
//! In: the users, each once. Out: the effect of the webhook. The number of users is bounded; one that
//! finds no room is left to the sender, which was told to send it again.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::rownd_webhook::Told;
use crate::log_throttle::LogThrottle;

/// The most users of one issuer that wait.
const MAX_WAITING: usize = 10_000;
/// The time until the first try, which doubles with each.
const FIRST: Duration = Duration::from_secs(1);
/// The longest time until the next try.
const LONGEST: Duration = Duration::from_secs(60);
/// A user who could not be read for so long is given up.
const GIVE_UP: Duration = Duration::from_secs(3600);

/// A user to be read again.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) source: String,
    pub(super) told: Told,
    /// When the webhook came.
    since: Instant,
    due: Instant,
    wait: Duration,
}

/// A user who is about to be read. Dropped before that is done, as where the sender goes away, the user
/// is noted.
#[must_use = "dropped at once, it notes the user"]
pub(super) struct UnlessDone<'a> {
    rereads: &'a Rereads,
    source: &'a str,
    told: &'a Told,
    done: bool,
}

impl UnlessDone<'_> {
    /// The user has been read.
    pub(super) fn done(mut self) {
        self.done = true;
    }
}

impl Drop for UnlessDone<'_> {
    fn drop(&mut self) {
        if self.done {
            self.rereads.done(self.source, &self.told.user);
        } else {
            self.rereads.note(self.source, self.told);
        }
    }
}

/// The users that wait, in the order in which they are due.
#[derive(Debug)]
pub(super) struct Rereads {
    waiting: Mutex<VecDeque<Waiting>>,
    more: Notify,
    throttle: LogThrottle,
}

impl Default for Rereads {
    fn default() -> Self {
        let throttle = LogThrottle::per_second(1);
        Self { waiting: Mutex::default(), more: Notify::new(), throttle }
    }
}

impl Rereads {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a user who could not be read.
    pub(super) fn note(&self, source: &str, told: &Told) {
        let now = Instant::now();
        self.put(Waiting {
            source: source.to_owned(),
            told: told.clone(),
            since: now,
            due: now + FIRST,
            wait: FIRST,
        });
    }

    /// A user who is about to be read, and is noted unless that is done.
    pub(super) const fn unless_done<'a>(
        &'a self,
        source: &'a str,
        told: &'a Told,
    ) -> UnlessDone<'a> {
        UnlessDone { rereads: self, source, told, done: false }
    }

    /// The user has been read.
    fn done(&self, source: &str, user: &str) {
        self.lock().retain(|known| known.source != source || known.told.user != user);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn put(&self, new: Waiting) {
        let mut waiting = self.lock();
        let is_same =
            |known: &Waiting| known.source == new.source && known.told.user == new.told.user;
        if waiting.iter().any(is_same) {
            return;
        }
        if waiting.len() >= MAX_WAITING {
            drop(waiting);
            if let Some(dropped) = self.throttle.admit() {
                let (source, user) = (new.source, new.told.user);
                let what = "a user of a webhook is not read again: too many wait already";
                tracing::error!(source, user, dropped, "{what}");
            }
            return;
        }
        let place = waiting.partition_point(|known| known.due <= new.due);
        waiting.insert(place, new);
        drop(waiting);
        self.more.notify_one();
    }

    /// Notes a user who could not be read again either. Gives it back where that has lasted too long.
    pub(super) fn note_again(&self, waiting: Waiting) -> Option<Waiting> {
        if waiting.since.elapsed() >= GIVE_UP {
            return Some(waiting);
        }
        let wait = (waiting.wait * 2).min(LONGEST);
        self.put(Waiting { due: Instant::now() + wait, wait, ..waiting });
        None
    }

    /// The next user, once it is due.
    pub(super) async fn next(&self) -> Waiting {
        loop {
            let due = {
                let mut waiting = self.lock();
                match waiting.front().map(|first| first.due) {
                    Some(due) if due <= Instant::now() => {
                        if let Some(first) = waiting.pop_front() {
                            // Another one that waits here may have the next.
                            self.more.notify_one();
                            return first;
                        }
                        None
                    }
                    due => due,
                }
            };
            match due {
                Some(due) => tokio::select! {
                    () = sleep_until(due) => {}
                    () = self.more.notified() => {}
                },
                None => self.more.notified().await,
            }
        }
    }
}
