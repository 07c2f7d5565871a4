//! The keys of one issuer in memory: lookup, waiting for a fetch, and the age limit.
//!
//! In: key sets from the refresher; the `kid` of a token. Out: a key, or a denial. Checks never fetch: they ask the issuer's task to, and wait until their own deadline. The
//! fetch belongs to the task and outlives the check that asked. The last good keys stay in use
//! for a bounded time whatever the issuer answers, and unknown `kid`s cause at most one fetch
//! in a cooldown, however many ask: until it is over the set itself is the answer, and the `iat`
//! of the token says whether its key may be younger than that set, so that no
//! list of unknown names has to be kept.

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{Instant, timeout_at},
};

use super::{
    fetch_budget::{ClaimedIssueTime, FetchCause},
    fetch_lanes::FetchLanes,
    jwks::{FittingKeys, Key, KeyRefusal, KeyRules, KeySet, RefusedKey},
    key_snapshot::KeySnapshot,
    key_source::FetchError,
    key_state::{FetchProgress, KeyStatus, KeysInUse},
    key_turns::KeyTurns,
};
use crate::{
    config::{Issuer as IssuerSettings, SigningAlgorithm},
    metrics::{IssuerLabel, Metrics},
    model::{Denial, DenyReason},
};

/// Checks of one issuer that may wait for a key at a time: a slow issuer and a stream of made-up
/// `kid`s must not fill the places of all checks in flight.
const MAX_WAITING: usize = 256;
/// Those of one tenant; all tenants of an issuer together have [`MAX_WAITING`].
const MAX_WAITING_AT_TENANT: usize = 64;

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct KeyStore {
    current: ArcSwapOption<KeysInUse>,
    version: AtomicU64,
    /// Keys of the configuration, trusted while no fetched ones are in use.
    in_place: Option<KeySet>,
    in_place_forgotten: AtomicBool,
    /// A task fetches keys; without it the keys in place are all that there are.
    pub(super) fetches: bool,
    algorithms: Vec<SigningAlgorithm>,
    kid_optional: bool,
    /// The turns of tokens that several keys fit.
    pub(super) turns: Arc<KeyTurns>,
    pub(super) progress: watch::Sender<FetchProgress>,
    /// A fetch is wanted, for an unknown key or by command.
    pub(super) wanted: Notify,
    /// A fetch is wanted, as a signature does not fit a known key.
    pub(super) suspected: Notify,
    waiting: Semaphore,
    /// The places of all tenants of the issuer together.
    all_waiting: Option<Arc<Semaphore>>,
    pub(super) cooldown: Duration,
    pub(super) max_stale: Duration,
    pub(super) refresh_interval: Duration,
    /// The copy on disk: set once at start, where the configuration asks for it.
    pub(super) snapshot: OnceLock<KeySnapshot>,
}

impl KeyStore {
    pub(super) fn new(
        settings: &IssuerSettings,
        rules: KeyRules<'_>,
        in_place: Option<KeySet>,
    ) -> Self {
        Self {
            current: ArcSwapOption::empty(),
            version: AtomicU64::new(0),
            in_place,
            in_place_forgotten: AtomicBool::new(false),
            fetches: settings.key_origin.is_fetched(),
            algorithms: rules.algorithms.to_vec(),
            kid_optional: rules.kid_optional,
            turns: Arc::new(KeyTurns::new()),
            progress: watch::Sender::new(FetchProgress::default()),
            wanted: Notify::new(),
            suspected: Notify::new(),
            waiting: Semaphore::new(MAX_WAITING),
            all_waiting: None,
            cooldown: settings.keys.cooldown.get(),
            max_stale: settings.keys.max_stale.get(),
            refresh_interval: settings.keys.refresh_interval.get(),
            snapshot: OnceLock::new(),
        }
    }

