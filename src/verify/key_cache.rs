//! The keys of one issuer in memory, and the background task that keeps them fresh.
//!
//! Checks never fetch: they ask the task to, and wait until their own deadline. The fetch
//! belongs to the task and outlives the check that asked. The last good keys stay in use for a
//! bounded time whatever the issuer answers, and an unknown `kid` causes at most one fetch in
//! a cooldown, however many ask.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwapOption;
use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::FutureExt as _;
use jsonwebtoken::Algorithm;
use rand::RngExt as _;
use serde::Serialize;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    jwks::{Key, KeySet},
    key_source::{Documents, FetchError},
};
use crate::{
    config::Keys as Settings,
    health::Latch,
    metrics::{FetchResult, Metrics},
    model::{Denial, DenyReason},
};

/// `Cache-Control` is obeyed between these.
const MIN_REFRESH: Duration = Duration::from_secs(30);
const MAX_REFRESH: Duration = Duration::from_secs(3600);
/// While there are no keys or the issuer fails, it is asked again after 1 s, doubling to this.
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// Checks of one issuer that may wait for a key at a time: a slow issuer and a stream of made-up
/// `kid`s must not fill the places of all checks in flight.
const MAX_WAITING: usize = 256;

/// A place among those that wait, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Current {
    set: KeySet,
    fetched: Instant,
    fetched_at: SystemTime,
    fresh_for: Duration,
}

/// How fetching goes.
#[derive(Debug, Clone, Default)]
struct Progress {
    attempts: u64,
    fetching: bool,
    ended: Option<Instant>,
    error: Option<String>,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct KeyStore {
    current: ArcSwapOption<Current>,
    algorithms: &'static [Algorithm],
    progress: watch::Sender<Progress>,
    wanted: Notify,
    waiting: AtomicUsize,
    cooldown: Duration,
    max_stale: Duration,
    refresh_interval: Duration,
}

/// How an issuer's keys are, for `/status`.
#[derive(Debug, Clone, Serialize)]
pub struct KeyStatus {
    /// Keys in use.
    pub usable: usize,
    /// Why keys of the last set are not in use.
    pub refused: Vec<&'static str>,
    /// Seconds since the keys came; absent before the first time.
    pub age_seconds: Option<u64>,
    /// The keys should have been renewed by now.
    pub overdue: bool,
    /// Fetches tried since the start.
    pub attempts: u64,
    /// Why the last fetch failed, if it did.
    pub last_error: Option<String>,
}

impl KeyStore {
    pub(super) fn new(settings: &Settings, algorithms: &'static [Algorithm]) -> Self {
        Self {
            current: ArcSwapOption::empty(),
            algorithms,
            progress: watch::Sender::new(Progress::default()),
            wanted: Notify::new(),
            waiting: AtomicUsize::new(0),
            cooldown: settings.cooldown.get(),
            max_stale: settings.max_stale.get(),
            refresh_interval: settings.refresh_interval.get(),
        }
    }

    /// The key of this name. An unknown one is fetched for, until `deadline` at the longest.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        deadline: Instant,
    ) -> Result<Arc<Key>, Denial> {
        if let Some(key) = self.look_up(kid, algorithm) {
            return Ok(key);
        }
        let mut progress = self.progress.subscribe();
        let attempts = {
            let now = progress.borrow_and_update();
            if !now.fetching && !self.may_fetch(&now) {
                return Err(self.unknown(&now));
            }
            now.attempts
        };
        self.wanted.notify_one();
        let Some(_place) = Waiting::enter(&self.waiting) else { return Err(self.pending()) };
        match timeout_at(deadline, progress.wait_for(|now| now.attempts > attempts)).await {
            Ok(Ok(now)) => self.look_up(kid, algorithm).ok_or_else(|| self.unknown(&now)),
            // The fetch goes on without us; the next check finds the key.
            Ok(Err(_)) | Err(_) => Err(self.pending()),
        }
    }

    /// A signature did not fit a known key: look whether the issuer has replaced it.
    pub(super) fn suspect(&self) {
        if self.may_fetch(&self.progress.borrow()) {
            self.wanted.notify_one();
        }
    }

    /// There are keys to verify with.
    pub(super) fn any_usable(&self) -> bool {
        self.current.load().as_ref().is_some_and(|now| self.usable(now))
    }

    /// This very key is still in use.
    pub(super) fn holds(&self, key: &Arc<Key>) -> bool {
        let current = self.current.load();
        current.as_ref().is_some_and(|now| self.usable(now) && now.set.holds(key))
    }

    pub(super) fn status(&self) -> KeyStatus {
        let progress = self.progress.borrow().clone();
        let current = self.current.load();
        let current = current.as_ref();
        KeyStatus {
            usable: current.filter(|now| self.usable(now)).map_or(0, |now| now.set.len()),
            refused: current.map(|now| now.set.refused.clone()).unwrap_or_default(),
            age_seconds: current.map(|now| now.fetched.elapsed().as_secs()),
            overdue: current.is_none_or(|now| overdue(now)),
            attempts: progress.attempts,
            last_error: progress.error,
        }
    }

