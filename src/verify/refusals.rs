//! Tokens that were refused a moment ago and would be again: a client that repeats an expired
//! token, or a forged one, costs a hash and no signature.
//!
//! Only what cannot turn good while the keys stay is kept, for seconds, in a small budget of its
//! own: never a fault of ours, never an unknown key, never a token that is not valid yet.

use std::{mem, sync::Arc, time::Duration};

use quick_cache::{Weighter, sync::Cache};
use tokio::time::Instant;

use super::{
    cache::{Fingerprint, TABLE_SHARE, Table, bounded},
    claims::lifetime::Lifetime,
};
use crate::{
    metrics::{CacheName, Metrics},
    model::{DenyReason, IssuerIndex},
};

/// How long a refusal is kept.
const KEPT: Duration = Duration::from_secs(5);

/// A token that was refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused {
    pub(super) reason: DenyReason,
    /// The place of the issuer in the configuration.
    pub(super) issuer: IssuerIndex,
    /// Which keys it was judged by: other keys may judge otherwise.
    pub(super) keys: u64,
    /// From when until when it would hold: an end is judged again by the clock of the hit.
    pub(super) lifetime: Lifetime,
    pub(super) until: Instant,
}

impl Refused {
    pub(super) fn new(
        reason: DenyReason,
        issuer: IssuerIndex,
        keys: u64,
        lifetime: Lifetime,
    ) -> Self {
        Self { reason, issuer, keys, lifetime, until: Instant::now() + KEPT }
    }

    /// It would be refused for the same reason now.
    pub(super) fn holds(&self, keys: u64, now: u64, leeway: u64) -> bool {
        // The clock may have been set back since.
        let same = self.reason != DenyReason::TokenExpired
            || self.lifetime.check(now, leeway) == Err(DenyReason::TokenExpired);
        same && self.keys == keys && Instant::now() < self.until
    }
}

/// What stays true of a token for as long as keys and configuration do.
const fn definitive(reason: DenyReason) -> bool {
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

/// What an entry takes, about.
const ENTRY: usize = mem::size_of::<Fingerprint>() + mem::size_of::<Refused>() + TABLE_SHARE;

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Fingerprint, Refused> for Weight {
    fn weight(&self, _: &Fingerprint, _: &Refused) -> u64 {
        ENTRY as u64
    }
}

/// The cache, bounded in bytes.
#[derive(Debug)]
pub(super) struct Refusals {
    entries: Option<Table<Refused, Weight>>,
    metrics: Arc<Metrics>,
}

impl Refusals {
    pub(super) fn new(bytes: u64, metrics: &Arc<Metrics>) -> Self {
        let entries = bounded(CacheName::Refusals, bytes, ENTRY as u64, Weight, metrics);
        Self { entries, metrics: metrics.clone() }
    }

    /// What is known of this token, if it still holds.
    pub(super) fn get(
        &self,
        fingerprint: &Fingerprint,
        holds: impl FnOnce(&Refused) -> bool,
    ) -> Option<Refused> {
        let entries = self.entries.as_ref()?;
        let found = entries.get(fingerprint).filter(holds);
        self.metrics.cache_looked_up(CacheName::Refusals, found.is_some());
        found
    }

    pub(super) fn insert(&self, fingerprint: Fingerprint, refused: Refused) {
        if let Some(entries) = self.entries.as_ref().filter(|_| definitive(refused.reason)) {
            entries.insert(fingerprint, refused);
            self.metrics.cache_inserted(CacheName::Refusals);
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.entries.as_ref().map_or(0, Cache::weight)
    }

    /// What the table has taken, by its library's account.
    #[cfg(test)]
    pub(super) fn memory_used(&self) -> u64 {
        self.entries.as_ref().map_or(0, |entries| entries.memory_used().total() as u64)
    }
}
