//! Tokens that were refused a moment ago and would be refused again: a client that repeats an
//! expired or a forged token costs a hash and no signature.
//!
//! In: a token and the reason of its denial. Out: the reason, for the next five seconds. Only a
//! reason that cannot change while the keys stay is kept, in a small budget of its own: never a
//! fault of ours, never an unknown key, never a token that is not valid yet.

use std::{mem, sync::Arc, time::Duration};

use quick_cache::{Weighter, sync::Cache};
use tokio::time::Instant;

use super::{
    claims::lifetime::Lifetime,
    claims_cache::{Fingerprint, TABLE_SHARE, Table, bounded_table},
    key_ring::RingIndex,
};
use crate::{metrics::Metrics, model::DenyReason, verify::outcome_label::CacheName};

/// The time for which a refusal is kept.
const KEPT: Duration = Duration::from_secs(5);

/// A token that was refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct RefusedToken {
    pub(super) reason: DenyReason,
    pub(super) ring: RingIndex,
    /// The version of the keys that judged it: other keys may judge otherwise.
    pub(super) keys: u64,
    /// The time in which it would hold: an end is judged again by the clock of the hit.
    pub(super) lifetime: Lifetime,
    pub(super) until: Instant,
}

impl RefusedToken {
    pub(super) fn new(reason: DenyReason, ring: RingIndex, keys: u64, lifetime: Lifetime) -> Self {
        Self { reason, ring, keys, lifetime, until: Instant::now() + KEPT }
    }

    /// It would be refused for the same reason now.
    pub(super) fn holds(&self, keys: u64, now: u64, leeway: u64) -> bool {
        // The clock may have been set back since.
        let same = self.reason != DenyReason::TokenExpired
            || self.lifetime.check(now, leeway) == Err(DenyReason::TokenExpired);
        same && self.keys == keys && Instant::now() < self.until
    }
}

/// A token stays refused for this reason as long as keys and configuration stay.
const fn is_definitive(reason: DenyReason) -> bool {
    matches!(
        reason,
        DenyReason::SignatureInvalid
            | DenyReason::TokenExpired
            | DenyReason::AudienceMismatch
            | DenyReason::VariantRefused
            | DenyReason::TokenKindRefused
            | DenyReason::ClaimsInvalid
    )
}

/// The bytes that an entry takes, about.
const ENTRY: usize = mem::size_of::<Fingerprint>() + mem::size_of::<RefusedToken>() + TABLE_SHARE;

#[derive(Debug, Clone)]
struct RefusalWeight;

impl Weighter<Fingerprint, RefusedToken> for RefusalWeight {
    fn weight(&self, _: &Fingerprint, _: &RefusedToken) -> u64 {
        ENTRY as u64
    }
}

/// The cache, bounded in bytes.
#[derive(Debug)]
pub(super) struct RefusalCache {
    entries: Option<Table<RefusedToken, RefusalWeight>>,
    metrics: Arc<Metrics>,
}

impl RefusalCache {
    pub(super) fn new(bytes: u64, metrics: &Arc<Metrics>) -> Self {
        let entries =
            bounded_table(CacheName::Refusals, bytes, ENTRY as u64, RefusalWeight, metrics);
        Self { entries, metrics: metrics.clone() }
    }

    /// The entry of this token, if it still `holds`.
    pub(super) fn get(
        &self,
        fingerprint: &Fingerprint,
        holds: impl FnOnce(&RefusedToken) -> bool,
    ) -> Option<RefusedToken> {
        let entries = self.entries.as_ref()?;
        let found = entries.get(fingerprint).filter(holds);
        self.metrics.cache_looked_up(CacheName::Refusals, found.is_some());
        found
    }

    pub(super) fn insert(&self, fingerprint: Fingerprint, refused: RefusedToken) {
        if let Some(entries) = self.entries.as_ref().filter(|_| is_definitive(refused.reason)) {
            entries.insert(fingerprint, refused);
            self.metrics.cache_inserted(CacheName::Refusals);
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.entries.as_ref().map_or(0, Cache::weight)
    }

    /// The memory that the table takes, in bytes, as its library counts it.
    #[cfg(test)]
    pub(super) fn memory_used(&self) -> u64 {
        self.entries.as_ref().map_or(0, |entries| entries.memory_used().total() as u64)
    }
}