    fn look_up(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<Arc<Key>> {
        let current = self.current.load();
        current.as_ref().filter(|now| self.usable(now))?.set.find(kid, algorithm).cloned()
    }

    fn usable(&self, current: &Current) -> bool {
        current.fetched.elapsed() <= current.fresh_for + self.max_stale
    }

    fn may_fetch(&self, progress: &Progress) -> bool {
        progress.ended.is_none_or(|ended| ended.elapsed() >= self.cooldown)
    }

    /// The token's fault, while we know the issuer's keys; else ours.
    fn unknown(&self, progress: &Progress) -> Denial {
        let current = self.current.load();
        match current.as_ref().filter(|now| self.usable(now)) {
            None => Denial::for_everybody(DenyReason::KeysUnavailable),
            Some(now) if progress.error.is_some() && overdue(now) => {
                DenyReason::KeysUnavailable.into()
            }
            Some(_) => DenyReason::KidUnknown.into(),
        }
    }

    /// A fetch is under way and the check cannot wait longer.
    fn pending(&self) -> Denial {
        if self.any_usable() {
            DenyReason::KeyPending.into()
        } else {
            Denial::for_everybody(DenyReason::KeysUnavailable)
        }
    }
}

fn overdue(current: &Current) -> bool {
    // A tenth more than planned, for the jitter and the fetch itself.
    current.fetched.elapsed() > current.fresh_for + current.fresh_for / 10
}

/// The background task of one issuer. To be run for as long as its keys are used.
#[derive(Debug)]
pub struct KeyRefresher {
    name: Arc<str>,
    index: usize,
    store: Arc<KeyStore>,
    source: Box<dyn Documents>,
    metrics: Arc<Metrics>,
    latch: Option<Latch>,
}

impl KeyRefresher {
    pub(super) fn new(
        (name, index): (Arc<str>, usize),
        store: Arc<KeyStore>,
        source: Box<dyn Documents>,
        metrics: Arc<Metrics>,
        latch: Option<Latch>,
    ) -> Self {
        Self { name, index, store, source, metrics, latch }
    }

    /// Fetches now and from then on, in time and on demand. Ends only by being dropped.
    pub async fn run(mut self) {
        let mut failures = backoff();
        loop {
            self.store.progress.send_modify(|progress| progress.fetching = true);
            // Whatever a document does to us, the next one is fetched all the same.
            let outcome = AssertUnwindSafe(self.fetch())
                .catch_unwind()
                .await
                .unwrap_or_else(|_panic| Err(FetchError::invalid("internal error")));
            let delay = match &outcome {
                Ok(fresh_for) => {
                    failures = backoff();
                    *fresh_for
                }
                Err(_) => failures.next().unwrap_or(MAX_BACKOFF),
            };
            self.publish(outcome.err());
            let next = Instant::now() + jittered(delay);
            self.wait(next).await;
        }
    }

    async fn wait(&self, next: Instant) {
        loop {
            tokio::select! {
                () = sleep_until(next) => return,
                () = self.store.wanted.notified() => {
                    let allowed = self.store.may_fetch(&self.store.progress.borrow());
                    if allowed {
                        return;
                    }
                }
            }
        }
    }

    async fn fetch(&mut self) -> Result<Duration, FetchError> {
        let document = self.source.fetch().await?;
        let known = self.store.current.load();
        let known = known.as_ref().map(|now| &now.set);
        let set = match KeySet::parse(&document.body, self.store.algorithms, known) {
            Ok(set) => set,
            Err(reason) => {
                self.source.forget();
                return Err(FetchError::invalid(reason));
            }
        };
        let fresh_for = document
            .max_age
            .map_or(self.store.refresh_interval, |age| age.clamp(MIN_REFRESH, MAX_REFRESH));
        let fetched_at = SystemTime::now();
        let unix = fetched_at.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        self.metrics.keys_in_use(self.index, set.len(), set.refused.len(), unix);
        let current = Current { set, fetched: Instant::now(), fetched_at, fresh_for };
        self.store.current.store(Some(Arc::new(current)));
        Ok(fresh_for)
    }

    fn publish(&mut self, error: Option<FetchError>) {
        let result = error.as_ref().map_or(FetchResult::Ok, |error| error.result);
        self.metrics.keys_fetched(self.index, result);
        match &error {
            None => {
                if self.latch.take().is_some() {
                    tracing::info!(issuer = %self.name, "keys are here");
                }
            }
            Some(error) => {
                let since = self.store.current.load().as_ref().map(|now| now.fetched_at);
                tracing::warn!(
                    issuer = %self.name,
                    result = result.as_str(),
                    error = %error.message,
                    keys = if since.is_some() { "the last good ones stay in use" } else { "none yet" },
                    "keys could not be fetched"
                );
            }
        }
        self.store.progress.send_modify(|progress| {
            progress.attempts += 1;
            progress.fetching = false;
            progress.ended = Some(Instant::now());
            progress.error = error.map(|error| error.message);
        });
    }
}

fn backoff() -> backon::ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(MAX_BACKOFF)
        .without_max_times()
        .build()
}

/// Between 90 % and 100 %, so that many replicas do not ask at once.
fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(rand::rng().random_range(0.9..=1.0))
}
