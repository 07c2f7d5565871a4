//! The list of revocations in the memory of this process.
//!
//! In: commands. Out: an answer for each check. An empty list costs nothing; a check takes no lock.
//! Entries are digests of a fixed size and their number is limited; a full list refuses the command
//! and never drops an older entry.
//!
//! A replicated list also notes what its store does not have yet, and takes what other replicas have
//! put there.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use strum::{EnumCount as _, VariantArray as _};
use tokio::{sync::Notify, time::Instant};

use super::{
    RevocationCounts, RevocationKind as Kind, RevocationList, RevokeError, RevokedSubject,
    RevokingIssuer,
    entry::{EntryEnd, RevocationEntry, SubjectDigest, digest},
    journal::{Journal, Removed, Unsent},
    user_of_app,
};
use crate::{
    config::Revocation as RevocationSettings, metrics::Metrics, model::IdentityFacts,
    shared::SetRecord, verify::unix_time::unix_seconds,
};

/// A command replaces one of these maps, so that checks can read all of them without a lock.
const SHARDS: usize = 256;
/// A full list looks for ended entries at most this often.
const SWEEP_AGAIN: Duration = Duration::from_secs(1);

type Shard = HashMap<SubjectDigest, RevocationEntry>;

/// The list of revocations in memory.
#[derive(Debug)]
pub struct MemoryRevocations {
    shards: Box<[ArcSwap<Shard>]>,
    /// The number of entries of each kind: a kind with none is not looked up.
    counts: [AtomicUsize; Kind::COUNT],
    max_entries: usize,
    max_ttl: Duration,
    /// Held by commands, never by checks.
    writing: Mutex<Writing>,
    /// A command of this process has come, by whichever way.
    commanded: Notify,
    /// The list of the other replicas has to be read first.
    awaits_others: AtomicBool,
    metrics: Arc<Metrics>,
}

/// The state that commands and sweeps need beside the entries.
#[derive(Debug, Default)]
struct Writing {
    /// The time of the last look for ended entries.
    swept: Option<Instant>,
    /// Of a replicated list: what the store does not have, and what was taken back.
    journal: Option<Journal>,
}

impl MemoryRevocations {
    /// An empty list of this process alone.
    #[must_use]
    pub fn new(settings: &RevocationSettings, metrics: &Arc<Metrics>) -> Arc<Self> {
        Self::with(settings, metrics, None)
    }

    /// An empty list that other replicas are to have too.
    #[must_use]
    pub fn replicated(settings: &RevocationSettings, metrics: &Arc<Metrics>) -> Arc<Self> {
        Self::with(settings, metrics, Some(Journal::default()))
    }

    fn with(
        settings: &RevocationSettings,
        metrics: &Arc<Metrics>,
        journal: Option<Journal>,
    ) -> Arc<Self> {
        Arc::new(Self {
            shards: (0..SHARDS).map(|_| ArcSwap::from_pointee(Shard::new())).collect(),
            counts: Default::default(),
            max_entries: settings.max_entries,
            max_ttl: settings.max_ttl.get(),
            writing: Mutex::new(Writing { swept: None, journal }),
            commanded: Notify::new(),
            awaits_others: AtomicBool::new(false),
            metrics: metrics.clone(),
        })
    }

    /// From now on nobody is told that a token is not revoked, until the list has what others have.
    pub(super) fn await_others(&self) {
        self.awaits_others.store(true, Ordering::Release);
    }

    /// The list has what the others have.
    pub(super) fn has_others(&self) {
        self.awaits_others.store(false, Ordering::Release);
    }

