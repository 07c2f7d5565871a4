//! The keys of one issuer in memory: who finds them, who waits for them, when they are too old.
//!
//! Checks never fetch: they ask the issuer's task to, and wait until their own deadline. The
//! fetch belongs to the task and outlives the check that asked. The last good keys stay in use
//! for a bounded time whatever the issuer answers, and unknown `kid`s cause at most one fetch
//! in a cooldown, however many ask: until it is over the set itself is the answer, and the `iat`
//! of the token says whether its key may be younger than that set, so that nothing has to be
//! remembered of names that do not exist.

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use serde::Serialize;
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{Instant, timeout_at},
};

use super::{
    jwks::{Key, KeyName, KeySet, Refusal},
    key_budget::{Cause, Ends, Issued},
    key_snapshot::Snapshot,
};
use crate::{
    config::{Issuer as Settings, SigningAlgorithm},
    metrics::Metrics,
    model::{Denial, DenyReason},
};

/// Checks of one issuer that may wait for a key at a time: a slow issuer and a stream of made-up
/// `kid`s must not fill the places of all checks in flight.
const MAX_WAITING: usize = 256;

/// A key set, and for how long it is good.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) set: KeySet,
    /// When it came into this process. A clock that is set changes nothing about its age.
    pub(super) since: Instant,
    /// When the fetch began: what the issuer published later may be missing.
    pub(super) asked: Instant,
    pub(super) fetched_at: SystemTime,
    pub(super) fresh_for: Duration,
    /// The issuer itself said so, not a copy elsewhere.
    pub(super) own: bool,
}

impl Current {
    fn overdue(&self) -> bool {
        // A tenth more than planned, for the jitter and the fetch itself.
        self.since.elapsed() > self.fresh_for + self.fresh_for / 10
    }
}

/// How fetching goes.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    attempts: u64,
    fetching: bool,
    ends: Ends,
    pub(super) error: Option<String>,
    /// How often the keys were forgotten. A fetch that began before the last time is void.
    forgets: u64,
    /// How often the other, whose place this one took, had forgotten its keys before.
    followed: u64,
    /// They were forgotten, and no fetch that began later has ended.
    pub(super) forgotten: bool,
    /// What is in use came from the disk, and nothing has come from the issuer yet.
    restored: bool,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct KeyStore {
    current: ArcSwapOption<Current>,
    version: AtomicU64,
    /// Trusted without being fetched, while no fetched ones are in use.
    in_place: Option<KeySet>,
    in_place_forgotten: AtomicBool,
    /// A task fetches them; else those in place are all there are.
    pub(super) fetches: bool,
    pub(super) algorithms: Vec<SigningAlgorithm>,
    pub(super) progress: watch::Sender<Progress>,
    /// A fetch is wanted, for an unknown key or by command.
    pub(super) wanted: Notify,
    /// A fetch is wanted, as a signature does not fit a known key.
    pub(super) suspected: Notify,
    waiting: Semaphore,
    pub(super) cooldown: Duration,
    pub(super) max_stale: Duration,
    pub(super) refresh_interval: Duration,
    /// Set once at start, where the configuration asks for it.
    pub(super) snapshot: OnceLock<Snapshot>,
}

/// How an issuer's keys are, for `/status`.
#[derive(Debug, Clone, Serialize)]
pub struct KeyStatus {
    /// How many keys are in use.
    pub usable: usize,
    /// Which ones.
    pub keys: Vec<KeyName>,
    /// Why keys of the last set are not in use.
    pub refused: Vec<Refusal>,
    /// Seconds since the keys came; absent before the first time.
    pub age_seconds: Option<u64>,
    /// The keys should have been renewed by now.
    pub overdue: bool,
    /// What is in use is not the issuer's latest good answer: a fetch failed, the keys come from
    /// the disk, or they were forgotten.
    pub stale: bool,
    /// Fetches tried since the start.
    pub attempts: u64,
    /// Why the last fetch failed, if it did.
    pub last_error: Option<String>,
}

impl KeyStore {
    pub(super) fn new(
        settings: &Settings,
        algorithms: Vec<SigningAlgorithm>,
        in_place: Option<KeySet>,
    ) -> Self {
        Self {
            current: ArcSwapOption::empty(),
            version: AtomicU64::new(0),
            in_place,
            in_place_forgotten: AtomicBool::new(false),
            fetches: settings.key_origin.is_fetched(),
            algorithms,
            progress: watch::Sender::new(Progress::default()),
            wanted: Notify::new(),
            suspected: Notify::new(),
            waiting: Semaphore::new(MAX_WAITING),
            cooldown: settings.keys.cooldown.get(),
            max_stale: settings.keys.max_stale.get(),
            refresh_interval: settings.keys.refresh_interval.get(),
            snapshot: OnceLock::new(),
        }
    }

