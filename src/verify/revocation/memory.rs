//! The list of revocations in the memory of this process.
//!
//! In: commands. Out: an answer for each check. An empty list costs nothing; a check takes no lock.
//! Entries are digests of a fixed size and their number is limited; a full list refuses the command
//! and never drops an older entry.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use strum::{EnumCount as _, VariantArray as _};
use tokio::time::Instant;

use super::{
    RevocationCounts, RevocationKind as Kind, RevocationList, RevokeError, RevokedSubject,
    RevokingIssuer, user_of_app,
};
use crate::{
    config::Revocation as RevocationSettings,
    digest::{Sha256, sha256_of_parts},
    metrics::Metrics,
    model::IdentityFacts,
    verify::unix_time::unix_seconds,
};

/// A command replaces one of these maps, so that checks can read all of them without a lock.
const SHARDS: usize = 256;
/// The largest leeway an issuer may have: a token is taken for that long after its end.
const LEEWAY: Duration = Duration::from_secs(60);
/// A full list looks for ended entries at most this often.
const SWEEP_AGAIN: Duration = Duration::from_secs(1);

/// The SHA-256 of a revoked subject: kind, issuer, id. The issuer stands in it by its `iss`, as its
/// configured name may change.
type SubjectDigest = Sha256;

impl RevokedSubject<'_> {
    const fn kind(&self) -> Kind {
        match self {
            Self::Token(_) => Kind::Token,
            Self::Session(_) => Kind::Session,
            Self::User { .. } => Kind::User,
        }
    }

    fn digest(&self, iss: &str) -> SubjectDigest {
        let (Self::Token(id) | Self::Session(id) | Self::User { id, .. }) = self;
        digest(self.kind(), iss, id)
    }
}

/// The moment at which an entry has outlived every token it can hit. Both clocks have to reach it:
/// if only the wall clock counted, setting it forward would drop an entry whose tokens are valid
/// again once it is set back.
#[derive(Debug, Clone, Copy)]
enum EntryEnd {
    Never,
    At { wall: u64, steady: Instant },
}

impl EntryEnd {
    fn after(keep: Duration, now: u64) -> Self {
        let keep = keep.saturating_add(LEEWAY);
        match Instant::now().checked_add(keep) {
            Some(steady) => Self::At { wall: now.saturating_add(keep.as_secs()), steady },
            None => Self::Never,
        }
    }

    fn is_over(self, now: u64) -> bool {
        matches!(self, Self::At { wall, steady } if now >= wall && Instant::now() >= steady)
    }

    /// The later of two on each clock: a command never shortens what another one said.
    fn max(self, other: Self) -> Self {
        match (self, other) {
            (Self::At { wall: a, steady: b }, Self::At { wall: c, steady: d }) => {
                Self::At { wall: a.max(c), steady: b.max(d) }
            }
            (Self::Never, _) | (_, Self::Never) => Self::Never,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct RevocationEntry {
    kind: Kind,
    /// Tokens issued before it are dead, Unix seconds.
    not_before: u64,
    end: EntryEnd,
}

type Shard = HashMap<SubjectDigest, RevocationEntry>;

/// The list of revocations in memory.
#[derive(Debug)]
pub struct MemoryRevocations {
    shards: Box<[ArcSwap<Shard>]>,
    /// The number of entries of each kind: a kind with none is not looked up.
    counts: [AtomicUsize; Kind::COUNT],
    max_entries: usize,
    max_ttl: Duration,
    /// Held by commands, never by checks. The time of the last look for ended entries.
    writing: Mutex<Option<Instant>>,
    metrics: Arc<Metrics>,
}

impl MemoryRevocations {
    /// An empty list.
    #[must_use]
    pub fn new(settings: &RevocationSettings, metrics: &Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            shards: (0..SHARDS).map(|_| ArcSwap::from_pointee(Shard::new())).collect(),
            counts: Default::default(),
            max_entries: settings.max_entries,
            max_ttl: settings.max_ttl.get(),
            writing: Mutex::new(None),
            metrics: metrics.clone(),
        })
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
        let entry = known.map_or(entry, |known| RevocationEntry {
            not_before: known.not_before.max(entry.not_before),
            end: known.end.max(entry.end),
            ..entry
        });
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
                (subject.digest(issuer.iss), RevocationEntry { kind, not_before, end })
            })
            .collect();
        let mut swept = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let new = entries.iter().filter(|(digest, _)| !self.holds(digest)).count();
        if self.total() + new > self.max_entries
            && swept.is_none_or(|at| at.elapsed() >= SWEEP_AGAIN)
        {
            self.drop_ended(now);
            *swept = Some(Instant::now());
        }
        if self.total() + new > self.max_entries {
            return Err(RevokeError::Full(self.max_entries));
        }
        for (digest, entry) in entries {
            self.put(digest, entry);
        }
        drop(swept);
        Ok(new)
    }

    fn restore(&self, issuers: &[RevokingIssuer<'_>], subject: RevokedSubject<'_>) -> usize {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = issuers.iter().filter(|issuer| self.take(&subject.digest(issuer.iss)));
        taken.count()
    }

    fn sweep(&self, now: SystemTime) {
        if self.total() > 0 {
            let mut swept = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            self.drop_ended(unix_seconds(now));
            *swept = Some(Instant::now());
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

/// The length of the issuer stands before it: two pairs of issuer and id whose letters run together
/// alike have different digests.
fn digest(kind: Kind, iss: &str, id: &str) -> SubjectDigest {
    sha256_of_parts([&[kind as u8][..], &iss.len().to_le_bytes(), iss.as_bytes(), id.as_bytes()])
}