    /// Waits until this process revokes something.
    pub(super) async fn commanded(&self) {
        self.commanded.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops ended entries if so many new ones have no room, unless that was done just now.
    fn make_room(&self, writing: &mut Writing, new: usize, now: u64) {
        let again = writing.swept.is_none_or(|at| at.elapsed() >= SWEEP_AGAIN);
        if self.total() + new > self.max_entries && again {
            self.drop_ended(now);
            writing.swept = Some(Instant::now());
        }
    }

    fn find(&self, kind: Kind, iss: &str, id: &str, now: u64) -> Option<RevocationEntry> {
        if self.count(kind) == 0 {
            return None;
        }
        let digest = digest(kind, iss, id);
        let entry = self.shard(&digest)?.load().get(&digest).copied()?;
        (!entry.end.is_over(now)).then_some(entry)
    }

    fn count(&self, kind: Kind) -> usize {
        self.counts.get(kind as usize).map_or(0, |count| count.load(Ordering::Acquire))
    }

    fn total(&self) -> usize {
        Kind::VARIANTS.iter().map(|kind| self.count(*kind)).sum()
    }

    fn shard(&self, digest: &SubjectDigest) -> Option<&ArcSwap<Shard>> {
        self.shards.get(usize::from(digest[0]))
    }

    fn holds(&self, digest: &SubjectDigest) -> bool {
        self.shard(digest).is_some_and(|shard| shard.load().contains_key(digest))
    }

    fn put(&self, digest: SubjectDigest, entry: RevocationEntry) {
        let Some(shard) = self.shard(&digest) else { return };
        let mut map = Shard::clone(&shard.load());
        let known = map.get(&digest).copied();
        let entry = known.map_or(entry, |known| known.merged(entry));
        map.insert(digest, entry);
        shard.store(Arc::new(map));
        if known.is_none() {
            // After the map: a check that sees the number finds the entry.
            self.counted(entry.kind, 1, 0);
        }
    }

    fn take(&self, digest: &SubjectDigest) -> bool {
        let Some(shard) = self.shard(digest) else { return false };
        let mut map = Shard::clone(&shard.load());
        let Some(entry) = map.remove(digest) else { return false };
        shard.store(Arc::new(map));
        self.counted(entry.kind, 0, 1);
        true
    }

    fn drop_ended(&self, now: u64) {
        for shard in &self.shards {
            let map = shard.load_full();
            if !map.values().any(|entry| entry.end.is_over(now)) {
                continue;
            }
            let (ended, rest): (Vec<_>, Shard) = {
                let mut rest = Shard::clone(&map);
                let ended = rest.extract_if(|_, entry| entry.end.is_over(now)).collect();
                rest.shrink_to_fit();
                (ended, rest)
            };
            shard.store(Arc::new(rest));
            for (_, entry) in ended {
                self.counted(entry.kind, 0, 1);
            }
        }
    }

    /// Counts. Only commands and sweeps call it, one at a time.
    fn counted(&self, kind: Kind, more: usize, fewer: usize) {
        let Some(count) = self.counts.get(kind as usize) else { return };
        let now = (count.load(Ordering::Acquire) + more).saturating_sub(fewer);
        count.store(now, Ordering::Release);
        self.metrics.revocations(kind, now);
    }
}

impl RevocationList for MemoryRevocations {
    fn is_known(&self) -> bool {
        !self.awaits_others.load(Ordering::Acquire)
    }

    fn hits(&self, iss: &str, identity: &IdentityFacts, now: u64) -> bool {
        let find = |kind, id: &str| self.find(kind, iss, id, now);
        let by_id =
            |kind, id: &Option<String>| id.as_deref().is_some_and(|id| find(kind, id).is_some());
        let too_old =
            |entry: RevocationEntry| identity.issued_at.is_none_or(|at| at < entry.not_before);
        by_id(Kind::Token, &identity.token_id)
            || by_id(Kind::Session, &identity.session_id)
            || find(Kind::User, &identity.user_id).is_some_and(too_old)
            || self.count(Kind::User) > 0
                && identity.app_id.as_deref().is_some_and(|app| {
                    find(Kind::User, &user_of_app(app, &identity.user_id)).is_some_and(too_old)
                })
    }

