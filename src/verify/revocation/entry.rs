//! One entry of the list of revocations: its id, its end on two clocks, and its form in the store.

use std::time::Duration;

use strum::VariantArray as _;
use tokio::time::Instant;

use super::{RevocationKind as Kind, RevokedSubject};
use crate::{
    digest::{Sha256, sha256_of_parts},
    shared::SetRecord,
};

/// The largest leeway an issuer may have: a token is taken for that long after its end.
const LEEWAY: Duration = Duration::from_secs(60);

/// The SHA-256 of a revoked subject: kind, issuer, id. The issuer stands in it by its `iss`, as its
/// configured name may change.
pub(super) type SubjectDigest = Sha256;

impl RevokedSubject<'_> {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Token(_) => Kind::Token,
            Self::Session(_) => Kind::Session,
            Self::User { .. } => Kind::User,
        }
    }

    pub(super) fn digest(&self, iss: &str) -> SubjectDigest {
        let (Self::Token(id) | Self::Session(id) | Self::User { id, .. }) = self;
        digest(self.kind(), iss, id)
    }
}

/// The moment at which an entry has outlived every token it can hit. Both clocks have to reach it:
/// if only the wall clock counted, setting it forward would drop an entry whose tokens are valid
/// again once it is set back.
#[derive(Debug, Clone, Copy)]
pub(super) enum EntryEnd {
    Never,
    At { wall: u64, steady: Instant },
}

impl EntryEnd {
    pub(super) fn after(keep: Duration, now: u64) -> Self {
        Self::in_time(keep.saturating_add(LEEWAY), now)
    }

    /// This long from now.
    pub(super) fn in_time(keep: Duration, now: u64) -> Self {
        match Instant::now().checked_add(keep) {
            Some(steady) => Self::At { wall: now.saturating_add(whole_seconds(keep)), steady },
            None => Self::Never,
        }
    }

    pub(super) fn is_over(self, now: u64) -> bool {
        matches!(self, Self::At { wall, steady } if now >= wall && Instant::now() >= steady)
    }

    /// How long from now, by the clock that has longer to go; `None`: it has no end.
    pub(super) fn left(self, now: u64) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::At { wall, steady } => {
                let wall = Duration::from_secs(wall.saturating_sub(now));
                Some(wall.max(steady.saturating_duration_since(Instant::now())))
            }
        }
    }

    /// The later of two on each clock: a command never shortens what another one said.
    pub(super) fn max(self, other: Self) -> Self {
        match (self, other) {
            (Self::At { wall: a, steady: b }, Self::At { wall: c, steady: d }) => {
                Self::At { wall: a.max(c), steady: b.max(d) }
            }
            (Self::Never, _) | (_, Self::Never) => Self::Never,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct RevocationEntry {
    pub(super) kind: Kind,
    /// Tokens issued before it are dead, Unix seconds.
    pub(super) not_before: u64,
    pub(super) end: EntryEnd,
    /// When it was made, by the clock of the store; 0 until that is known.
    pub(super) stamp: u64,
}

impl RevocationEntry {
    /// The entry that a record of the store means. `None`: this version does not know its kind.
    pub(super) fn of(record: &SetRecord, now: u64) -> Option<Self> {
        let kind = *Kind::VARIANTS.get(usize::from(record.kind))?;
        let end = record.left.map_or(EntryEnd::Never, |left| EntryEnd::in_time(left, now));
        let not_before = match kind {
            Kind::Token | Kind::Session => u64::MAX,
            Kind::User => record.value,
        };
        Some(Self { kind, not_before, end, stamp: record.stamp })
    }

    /// The entry as a record of the store, with this stamp.
    pub(super) fn record(&self, id: SubjectDigest, now: u64, stamp: u64) -> SetRecord {
        let value = match self.kind {
            Kind::Token | Kind::Session => 0,
            Kind::User => self.not_before,
        };
        let (kind, left) = (self.kind as u8, self.end.left(now));
        SetRecord { id, kind, value, left, stamp, removed: false }
    }

    /// The entry that two of one subject make: no command shortens what another one said.
    pub(super) fn merged(self, other: Self) -> Self {
        Self {
            kind: self.kind,
            not_before: self.not_before.max(other.not_before),
            end: self.end.max(other.end),
            stamp: self.stamp.max(other.stamp),
        }
    }
}

/// Seconds, of which a part counts as one: an end must not come too early.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// The length of the issuer stands before it: two pairs of issuer and id whose letters run together
/// alike have different digests.
pub(super) fn digest(kind: Kind, iss: &str, id: &str) -> SubjectDigest {
    sha256_of_parts([&[kind as u8][..], &iss.len().to_le_bytes(), iss.as_bytes(), id.as_bytes()])
}
