//! What is withdrawn before its time: tokens by `jti`, sessions, or everything a user was issued
//! before some moment.
//!
//! In: an operator's command. Out: for each verified identity, whether it is withdrawn. The list
//! is asked on every check, so it costs nothing while it is empty and takes no lock while it is
//! not. It is state, not configuration: a reload keeps it. Entries are digests of a fixed size
//! and their number is bounded; a full list refuses the command and never drops an older entry.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use strum::{EnumCount as _, VariantArray as _};
use tokio::time::Instant;

use crate::{
    config::Revocation as Settings,
    digest::{Sha256, sha256_of_parts},
    metrics::{Metrics, RevocationKind as Kind},
    model::IdentityFacts,
};

/// A command replaces one of these maps, so that checks can read all of them without a lock.
const SHARDS: usize = 256;
/// The largest leeway an issuer may have: a token is taken for that long after its end.
const LEEWAY: Duration = Duration::from_secs(60);
/// A full list looks for ended entries at most this often.
const SWEEP_AGAIN: Duration = Duration::from_secs(1);

/// SHA-256 of what is withdrawn: kind, issuer, id. The issuer by its `iss`, which its tokens keep
/// whatever it is called here.
type Digest = Sha256;

/// What a command withdraws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The token with this `jti`.
    Token(&'a str),
    /// Every token of this session.
    Session(&'a str),
    /// Every token of this user that was issued before the time (Unix seconds), or does not say
    /// when.
    User {
        /// The user id.
        id: &'a str,
        /// The first second whose tokens are good again.
        not_before: u64,
    },
}

impl Subject<'_> {
    const fn kind(&self) -> Kind {
        match self {
            Self::Token(_) => Kind::Token,
            Self::Session(_) => Kind::Session,
            Self::User { .. } => Kind::User,
        }
    }

    fn digest(&self, iss: &str) -> Digest {
        let (Self::Token(id) | Self::Session(id) | Self::User { id, .. }) = self;
        digest(self.kind(), iss, id)
    }
}

/// Why a command did not withdraw anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevokeError {
    /// No issuer has this name.
    IssuerUnknown,
    /// It was to be kept longer than `revocation.max_ttl`.
    TooLong(Duration),
    /// The list holds `revocation.max_entries` already.
    Full(usize),
}

impl std::fmt::Display for RevokeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::IssuerUnknown => f.write_str("no configured issuer has this name"),
            Self::TooLong(most) => {
                let most = humantime::format_duration(*most);
                write!(f, "longer than revocation.max_ttl ({most}); raise that setting")
            }
            Self::Full(most) => {
                write!(f, "the list is full, nothing was revoked: revocation.max_entries is {most}")
            }
        }
    }
}

impl std::error::Error for RevokeError {}

/// When an entry has outlived every token it can hit. Both clocks have to say so: the wall clock
/// may be stepped, and a token that comes back to life by that must not be forgotten.
#[derive(Debug, Clone, Copy)]
enum End {
    Never,
    At { wall: u64, steady: Instant },
}

impl End {
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
struct Entry {
    kind: Kind,
    /// Tokens issued before it are dead, Unix seconds.
    not_before: u64,
    end: End,
}

type Shard = HashMap<Digest, Entry>;

/// Everything that is withdrawn.
#[derive(Debug)]
pub struct Revocations {
    shards: Box<[ArcSwap<Shard>]>,
    /// Entries of each kind: what is zero is not looked for.
    counts: [AtomicUsize; Kind::COUNT],
    max_entries: usize,
    max_ttl: Duration,
    /// Held by commands, never by checks; since when the last look for ended entries.
    writing: Mutex<Option<Instant>>,
    metrics: Arc<Metrics>,
}

/// How many entries there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct RevocationCounts {
    /// Tokens by `jti`.
    pub tokens: usize,
    /// Sessions.
    pub sessions: usize,
    /// Users with a time.
    pub users: usize,
    /// The most entries of all kinds together.
    pub max_entries: usize,
}