    fn revoke(
        &self,
        issuers: &[RevokingIssuer<'_>],
        subject: RevokedSubject<'_>,
        keep: Option<Duration>,
        now: u64,
    ) -> Result<usize, RevokeError> {
        if keep.is_some_and(|keep| keep > self.max_ttl) {
            return Err(RevokeError::TooLong(self.max_ttl));
        }
        let kind = subject.kind();
        let not_before = match subject {
            RevokedSubject::User { not_before, .. } => not_before,
            RevokedSubject::Token(_) | RevokedSubject::Session(_) => u64::MAX,
        };
        let entries: Vec<(SubjectDigest, RevocationEntry)> = issuers
            .iter()
            .map(|issuer| {
                let end = match keep {
                    None if issuer.takes_endless_tokens => EntryEnd::Never,
                    keep => EntryEnd::after(keep.unwrap_or(self.max_ttl), now),
                };
                (subject.digest(issuer.iss), RevocationEntry { kind, not_before, end, stamp: 0 })
            })
            .collect();
        let mut writing = self.lock();
        let new = entries.iter().filter(|(digest, _)| !self.holds(digest)).count();
        self.make_room(&mut writing, new, now);
        if self.total() + new > self.max_entries {
            return Err(RevokeError::Full(self.max_entries));
        }
        for (digest, entry) in entries {
            self.put(digest, entry);
            if let Some(journal) = &mut writing.journal {
                journal.revoked(digest);
            }
        }
        drop(writing);
        self.commanded.notify_one();
        Ok(new)
    }

    fn restore(&self, issuers: &[RevokingIssuer<'_>], subject: RevokedSubject<'_>) -> usize {
        let _writing = self.lock();
        let taken = issuers.iter().filter(|issuer| self.take(&subject.digest(issuer.iss)));
        taken.count()
    }

    fn sweep(&self, now: SystemTime) {
        if self.total() > 0 {
            let mut writing = self.lock();
            self.drop_ended(unix_seconds(now));
            writing.swept = Some(Instant::now());
        }
        if let Some(journal) = &mut self.lock().journal {
            journal.drop_ended(unix_seconds(now));
        }
    }

    fn counts(&self) -> RevocationCounts {
        RevocationCounts {
            tokens: self.count(Kind::Token),
            sessions: self.count(Kind::Session),
            users: self.count(Kind::User),
            max_entries: self.max_entries,
        }
    }
}

/// The part of a list that its store sees.
impl MemoryRevocations {
    /// The number of commands that the store does not have.
    pub(super) fn unsent_count(&self) -> usize {
        self.lock().journal.as_ref().map_or(0, Journal::unsent_count)
    }

    /// At most this many commands that the store does not have, as records.
    pub(super) fn unsent(&self, most: usize, now: u64) -> Vec<Unsent> {
        let mut writing = self.lock();
        let Some(journal) = &mut writing.journal else { return Vec::new() };
        // An entry that has ended since has nobody to tell.
        journal.take_unsent(most, |id| Some(self.entry(id)?.record(*id, now, 0)))
    }

    /// The store has these now.
    pub(super) fn sent(&self, sent: &[Unsent]) {
        if let Some(journal) = &mut self.lock().journal {
            journal.sent(sent);
        }
    }

    /// The entries of a subject as records that take them back.
    pub(super) fn to_take_back(
        &self,
        issuers: &[RevokingIssuer<'_>],
        subject: RevokedSubject<'_>,
        now: u64,
    ) -> Vec<SetRecord> {
        let ids = issuers.iter().map(|issuer| subject.digest(issuer.iss));
        let record = |id: SubjectDigest| {
            Some(SetRecord { removed: true, ..self.entry(&id)?.record(id, now, 0) })
        };
        ids.filter_map(record).collect()
    }

    /// Takes what other replicas have put into the store. Returns the number of revocations that
    /// found no room.
    pub(super) fn apply(&self, records: &[SetRecord], now: u64) -> usize {
        let mut writing = self.lock();
        self.make_room(&mut writing, records.len(), now);
        let Writing { journal: Some(journal), .. } = &mut *writing else { return 0 };
        let mut room = self.max_entries.saturating_sub(self.total());
        let (mut left_out, mut by_shard) = (0, BTreeMap::<u8, Vec<&SetRecord>>::new());
        for record in records {
            by_shard.entry(record.id[0]).or_default().push(record);
        }
        for (index, records) in by_shard {
            let Some(shard) = self.shards.get(usize::from(index)) else { continue };
            let mut map = Shard::clone(&shard.load());
            let mut counted = [(0, 0); Kind::COUNT];
            for record in records {
                let is_new = !map.contains_key(&record.id);
                if !record.removed && is_new && room == 0 {
                    left_out += 1;
                    continue;
                }
                let (more, fewer) = apply_one(&mut map, journal, record, (now, self.max_entries));
                room = (room + fewer).saturating_sub(more);
                if let Some(count) = counted.get_mut(usize::from(record.kind)) {
                    *count = (count.0 + more, count.1 + fewer);
                }
            }
            shard.store(Arc::new(map));
            for (kind, (more, fewer)) in Kind::VARIANTS.iter().zip(counted) {
                self.counted(*kind, more, fewer);
            }
        }
        left_out
    }

    /// All that this list knows of one of its parts, as records: what is revoked, and what was taken
    /// back. Parts are numbered from 0 to 255.
    pub(super) fn part(&self, index: u8, now: u64) -> Vec<SetRecord> {
        let writing = self.lock();
        let Some(shard) = self.shards.get(usize::from(index)) else { return Vec::new() };
        let map = shard.load();
        let live = map.iter().filter(|(_, entry)| !entry.end.is_over(now));
        let mut all: Vec<SetRecord> =
            live.map(|(id, entry)| entry.record(*id, now, entry.stamp)).collect();
        if let Some(journal) = &writing.journal {
            all.extend(journal.removed_of(index, now));
        }
        all
    }

    fn entry(&self, digest: &SubjectDigest) -> Option<RevocationEntry> {
        self.shard(digest)?.load().get(digest).copied()
    }
}

/// Takes one record. Returns the number of new entries and of those that are gone.
fn apply_one(
    map: &mut Shard,
    journal: &mut Journal,
    record: &SetRecord,
    (now, max_entries): (u64, usize),
) -> (usize, usize) {
    // A kind that this version does not know is one that it cannot judge.
    let Some(entry) = RevocationEntry::of(record, now) else { return (0, 0) };
    if !record.removed {
        if entry.end.is_over(now) || !journal.revoked_by_store(&record.id, record.stamp) {
            return (0, 0);
        }
        let known = map.get(&record.id).copied();
        map.insert(record.id, known.map_or(entry, |known| known.merged(entry)));
        return (usize::from(known.is_none()), 0);
    }
    // A command of this replica that the store does not have yet is the later one.
    let is_older = |known: &RevocationEntry| known.stamp >= record.stamp;
    if journal.is_unsent(&record.id) || map.get(&record.id).is_some_and(is_older) {
        return (0, 0);
    }
    let removed = Removed { kind: entry.kind, stamp: entry.stamp, end: entry.end };
    journal.taken_back(record.id, removed, max_entries);
    (0, usize::from(map.remove(&record.id).is_some()))
}
