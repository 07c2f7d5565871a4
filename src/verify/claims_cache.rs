//! CachedToken claims by the SHA-256 of the whole token. Never verdicts: policy, time and key are
//! judged on each hit. One cache belongs to one configuration, so no entry outlives a reload.

use std::{mem, sync::Arc};

use quick_cache::{
    DefaultHashBuilder, Lifecycle, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use serde_json::Value;

use super::{claims::lifetime::Lifetime, identity::Identity, jwks::Key, key_ring::RingIndex};
use crate::{
    digest::{Sha256, sha256},
    metrics::Metrics,
    model::{CookieProof, IdentityFacts, heap},
    verify::outcome_label::CacheName,
};

/// SHA-256 of a whole token.
pub(super) type Fingerprint = Sha256;

/// The fingerprint of a token.
pub(super) fn fingerprint(token: &[u8]) -> Fingerprint {
    sha256(token)
}

/// A token that was verified. It stands in the table itself, so it is kept small.
#[derive(Debug, Clone)]
pub(super) struct CachedToken {
    pub(super) identity: Arc<Identity>,
    pub(super) lifetime: Lifetime,
    pub(super) ring: RingIndex,
    /// The key that verified it: an entry dies with it.
    pub(super) key: Arc<Key>,
}

/// The table's own share of an entry, in bytes: its slots, the hash map, and the hashes of evicted
/// entries.
pub(super) const TABLE_SHARE: usize = 4 * 32;
/// The reference counts; the names of the identity headers, their list, and what surrounds them
/// when they are encoded. An entry that was asked once has none of these yet.
const OVERHEAD: usize = TABLE_SHARE + 64 + 1_400;

/// The bytes that an entry takes, about.
#[derive(Debug, Clone)]
struct ClaimsWeight;

impl Weighter<Fingerprint, CachedToken> for ClaimsWeight {
    fn weight(&self, _: &Fingerprint, entry: &CachedToken) -> u64 {
        weigh(&entry.identity)
    }
}

/// The weight of an entry, in bytes. Every fact is named, so that a new one does not compile before
/// it is weighed.
pub(super) fn weigh(facts: &IdentityFacts) -> u64 {
    let IdentityFacts {
        user_id,
        issuer: _,
        auth_level: _,
        anonymous: _,
        app_id,
        app_variant,
        session_id,
        token_id,
        issued_at: _,
        roles,
        groups,
        scopes,
        elsewhere: _,
        tenant,
        cookie_proof,
        claims,
        machine: _,
        expires_at: _,
    } = facts;
    let proof = match cookie_proof {
        CookieProof::AntiCsrf(Some(text)) => text.len(),
        CookieProof::AntiCsrf(None) | CookieProof::SameOrigin => 0,
    };
    let texts = [app_id, app_variant, session_id, tenant].into_iter().flatten();
    let items = roles.iter().chain(groups).chain(scopes);
    let kept = claims.iter().map(|(_, value)| KEPT_CLAIM + heap::of_json(value)).sum::<usize>();
    let kept = kept + claims.unread_bytes();
    let heap = (1 + ENCODINGS) * (proof + kept + token_id.as_ref().map_or(0, String::len))
        + texts
            .chain([user_id])
            .map(|text| text.len() + ENCODINGS * encoded_len(text))
            .sum::<usize>()
        + items.map(|item| ITEM + item.len() + ENCODINGS * encoded_len(item)).sum::<usize>();
    let fixed = mem::size_of::<CachedToken>() + mem::size_of::<Identity>() + OVERHEAD;
    (fixed + heap) as u64
}

/// A text stands encoded in its header, and in the headers and the metadata that a door keeps.
const ENCODINGS: usize = 3;
/// An item of a list has a heap block of its own, and tags and lengths in the metadata.
const ITEM: usize = mem::size_of::<String>() + 16 + 12;

/// The bytes of a text when it is encoded for a list: three for each that does not stand for itself.
fn encoded_len(text: &str) -> usize {
    let itself = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'%' | b',');
    text.bytes().map(|byte| if itself(byte) { 1 } else { 3 }).sum()
}

/// The name and the value of a claim that is kept, without what the value points to.
const KEPT_CLAIM: usize = mem::size_of::<(Arc<str>, Value)>();
/// Counts evictions. An evicted value is dropped when the table is unlocked.
#[derive(Debug, Clone)]
pub(super) struct Evictions<V> {
    cache: CacheName,
    metrics: Arc<Metrics>,
    dropped: DefaultLifecycle<Fingerprint, V>,
}

impl<V> Lifecycle<Fingerprint, V> for Evictions<V> {
    type RequestState =
        <DefaultLifecycle<Fingerprint, V> as Lifecycle<Fingerprint, V>>::RequestState;

    fn on_evict(&self, state: &mut Self::RequestState, key: Fingerprint, value: V) {
        self.metrics.cache_evicted(self.cache);
        self.dropped.on_evict(state, key, value);
    }
}

/// A table of at most so many bytes; `None` for 0.
pub(super) fn bounded_table<V: Clone, W: Weighter<Fingerprint, V> + Clone>(
    cache: CacheName,
    bytes: u64,
    typical_entry: u64,
    weight: W,
    metrics: &Arc<Metrics>,
) -> Option<Table<V, W>> {
    let items = usize::try_from(bytes / typical_entry.max(1)).unwrap_or(usize::MAX);
    let evictions =
        Evictions { cache, metrics: metrics.clone(), dropped: DefaultLifecycle::default() };
    (bytes > 0).then(|| Cache::with(items, bytes, weight, DefaultHashBuilder::default(), evictions))
}

/// Values by the fingerprint of a token.
pub(super) type Table<V, W> = Cache<Fingerprint, V, W, DefaultHashBuilder, Evictions<V>>;

/// The cache, bounded in bytes.
#[derive(Debug)]
pub(super) struct ClaimsCache {
    entries: Option<Table<CachedToken, ClaimsWeight>>,
    metrics: Arc<Metrics>,
}

/// The weight of a small entry, in bytes: with it the number of entries is estimated.
const TYPICAL_ENTRY: u64 = 2_400;

impl ClaimsCache {
    pub(super) fn new(bytes: u64, metrics: &Arc<Metrics>) -> Self {
        let entries = bounded_table(CacheName::Claims, bytes, TYPICAL_ENTRY, ClaimsWeight, metrics);
        Self { entries, metrics: metrics.clone() }
    }

    /// The entry of this token, if it still `holds`.
    pub(super) fn get(
        &self,
        fingerprint: &Fingerprint,
        holds: impl FnOnce(&CachedToken) -> bool,
    ) -> Option<CachedToken> {
        let entries = self.entries.as_ref()?;
        let found = entries.get(fingerprint).filter(holds);
        self.metrics.cache_looked_up(CacheName::Claims, found.is_some());
        found
    }

    pub(super) fn insert(&self, fingerprint: Fingerprint, verified: CachedToken) {
        if let Some(entries) = &self.entries {
            entries.insert(fingerprint, verified);
            self.metrics.cache_inserted(CacheName::Claims);
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.entries.as_ref().map_or(0, Cache::weight)
    }
}