impl Revocations {
    /// An empty list.
    #[must_use]
    pub fn new(settings: &Settings, metrics: &Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            shards: (0..SHARDS).map(|_| ArcSwap::from_pointee(Shard::new())).collect(),
            counts: Default::default(),
            max_entries: settings.max_entries,
            max_ttl: settings.max_ttl.get(),
            writing: Mutex::new(None),
            metrics: metrics.clone(),
        })
    }

    /// This identity of the issuer with this `iss` is withdrawn.
    pub(super) fn hits(&self, iss: &str, who: &IdentityFacts, now: u64) -> bool {
        let find = |kind, id: &str| self.find(kind, iss, id, now);
        let by_id =
            |kind, id: &Option<String>| id.as_deref().is_some_and(|id| find(kind, id).is_some());
        let too_old = |entry: Entry| who.issued_at.is_none_or(|at| at < entry.not_before);
        by_id(Kind::Token, &who.token_id)
            || by_id(Kind::Session, &who.session_id)
            || find(Kind::User, &who.user_id).is_some_and(too_old)
    }

    fn find(&self, kind: Kind, iss: &str, id: &str, now: u64) -> Option<Entry> {
        if self.count(kind) == 0 {
            return None;
        }
        let digest = digest(kind, iss, id);
        let entry = self.shard(&digest)?.load().get(&digest).copied()?;
        (!entry.end.is_over(now)).then_some(entry)
    }

    /// Withdraws the subject at each of these issuers (their `iss`), or at none of them if there is
    /// no room.
    /// `keep` is how long from now; without it, for as long as a token of the issuer can live
    /// (`true`: without an end). Tells whether anything was not withdrawn before.
    pub(super) fn revoke(
        &self,
        issuers: &[(&str, bool)],
        subject: Subject<'_>,
        keep: Option<Duration>,
        now: u64,
    ) -> Result<usize, RevokeError> {
        if keep.is_some_and(|keep| keep > self.max_ttl) {
            return Err(RevokeError::TooLong(self.max_ttl));
        }
        let kind = subject.kind();
        let not_before = match subject {
            Subject::User { not_before, .. } => not_before,
            Subject::Token(_) | Subject::Session(_) => u64::MAX,
        };
        let entries: Vec<(Digest, Entry)> = issuers
            .iter()
            .map(|(iss, endless)| {
                let end = match keep {
                    None if *endless => End::Never,
                    keep => End::after(keep.unwrap_or(self.max_ttl), now),
                };
                (subject.digest(iss), Entry { kind, not_before, end })
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

    /// Takes a command back. Tells how many entries that were.
    pub(super) fn restore(&self, issuers: &[(&str, bool)], subject: Subject<'_>) -> usize {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = issuers.iter().filter(|(iss, _)| self.take(&subject.digest(iss)));
        taken.count()
    }

    /// Drops what has outlived every token it could hit. To be called now and then.
    pub fn sweep(&self, now: std::time::SystemTime) {
        if self.total() > 0 {
            let mut swept = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            self.drop_ended(super::unix_seconds(now));
            *swept = Some(Instant::now());
        }
    }

    /// How many entries there are.
    #[must_use]
    pub fn counts(&self) -> RevocationCounts {
        RevocationCounts {
            tokens: self.count(Kind::Token),
            sessions: self.count(Kind::Session),
            users: self.count(Kind::User),
            max_entries: self.max_entries,
        }
    }

    fn count(&self, kind: Kind) -> usize {
        self.counts.get(kind as usize).map_or(0, |count| count.load(Ordering::Acquire))
    }

    fn total(&self) -> usize {
        Kind::VARIANTS.iter().map(|kind| self.count(*kind)).sum()
    }

    fn shard(&self, digest: &Digest) -> Option<&ArcSwap<Shard>> {
        self.shards.get(usize::from(digest[0]))
    }

    fn holds(&self, digest: &Digest) -> bool {
        self.shard(digest).is_some_and(|shard| shard.load().contains_key(digest))
    }

    fn put(&self, digest: Digest, entry: Entry) {
        let Some(shard) = self.shard(&digest) else { return };
        let mut map = Shard::clone(&shard.load());
        let known = map.get(&digest).copied();
        let entry = known.map_or(entry, |known| Entry {
            not_before: known.not_before.max(entry.not_before),
            end: known.end.max(entry.end),
            ..entry
        });
        map.insert(digest, entry);
        shard.store(Arc::new(map));
        if known.is_none() {
            // After the map: whoever sees the number finds the entry.
            self.counted(entry.kind, 1, 0);
        }
    }

    fn take(&self, digest: &Digest) -> bool {
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

    /// Only commands and sweeps get here, one at a time.
    fn counted(&self, kind: Kind, more: usize, fewer: usize) {
        let Some(count) = self.counts.get(kind as usize) else { return };
        let now = (count.load(Ordering::Acquire) + more).saturating_sub(fewer);
        count.store(now, Ordering::Release);
        self.metrics.revocations(kind, now);
    }
}

/// Length-safe: an issuer and an id that share their letters differently differ.
fn digest(kind: Kind, iss: &str, id: &str) -> Digest {
    sha256_of_parts([&[kind as u8][..], &iss.len().to_le_bytes(), iss.as_bytes(), id.as_bytes()])
}
