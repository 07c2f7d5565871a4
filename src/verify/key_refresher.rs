//! The background task that keeps one issuer's keys fresh: in time, on demand, on command.
//!
//! In: documents from the key source, and the wishes of checks and commands. Out: keys in the
//! store, a copy on disk, gauges and log lines.

use std::{
    io,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::FutureExt as _;
use rand::RngExt as _;
use tokio::{
    sync::OwnedSemaphorePermit,
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};

use super::{
    fetch_budget::FetchCause,
    fetch_lanes::FetchLanes,
    first_keys::FirstFetch,
    jwks::KeySet,
    key_cache::KeyStore,
    key_ring::KeyStoreId,
    key_snapshot::{LoadError, RestoredKeys, SnapshotResult},
    key_source::{FetchError, FetchResult, KeyDocuments},
    key_state::KeysInUse,
};
use crate::{
    blocking::BlockingRunner,
    log_throttle::Repeats,
    metrics::{IssuerLabel, Label as _, Metrics},
    upstream::Document,
};

/// `Cache-Control` is obeyed between these.
const MIN_REFRESH: Duration = Duration::from_secs(30);
const MAX_REFRESH: Duration = Duration::from_secs(3600);

/// The pause between a failed fetch and the next while no token can be verified: ready within a
/// second of the issuer's return, for as long as a restart of it may take.
const IMPATIENT: Duration = Duration::from_secs(1);
/// After so many failures the pauses grow.
const IMPATIENT_TIMES: u32 = 30;
/// The longest pause without and with keys in use.
const MAX_PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(15);
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// A command to forget the keys fetches at once, but no sooner after the fetch before.
const FORGET_PAUSE: Duration = Duration::from_secs(1);

/// The kind of the line about keys of the fallback URL, beside the results of fetches.
const FROM_FALLBACK: &str = "fallback";

/// The time limit for reading or writing a snapshot: after it the task goes on without the disk.
const DISK_PATIENCE: Duration = Duration::from_secs(2);

/// An issuer in logs and metrics.
#[derive(Debug, Clone)]
pub(super) struct FetchedIssuer {
    /// The configured name.
    pub(super) name: Arc<str>,
    /// The label of its series in the metrics.
    pub(super) label: IssuerLabel,
    /// The tenant, where the issuer has tenants.
    pub(super) tenant: Option<FetchedTenant>,
}

/// One of many tenants, in logs and among the fetches of all of them.
#[derive(Debug, Clone)]
pub(super) struct FetchedTenant {
    pub(super) name: Arc<str>,
    pub(super) lanes: Arc<FetchLanes>,
}

/// The background task of one issuer. It has to run for as long as the issuer's keys are used.
#[derive(Debug)]
pub struct KeyRefresher {
    name: Arc<str>,
    label: IssuerLabel,
    tenant: Option<FetchedTenant>,
    store: Arc<KeyStore>,
    source: Box<dyn KeyDocuments>,
    metrics: Arc<Metrics>,
    first: Option<FirstFetch>,
    disk: SnapshotWrites,
    failures: Repeats,
}

/// The state of writing to the disk.
#[derive(Debug, Default)]
struct SnapshotWrites {
    /// A write that has not ended in time. There is never a second one beside it.
    pending: Option<JoinHandle<io::Result<()>>>,
    failed: bool,
}

/// The result of a good fetch.
struct FetchedKeys {
    /// From the issuer itself, not from a copy.
    own: bool,
    document: Vec<u8>,
    fetched_at: SystemTime,
    fresh_for: Duration,
}

impl KeyRefresher {
    /// The configured name of the issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.name
    }

    /// The store whose keys it keeps fresh.
    #[must_use]
    pub fn store_id(&self) -> KeyStoreId {
        KeyStoreId::of(&self.store)
    }

    pub(super) fn new(
        issuer: FetchedIssuer,
        store: Arc<KeyStore>,
        source: Box<dyn KeyDocuments>,
        metrics: Arc<Metrics>,
        first: Option<FirstFetch>,
    ) -> Self {
        let FetchedIssuer { name, label, tenant } = issuer;
        let disk = SnapshotWrites::default();
        let failures = Repeats::default();
        Self { name, label, tenant, store, source, metrics, first, disk, failures }
    }

    /// The tenant, for the log.
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_ref().map(|tenant| &*tenant.name)
    }

    /// Fetches now and from then on, in time and on demand. Ends only by being dropped.
    /// Files are read and written by `blocking`.
    pub async fn run(mut self, blocking: BlockingRunner) {
        let (mut failures, mut cause) = (0, FetchCause::Turn);
        self.restore(&blocking).await;
        loop {
            let (place, entered) = self.enter(cause).await;
            cause = entered;
            let began = Instant::now();
            let begun = self.store.begin();
            // A document that makes the parser panic does not stop the next fetch.
            let outcome = AssertUnwindSafe(self.fetch(begun, began))
                .catch_unwind()
                .await
                .unwrap_or(Err(FetchError::Panic));
            drop(place);
            let delay = match &outcome {
                Ok(fetched) => {
                    failures = 0;
                    fetched.fresh_for
                }
                Err(_) => {
                    failures += 1;
                    self.pause(failures)
                }
            };
            let next = Instant::now() + jittered(delay);
            match outcome {
                Ok(fetched) => {
                    self.publish(begun, cause, None);
                    // After a restart, what is on disk counts as the issuer's own word.
                    if fetched.own {
                        self.save(fetched, begun, &blocking).await;
                    }
                }
                Err(error) => self.publish(begun, cause, Some(error)),
            }
            cause = self.wait(next, began + FORGET_PAUSE).await;
        }
    }

    /// Waits for a place among the fetches of all tenants, where there are tenants. A fetch in time
    /// that a token asks for meanwhile is one for the token.
    async fn enter(&self, cause: FetchCause) -> (Option<OwnedSemaphorePermit>, FetchCause) {
        let Some(FetchedTenant { lanes, .. }) = &self.tenant else { return (None, cause) };
        match cause {
            FetchCause::Turn => {
                let turn = lanes.turns.enter();
                tokio::pin!(turn);
                loop {
                    tokio::select! {
                        place = &mut turn => return (place, cause),
                        () = self.store.wanted.notified() => {
                            if self.store.may_fetch(&self.store.progress.borrow(), FetchCause::UnknownKey) {
                                break;
                            }
                        }
                    }
                }
                (lanes.caused.enter().await, FetchCause::UnknownKey)
            }
            FetchCause::UnknownKey | FetchCause::BadSignature => {
                (lanes.caused.enter().await, cause)
            }
        }
    }

    /// Waits until `next`, or until a fetch is wanted and allowed; after a command to forget the
    /// keys, until `soonest`. Returns the cause of the next fetch.
    async fn wait(&mut self, next: Instant, soonest: Instant) -> FetchCause {
        let mut forgotten = false;
        loop {
            if !forgotten && self.store.progress.borrow().forgotten {
                forgotten = true;
                self.source.forget();
                self.report();
            }
            let due = if forgotten { soonest.min(next) } else { next };
            let cause = tokio::select! {
                () = sleep_until(due) => return FetchCause::Turn,
                () = self.store.wanted.notified() => FetchCause::UnknownKey,
                () = self.store.suspected.notified() => FetchCause::BadSignature,
            };
            let progress = self.store.progress.borrow();
            if !progress.forgotten && self.store.may_fetch(&progress, cause) {
                return cause;
            }
        }
    }

    /// The time to wait after so many failures.
    fn pause(&self, failures: u32) -> Duration {
        let (first, doublings, most) = if self.store.any_usable() {
            // A retry and a fetch for an unknown key together: two in a cooldown.
            let first = (self.store.cooldown / 2).max(IMPATIENT);
            (first, failures.saturating_sub(1), MAX_PAUSE.max(first))
        } else {
            (IMPATIENT, failures.saturating_sub(IMPATIENT_TIMES), MAX_PAUSE_WITHOUT_KEYS)
        };
        // So that tenants that fail together do not ask more often together than one may.
        let share = self.tenant.as_ref().map(|tenant| tenant.lanes.retry_pause());
        let first = first.max(share.unwrap_or_default());
        let most = most.max(first);
        first.saturating_mul(2_u32.saturating_pow(doublings)).min(most)
    }

    /// Fetches from the issuer; where that fails, from the copy, if one is configured. A copy may
    /// lack what the issuer has withdrawn or added, so it never replaces an answer of the issuer
    /// itself, for as long as that may be used.
    async fn fetch(&mut self, begun: u64, asked: Instant) -> Result<FetchedKeys, FetchError> {
        let document = self.source.fetch().await;
        let first = document.and_then(|document| self.take(document, (begun, asked), true));
        let Err(error) = first else { return first };
        if self.store.has_own() {
            return Err(error);
        }
        let Some(copy) = self.source.fetch_copy() else { return Err(error) };
        let copy = copy.await;
        let second = copy.and_then(|copy| self.take(copy, (begun, asked), false));
        if second.is_ok()
            && let Some(more) = self.failures.admit(FROM_FALLBACK)
        {
            let (tenant, not_logged) = (self.tenant(), (more > 0).then_some(more));
            tracing::warn!(issuer = %self.name, tenant, not_logged, %error, "keys are from the fallback URL");
        }
        second.map_err(|_| error)
    }

    fn take(
        &mut self,
        document: Document,
        (begun, asked): (u64, Instant),
        own: bool,
    ) -> Result<FetchedKeys, FetchError> {
        let known = self.store.last_good();
        let known = known.as_ref().map(|now| &now.set);
        let set = match KeySet::parse(&document.body, self.store.rules(), known) {
            Ok(set) => set,
            Err(reason) => {
                self.source.forget();
                return Err(reason.into());
            }
        };
        let fresh_for = document
            .max_age
            .map_or(self.store.refresh_interval, |age| age.clamp(MIN_REFRESH, MAX_REFRESH));
        let fetched_at = SystemTime::now();
        let since = Instant::now();
        self.store.keep(KeysInUse { set, since, asked, fetched_at, fresh_for, own }, begun);
        Ok(FetchedKeys { own, document: document.body, fetched_at, fresh_for })
    }

    /// Begins with the keys of an earlier run, if they are on the disk and can be trusted.
    async fn restore(&mut self, blocking: &BlockingRunner) {
        // Keys that the former configuration had in memory are younger than those on the disk.
        if self.store.snapshot.get().is_none() || self.store.last_good().is_some() {
            return;
        }
        let begun = self.store.forgets();
        let store = self.store.clone();
        let load = blocking.run(move || match store.snapshot.get() {
            Some(snapshot) => snapshot.load(SystemTime::now()),
            None => Err(LoadError::Absent),
        });
        let loaded = match timeout(DISK_PATIENCE, load).await {
            Ok(Ok(loaded)) => loaded,
            Ok(Err(_panic)) => Err("internal error: reading it panicked".into()),
            Err(_elapsed) => Err("reading it takes longer than 2 s".into()),
        };
        let result = match loaded.and_then(|restored| self.use_restored(&restored, begun)) {
            Ok(age) => {
                tracing::warn!(
                    issuer = %self.name,
                    tenant = self.tenant(),
                    age_seconds = age.as_secs(),
                    "keys of a snapshot are in use until the issuer answers"
                );
                if let Some(first) = &mut self.first {
                    first.note(true);
                }
                SnapshotResult::Loaded
            }
            Err(LoadError::Absent) => SnapshotResult::Absent,
            Err(LoadError::Refused(reason)) => {
                tracing::error!(issuer = %self.name, tenant = self.tenant(), reason, "the key snapshot is refused");
                self.store.note_snapshot(Some(format!("it is refused: {reason}")));
                SnapshotResult::Refused
            }
        };
        self.metrics.key_snapshot(self.label, result);
        self.report();
    }

    /// Uses the snapshot once, for a command that only looks: nothing on the disk is changed. Returns
    /// the age of the keys; `None` where there is no snapshot.
    ///
    /// # Errors
    ///
    /// The reason why the snapshot is refused.
    pub fn restore_once(&self) -> Result<Option<Duration>, String> {
        let Some(snapshot) = self.store.snapshot.get() else { return Ok(None) };
        let begun = self.store.forgets();
        let found = snapshot.find(SystemTime::now());
        match found.and_then(|restored| self.use_restored(&restored, begun)) {
            Ok(age) => Ok(Some(age)),
            Err(LoadError::Absent) => Ok(None),
            Err(LoadError::Refused(reason)) => Err(reason),
        }
    }

    /// Accepts restored keys by the same rules as fetched ones.
    fn use_restored(&self, restored: &RestoredKeys, begun: u64) -> Result<Duration, LoadError> {
        let set = KeySet::parse(&restored.document, self.store.rules(), None)?;
        let fresh_for = self.store.refresh_interval;
        if restored.age > fresh_for + self.store.max_stale {
            return Err("it is older than max_stale of the issuer's keys".into());
        }
        let since = Instant::now().checked_sub(restored.age).ok_or("its age is none")?;
        let fetched_at = restored.fetched_at;
        let current = KeysInUse { set, since, asked: since, fetched_at, fresh_for, own: true };
        if self.store.restore(current, begun) {
            Ok(restored.age)
        } else {
            Err("its keys were forgotten while it was read".into())
        }
    }

    /// Writes the fetched document for the next run. A disk that is full, read-only or slow is
    /// logged once; the keys are used anyway.
    async fn save(&mut self, fetched: FetchedKeys, begun: u64, blocking: &BlockingRunner) {
        if self.store.snapshot.get().is_none() {
            return;
        }
        if self.disk.pending.as_ref().is_some_and(|write| !write.is_finished()) {
            // It is logged already. A second write would only hang beside the first.
            self.metrics.key_snapshot(self.label, SnapshotResult::WriteFailed);
            return;
        }
        let store = self.store.clone();
        let mut write = blocking.run(move || match store.snapshot.get() {
            Some(snapshot) => {
                let still = || store.forgets() == begun;
                snapshot.write(&fetched.document, fetched.fetched_at, still)
            }
            None => Ok(()),
        });
        let error = match timeout(DISK_PATIENCE, &mut write).await {
            Ok(Ok(Ok(()))) => None,
            Ok(Ok(Err(error))) => Some(error.to_string()),
            Ok(Err(_panic)) => Some("internal error: writing it panicked".to_owned()),
            Err(_elapsed) => {
                self.disk.pending = Some(write);
                Some("writing it takes longer than 2 s".to_owned())
            }
        };
        let failed = error.is_some();
        self.store.note_snapshot(error.clone());
        match error {
            Some(error) if !self.disk.failed => tracing::error!(
                issuer = %self.name,
                tenant = self.tenant(),
                error,
                "the key snapshot could not be written; logged once, counted each time"
            ),
            None if self.disk.failed => {
                tracing::info!(issuer = %self.name, "the key snapshot could be written again");
            }
            _ => {}
        }
        self.disk.failed = failed;
        let result = if failed { SnapshotResult::WriteFailed } else { SnapshotResult::Written };
        self.metrics.key_snapshot(self.label, result);
    }

    fn publish(&mut self, begun: u64, cause: FetchCause, error: Option<FetchError>) {
        let result = error.as_ref().map_or(FetchResult::Ok, FetchError::result);
        self.metrics.keys_fetched(self.label, result);
        if !self.store.end(begun, cause, error.as_ref()) {
            tracing::info!(issuer = %self.name, "keys were forgotten during a fetch: fetching again");
            return;
        }
        self.report();
        match error {
            None => {
                if self.first.as_mut().is_some_and(|first| first.note(true)) {
                    let tenant = self.tenant();
                    tracing::info!(issuer = %self.name, tenant, "the first keys have come");
                    let _ = self.failures.end();
                } else if self.tenant.is_none() && self.store.has_own() {
                    self.log_recovery();
                }
            }
            Some(error) => {
                if let Some(first) = &mut self.first {
                    first.note(false);
                }
                self.log_failure(result, &error);
            }
        }
    }

    fn log_recovery(&self) {
        if let Some(more) = self.failures.end() {
            let not_logged = (more > 0).then_some(more);
            tracing::info!(issuer = %self.name, not_logged, "keys can be fetched again");
        }
    }

    /// Logs that a fetch failed, ever more rarely while it goes on. All tenants of an issuer have one
    /// log.
    fn log_failure(&self, result: FetchResult, error: &FetchError) {
        let failures = self.tenant.as_ref().map_or(&self.failures, |tenant| &tenant.lanes.failures);
        let Some(more) = failures.admit(result.as_str()) else { return };
        tracing::warn!(
            issuer = %self.name,
            tenant = self.tenant(),
            // Of other tenants, or of this one before.
            not_logged = (more > 0).then_some(more),
            result = result.as_str(),
            %error,
            keys = match (self.store.any_usable(), self.store.last_good()) {
                (true, _) => "the last good ones stay in use",
                (false, Some(_)) => "the last good ones are too old: no token can be verified",
                (false, None) => "none: no token can be verified",
            },
            "keys could not be fetched"
        );
    }

    /// The gauges. Only this task sets them, so that they follow one another. Those of an issuer
    /// with tenants are counted when they are read.
    fn report(&self) {
        if self.tenant.is_none() {
            self.store.report(&self.metrics, self.label);
        }
    }
}

/// Between 90 % and 100 %, so that many replicas do not ask at once.
fn jittered(delay: Duration) -> Duration {
    delay.mul_f64(rand::rng().random_range(0.9..=1.0))
}