    /// The key of this name. An unknown one is fetched for, until `deadline` at the longest.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
        issued: Issued,
        deadline: Instant,
    ) -> Result<Arc<Key>, Denial> {
        if let Some(key) = self.look_up(kid, algorithm) {
            return Ok(key);
        }
        if !self.fetches {
            return self.at_hand(kid, algorithm);
        }
        let mut progress = self.progress.subscribe();
        let attempts = {
            let now = progress.borrow_and_update();
            if !now.fetching && !self.may_fetch(&now, Cause::UnknownKey) {
                // A fetch may have ended since the first look.
                return self.look_up(kid, algorithm).ok_or_else(|| self.unknown(&now, issued));
            }
            now.attempts
        };
        self.wanted.notify_one();
        let Ok(_place) = self.waiting.try_acquire() else { return Err(self.pending()) };
        match timeout_at(deadline, progress.wait_for(|now| now.attempts > attempts)).await {
            Ok(Ok(now)) => self.look_up(kid, algorithm).ok_or_else(|| self.unknown(&now, issued)),
            // The fetch goes on without us; the next check finds the key.
            Ok(Err(_)) | Err(_) => Err(self.pending()),
        }
    }

    /// The key of this name, out of what is here now. Nothing is fetched for.
    pub(super) fn at_hand(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
    ) -> Result<Arc<Key>, Denial> {
        let unknown = || self.unknown(&Progress::default(), Issued::UNKNOWN);
        self.look_up(kid, algorithm).ok_or_else(unknown)
    }

    /// Takes the place of another: commands that were given to it before are no news. `same_set`:
    /// the keys in place are its own, so what was forgotten of them stays so.
    pub(super) fn follow(&self, other: &Self, same_set: bool) {
        // Read first: a command that comes between is noticed by `outlives`.
        let forgets = other.forgets();
        self.progress.send_modify(|progress| progress.followed = forgets);
        let forgotten = same_set && other.in_place_forgotten.load(Ordering::Acquire);
        self.in_place_forgotten.store(forgotten, Ordering::Release);
    }

    /// Begins with the keys of the other that it follows, which are of the same origin.
    pub(super) fn adopt(&self, other: &Self) {
        self.progress.send_modify(|_| self.put(other.current.load_full()));
    }

    /// Whether the other that it follows has been told to forget its keys meanwhile.
    pub(super) fn outlives(&self, other: &Self) -> bool {
        self.progress.borrow().followed != other.forgets()
    }

    /// Ends when the keys have been asked for at least once.
    pub(super) async fn tried(&self) {
        // The sender is our own, so it is not gone.
        let _ = self.progress.subscribe().wait_for(|now| now.attempts > 0).await;
    }

    /// A signature did not fit a known key: look whether the issuer has replaced it.
    pub(super) fn suspect(&self) {
        if self.may_fetch(&self.progress.borrow(), Cause::BadSignature) {
            self.suspected.notify_one();
        }
    }

    /// Ends all trust in the keys in use, those on disk included and, with `in_place`, those in
    /// place, and has them fetched anew. The error says why they may return after a restart.
    pub(super) fn forget(&self, in_place: bool) -> io::Result<()> {
        if in_place {
            self.in_place_forgotten.store(true, Ordering::Release);
        }
        self.progress.send_modify(|progress| {
            progress.forgets += 1;
            progress.forgotten = true;
            progress.restored = false;
            self.put(None);
        });
        self.wanted.notify_one();
        // From here on no file of before takes its place any more.
        self.snapshot.get().map_or(Ok(()), Snapshot::remove)
    }

    /// There are keys to verify with.
    pub(super) fn any_usable(&self) -> bool {
        self.with_keys(|_| ()).is_some()
    }

    /// How many keys there are to verify with.
    pub(super) fn count_usable(&self) -> usize {
        self.with_keys(KeySet::len).unwrap_or_default()
    }

    /// This very key is still in use.
    pub(super) fn holds(&self, key: &Arc<Key>) -> bool {
        self.with_keys(|keys| keys.holds(key)).unwrap_or_default()
    }

    /// Changes with the keys in use: when others come, and when those that came are too old.
    pub(super) fn version(&self) -> u64 {
        let version = self.version.load(Ordering::Acquire);
        let in_use = self.current.load().as_ref().is_some_and(|now| self.usable(now));
        version << 1 | u64::from(in_use)
    }

    /// What the issuer itself said last may still be used.
    pub(super) fn has_own(&self) -> bool {
        self.current.load().as_ref().is_some_and(|now| now.own && self.usable(now))
    }

    /// The last good keys, too old ones included.
    pub(super) fn last_good(&self) -> Option<Arc<Current>> {
        self.current.load_full()
    }

    /// Why keys of the last set are not in use; of the one in place, where none came.
    fn refused(&self) -> Vec<Refusal> {
        let current = self.current.load();
        let set = current.as_ref().map(|now| &now.set).or(self.in_place.as_ref());
        set.map(|set| set.refused.clone()).unwrap_or_default()
    }

    /// The gauges of how many keys there are and why others are not.
    pub(super) fn report(&self, metrics: &Metrics, issuer: usize) {
        metrics.keys_in_use(issuer, self.count_usable(), self.stale());
        let mut refused = [0; Refusal::ALL.len()];
        for reason in self.refused() {
            if let Some(count) = refused.get_mut(reason as usize) {
                *count += 1;
            }
        }
        metrics.keys_refused(issuer, &refused);
    }

    pub(super) fn status(&self) -> KeyStatus {
        let progress = self.progress.borrow().clone();
        let current = self.current.load();
        let current = current.as_ref();
        KeyStatus {
            usable: self.count_usable(),
            keys: self.with_keys(KeySet::names).unwrap_or_default(),
            refused: self.refused(),
            age_seconds: current.map(|now| now.since.elapsed().as_secs()),
            overdue: self.fetches && current.is_none_or(|now| now.overdue()),
            stale: self.stale(),
            attempts: progress.attempts,
            last_error: progress.error,
        }
    }

    /// What is in use is not the issuer's latest good answer, or not what the configuration says.
    fn stale(&self) -> bool {
        let forgotten = !self.fetches && self.in_place_forgotten.load(Ordering::Acquire);
        forgotten || self.progress.borrow().stale()
    }

    /// A fetch begins. What it brings is taken by this number.
    pub(super) fn begin(&self) -> u64 {
        self.progress.send_modify(|progress| progress.fetching = true);
        self.forgets()
    }

    /// Takes new keys, unless their fetch began before the keys were forgotten.
    pub(super) fn keep(&self, current: Current, begun: u64) {
        self.progress.send_if_modified(|progress| {
            if progress.forgets == begun {
                self.put(Some(Arc::new(current)));
            }
            false
        });
    }

    /// Takes keys from the disk, as [`Self::keep`]. `false`: they were forgotten meanwhile.
    pub(super) fn restore(&self, current: Current, begun: u64) -> bool {
        self.progress.send_if_modified(|progress| {
            progress.restored = progress.forgets == begun;
            if progress.restored {
                self.put(Some(Arc::new(current)));
            }
            progress.restored
        })
    }

    /// How often the keys were forgotten.
    pub(super) fn forgets(&self) -> u64 {
        self.progress.borrow().forgets
    }

    /// A fetch has ended. `false`: the keys were forgotten meanwhile, so that it does not count.
    pub(super) fn end(&self, begun: u64, cause: Cause, error: Option<String>) -> bool {
        let mut counts = false;
        self.progress.send_modify(|progress| {
            progress.fetching = false;
            counts = progress.forgets == begun;
            if counts {
                progress.attempts += 1;
                progress.ends.note(cause);
                progress.restored &= error.is_some();
                progress.error = error;
                progress.forgotten = false;
            }
        });
        counts
    }

    pub(super) fn may_fetch(&self, progress: &Progress, cause: Cause) -> bool {
        progress.forgotten || progress.ends.rest(cause, self.cooldown).is_zero()
    }

    /// To be called under the lock of `progress`. The version follows the keys: whoever reads the
    /// new one sees the new keys.
    fn put(&self, current: Option<Arc<Current>>) {
        self.current.store(current);
        self.version.fetch_add(1, Ordering::Release);
    }

    fn look_up(&self, kid: Option<&str>, algorithm: SigningAlgorithm) -> Option<Arc<Key>> {
        self.with_keys(|keys| keys.find(kid, algorithm).cloned()).flatten()
    }

    /// The keys in use: the fetched ones, else those in place.
    fn with_keys<T>(&self, read: impl FnOnce(&KeySet) -> T) -> Option<T> {
        let current = self.current.load();
        if let Some(now) = current.as_ref().filter(|now| self.usable(now)) {
            return Some(read(&now.set));
        }
        let forgotten = self.in_place_forgotten.load(Ordering::Acquire);
        self.in_place.as_ref().filter(|_| !forgotten).map(read)
    }

    fn usable(&self, current: &Current) -> bool {
        current.since.elapsed() <= current.fresh_for + self.max_stale
    }

    /// Nobody's fault, while the key may be younger than the keys we know; else the token's,
    /// while we know the issuer's keys; else ours.
    fn unknown(&self, progress: &Progress, issued: Issued) -> Denial {
        let current = self.current.load();
        match current.as_ref().filter(|now| self.usable(now)) {
            None if !self.any_usable() => Denial::for_everybody(DenyReason::KeysUnavailable),
            // Its keys in place are all there is, or all we know of.
            None if self.fetches => DenyReason::KeysUnavailable.into(),
            Some(now) if progress.error.is_some() && now.overdue() => {
                DenyReason::KeysUnavailable.into()
            }
            Some(now) if self.fetches && issued.may_follow(now.asked) => {
                let rest = progress.ends.rest(Cause::UnknownKey, self.cooldown);
                Denial::until(DenyReason::KeyPending, rest)
            }
            None | Some(_) => DenyReason::KidUnknown.into(),
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

impl Progress {
    /// What is in use is not the issuer's latest good answer.
    const fn stale(&self) -> bool {
        self.error.is_some() || self.forgotten || self.restored
    }
}