    /// The keys of the issuer that are used.
    pub(super) fn rules(&self) -> KeyRules<'_> {
        KeyRules { algorithms: &self.algorithms, kid_optional: self.kid_optional }
    }

    /// The keys of one of many tenants, whose checks wait in the places of all of them.
    pub(super) fn at_tenant(mut self, lanes: &FetchLanes) -> Self {
        self.waiting = Semaphore::new(MAX_WAITING_AT_TENANT);
        self.all_waiting = Some(lanes.waiting.clone());
        self.turns = lanes.unnamed.clone();
        self
    }

    /// The key of this name; without a name, the few keys that fit. For an unknown name a fetch is
    /// awaited, until `deadline` at the longest.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
        issued: ClaimedIssueTime,
        deadline: Instant,
    ) -> Result<FittingKeys, Denial> {
        if let Some(keys) = self.look_up(kid, algorithm)? {
            return Ok(keys);
        }
        if !self.fetches {
            return self.find_in_memory(kid, algorithm);
        }
        let mut progress = self.progress.subscribe();
        let attempts = {
            let now = progress.borrow_and_update();
            if !now.fetching && !self.may_fetch(&now, FetchCause::UnknownKey) {
                // A fetch may have ended since the first look.
                return self.look_up(kid, algorithm)?.ok_or_else(|| self.unknown(&now, issued));
            }
            now.attempts
        };
        self.wanted.notify_one();
        let all = self.all_waiting.as_ref().map(|all| all.try_acquire()).transpose();
        let (Ok(_all), Ok(_place)) = (all, self.waiting.try_acquire()) else {
            return Err(self.pending());
        };
        match timeout_at(deadline, progress.wait_for(|now| now.attempts > attempts)).await {
            Ok(Ok(now)) => self.look_up(kid, algorithm)?.ok_or_else(|| self.unknown(&now, issued)),
            // The fetch goes on without us; the next check finds the key.
            Ok(Err(_)) | Err(_) => Err(self.pending()),
        }
    }

    /// [`find`](Self::find) would wait for an unknown key now, and has a place for one more.
    pub(super) fn would_wait(&self) -> bool {
        let now = self.progress.borrow();
        self.fetches
            && (now.fetching || self.may_fetch(&now, FetchCause::UnknownKey))
            && self.waiting.available_permits() > 0
            && self.all_waiting.as_ref().is_none_or(|all| all.available_permits() > 0)
    }

    /// The keys that [`find`](Self::find) finds, if they are in memory now. No fetch is started.
    pub(super) fn find_in_memory(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
    ) -> Result<FittingKeys, Denial> {
        let unknown = || self.unknown(&FetchProgress::default(), ClaimedIssueTime::UNKNOWN);
        self.look_up(kid, algorithm)?.ok_or_else(unknown)
    }

    /// Replaces another store: commands that it got before are known here. `same_set`: the keys in
    /// place are the same, so that they stay forgotten if they were.
    pub(super) fn replace_store(&self, other: &Self, same_set: bool) {
        // Read first: `missed_forget_of` notices a command that comes between.
        let forgets = other.forgets();
        self.progress.send_modify(|progress| progress.followed = forgets);
        let forgotten = same_set && other.in_place_forgotten.load(Ordering::Acquire);
        self.in_place_forgotten.store(forgotten, Ordering::Release);
    }

    /// Begins with the keys of the store that it replaces, which are of the same origin.
    pub(super) fn adopt(&self, other: &Self) {
        self.progress.send_modify(|_| self.put(other.current.load_full()));
    }

    /// The store that it replaced got a command to forget its keys since.
    pub(super) fn missed_forget_of(&self, other: &Self) -> bool {
        self.progress.borrow().followed != other.forgets()
    }

    /// Waits until the first fetch has ended, well or not.
    pub(super) async fn first_fetch_ended(&self) {
        // The sender is our own, so it is not gone.
        let _ = self.progress.subscribe().wait_for(|now| now.attempts > 0).await;
    }

    /// A signature did not fit a known key: asks for a fetch, as the issuer may have replaced it.
    pub(super) fn suspect_replacement(&self) {
        if self.may_fetch(&self.progress.borrow(), FetchCause::BadSignature) {
            self.suspected.notify_one();
        }
    }

    /// Ends all trust in the keys in use, those on disk included and, with `in_place`, those in
    /// place, and has them fetched again.
    ///
    /// # Errors
    ///
    /// The snapshot could not be removed: its keys would be in use again after a restart.
    pub(super) fn forget(&self, in_place: bool) -> io::Result<()> {
        if in_place {
            self.in_place_forgotten.store(true, Ordering::Release);
        }
        self.progress.send_modify(|progress| {
            progress.forgets += 1;
            progress.forgotten = true;
            progress.restored = false;
            progress.refused = Vec::new();
            self.put(None);
        });
        self.wanted.notify_one();
        // From here on no older write can put its file in place.
        self.snapshot.get().map_or(Ok(()), KeySnapshot::remove)
    }

    /// At least one key can verify tokens.
    pub(super) fn any_usable(&self) -> bool {
        self.with_keys(|_| ()).is_some()
    }

    /// The number of keys that can verify tokens.
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

    /// The last good answer of the issuer itself may still be used.
    pub(super) fn has_own(&self) -> bool {
        self.current.load().as_ref().is_some_and(|now| now.own && self.usable(now))
    }

    /// The last good keys, too old ones included.
    pub(super) fn last_good(&self) -> Option<Arc<KeysInUse>> {
        self.current.load_full()
    }

    /// The keys of the last document that are not used; of the set in place, where none came.
    pub(super) fn refused(&self) -> Vec<RefusedKey> {
        let last = self.progress.borrow().refused.clone();
        if !last.is_empty() {
            return last;
        }
        let current = self.current.load();
        let set = current.as_ref().map(|now| &now.set).or(self.in_place.as_ref());
        set.map(|set| set.refused.clone()).unwrap_or_default()
    }

    /// Writes the gauges of keys in use, of refused keys, and of the time when keys came.
    pub(super) fn report(&self, metrics: &Metrics, issuer: IssuerLabel) {
        metrics.keys_in_use(issuer, self.count_usable(), self.stale());
        let mut refused = [0; KeyRefusal::ALL.len()];
        for key in self.refused() {
            if let Some(count) = refused.get_mut(key.reason as usize) {
                *count += 1;
            }
        }
        metrics.keys_refused(issuer, &refused);
        if let Some(now) = self.last_good() {
            let at = now.fetched_at.duration_since(UNIX_EPOCH);
            metrics.keys_came(issuer, at.map_or(0.0, |since| since.as_secs_f64()));
        }
    }

    /// The copy on disk could not be read or written, for this reason; `None`: it could.
    pub(super) fn note_snapshot(&self, error: Option<String>) {
        self.progress.send_if_modified(|progress| {
            progress.snapshot_error = error;
            // Waiting checks are not woken: only `/status` reads it.
            false
        });
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
            snapshot_error: progress.snapshot_error,
        }
    }

    /// The keys in use are not the issuer's latest good answer, or not those of the configuration.
    pub(super) fn stale(&self) -> bool {
        let forgotten = !self.fetches && self.in_place_forgotten.load(Ordering::Acquire);
        forgotten || self.progress.borrow().stale()
    }

    /// A fetch begins. Its keys are accepted under the number that this returns.
    pub(super) fn begin(&self) -> u64 {
        self.progress.send_modify(|progress| progress.fetching = true);
        self.forgets()
    }

    /// Accepts new keys, unless their fetch began before the keys were forgotten.
    pub(super) fn keep(&self, current: KeysInUse, begun: u64) {
        self.progress.send_if_modified(|progress| {
            if progress.forgets == begun {
                self.put(Some(Arc::new(current)));
            }
            false
        });
    }

    /// Accepts keys from the disk by the rule of [`Self::keep`]. `false`: they were forgotten
    /// meanwhile.
    pub(super) fn restore(&self, current: KeysInUse, begun: u64) -> bool {
        self.progress.send_if_modified(|progress| {
            progress.restored = progress.forgets == begun;
            if progress.restored {
                self.put(Some(Arc::new(current)));
            }
            progress.restored
        })
    }

    /// The number of commands to forget the keys.
    pub(super) fn forgets(&self) -> u64 {
        self.progress.borrow().forgets
    }

    /// A fetch has ended. `false`: the keys were forgotten meanwhile, so that it does not count.
    pub(super) fn end(&self, begun: u64, cause: FetchCause, error: Option<&FetchError>) -> bool {
        let mut counts = false;
        self.progress.send_modify(|progress| {
            progress.fetching = false;
            counts = progress.forgets == begun;
            if counts {
                progress.attempts += 1;
                progress.ends.note(cause);
                progress.restored &= error.is_some();
                // An issuer that does not answer says nothing about its keys.
                if error.is_none_or(FetchError::is_about_keys) {
                    progress.refused = error.map(FetchError::refused_keys).unwrap_or_default();
                }
                progress.error = error.map(ToString::to_string);
                progress.forgotten = false;
            }
        });
        counts
    }

    pub(super) fn may_fetch(&self, progress: &FetchProgress, cause: FetchCause) -> bool {
        progress.forgotten || progress.ends.time_until_allowed(cause, self.cooldown).is_zero()
    }

    /// Must be called under the lock of `progress`. The version is written after the keys: a reader
    /// of the new version sees the new keys.
    fn put(&self, current: Option<Arc<KeysInUse>>) {
        self.current.store(current);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// The keys that fit; a denial where there are too many of them to try.
    fn look_up(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
    ) -> Result<Option<FittingKeys>, Denial> {
        match self.with_keys(|keys| keys.fitting(kid, algorithm)).flatten() {
            Some(FittingKeys::TooMany) => Err(DenyReason::KidMissing.into()),
            keys => Ok(keys),
        }
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

    fn usable(&self, current: &KeysInUse) -> bool {
        current.since.elapsed() <= current.fresh_for + self.max_stale
    }

    /// The denial for an unknown key. While the key may be younger than the known keys, the answer
    /// is pending; else the token is refused if the issuer's keys are known, and else the fault is
    /// ours.
    fn unknown(&self, progress: &FetchProgress, issued: ClaimedIssueTime) -> Denial {
        let current = self.current.load();
        match current.as_ref().filter(|now| self.usable(now)) {
            None if !self.any_usable() => Denial::for_everybody(DenyReason::KeysUnavailable),
            // The keys in place are all that are known.
            None if self.fetches => DenyReason::KeysUnavailable.into(),
            Some(now) if progress.error.is_some() && now.overdue() => {
                DenyReason::KeysUnavailable.into()
            }
            Some(now) if self.fetches && issued.may_follow(now.asked) => {
                let rest = progress.ends.time_until_allowed(FetchCause::UnknownKey, self.cooldown);
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
