//! The state of one issuer's keys: the set in use, the progress of fetching, and the summary of both
//! for `/status`.

use std::time::{Duration, SystemTime};

use serde::Serialize;
use tokio::time::Instant;

use super::{
    fetch_budget::FetchEnds,
    jwks::{KeyName, KeySet, RefusedKey},
};

/// A fetched key set and the time for which it is good.
#[derive(Debug)]
pub(super) struct KeysInUse {
    pub(super) set: KeySet,
    /// The moment it came into this process. Its age does not follow a wall clock that is set.
    pub(super) since: Instant,
    /// The moment the fetch began: keys that the issuer published later may be missing.
    pub(super) asked: Instant,
    pub(super) fetched_at: SystemTime,
    pub(super) fresh_for: Duration,
    /// It came from the issuer itself, not from a copy elsewhere.
    pub(super) own: bool,
}

impl KeysInUse {
    pub(super) fn overdue(&self) -> bool {
        // A tenth more than planned, for the jitter and the fetch itself.
        self.since.elapsed() > self.fresh_for + self.fresh_for / 10
    }
}

/// The progress of fetching.
#[derive(Debug, Clone, Default)]
pub(super) struct FetchProgress {
    pub(super) attempts: u64,
    pub(super) fetching: bool,
    pub(super) ends: FetchEnds,
    pub(super) error: Option<String>,
    /// The keys of the last document, where none of them could be used.
    pub(super) refused: Vec<RefusedKey>,
    /// The number of commands to forget the keys. A fetch that began before the last one is void.
    pub(super) forgets: u64,
    /// The value of `forgets` in the store that this one replaced, at the time of the replacement.
    pub(super) followed: u64,
    /// The keys were forgotten, and no fetch that began later has ended.
    pub(super) forgotten: bool,
    /// The keys in use came from the disk, and none have come from the issuer yet.
    pub(super) restored: bool,
    /// The reason why the copy on disk could not be used or written, if it could not.
    pub(super) snapshot_error: Option<String>,
}

impl FetchProgress {
    /// The keys in use are not the issuer's latest good answer.
    pub(super) const fn stale(&self) -> bool {
        self.error.is_some() || self.forgotten || self.restored
    }
}

/// The state of an issuer's keys, for `/status`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct KeyStatus {
    /// The number of keys in use.
    pub usable: usize,
    /// Name and algorithms of each key in use.
    pub keys: Vec<KeyName>,
    /// Each key of the last document that is not used, with the reason; also where none of them
    /// could be used, so that an older set stays in use.
    pub refused: Vec<RefusedKey>,
    /// Seconds since the keys came; absent before the first time.
    pub age_seconds: Option<u64>,
    /// The keys should have been renewed by now.
    pub overdue: bool,
    /// The keys in use are not the issuer's latest good answer: a fetch failed, the keys come from
    /// the disk, or they were forgotten.
    pub stale: bool,
    /// The number of fetches since the start.
    pub attempts: u64,
    /// The reason why the last fetch failed, if it did.
    pub last_error: Option<String>,
    /// The reason why the copy of the keys on the disk could not be used or written, until it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_error: Option<String>,
}
