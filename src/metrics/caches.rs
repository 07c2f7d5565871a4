//! The caches of tokens: what they know, what they take and give up, how large they are.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use super::Metrics;

/// A cache of the verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum CacheName {
    /// Verified claims.
    Claims,
    /// Tokens that were refused a moment ago.
    Refusals,
}

impl CacheName {
    const ALL: [Self; 2] = [Self::Claims, Self::Refusals];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::Refusals => "refusals",
        }
    }
}

/// The handles of one cache.
struct Cache {
    hits: Counter,
    misses: Counter,
    insertions: Counter,
    evictions: Counter,
    bytes: Gauge,
}

/// The handles of this file.
pub(super) struct Handles([Cache; CacheName::ALL.len()]);

impl Handles {
    pub(super) fn register() -> Self {
        Self(CacheName::ALL.map(|name| {
            let lookups = |result: &'static str| {
                counter!("rownd_authz_cache_lookups_total",
                    "cache" => name.as_str(), "result" => result)
            };
            Cache {
                hits: lookups("hit"),
                misses: lookups("miss"),
                insertions: counter!("rownd_authz_cache_insertions_total", "cache" => name.as_str()),
                evictions: counter!("rownd_authz_cache_evictions_total", "cache" => name.as_str()),
                bytes: gauge!("rownd_authz_cache_bytes", "cache" => name.as_str()),
            }
        }))
    }

    fn of(&self, name: CacheName) -> &Cache {
        let [claims, refusals] = &self.0;
        match name {
            CacheName::Claims => claims,
            CacheName::Refusals => refusals,
        }
    }
}

pub(super) fn describe() {
    describe_counter!(
        "rownd_authz_cache_lookups_total",
        "Tokens a cache was asked for, by cache and result."
    );
    describe_counter!("rownd_authz_cache_insertions_total", "Entries a cache took.");
    describe_counter!(
        "rownd_authz_cache_evictions_total",
        "Entries a cache gave up for want of room."
    );
    describe_gauge!("rownd_authz_cache_bytes", "What a cache holds, by its own account.");
}

impl Metrics {
    /// A cache was asked for a token.
    pub fn cache_looked_up(&self, cache: CacheName, hit: bool) {
        let cache = self.caches.of(cache);
        if hit { &cache.hits } else { &cache.misses }.increment(1);
    }

    /// A cache took an entry.
    pub fn cache_inserted(&self, cache: CacheName) {
        self.caches.of(cache).insertions.increment(1);
    }

    /// A cache gave an entry up for want of room.
    pub fn cache_evicted(&self, cache: CacheName) {
        self.caches.of(cache).evictions.increment(1);
    }

    /// What a cache holds, in bytes by its own account.
    pub fn cache_size(&self, cache: CacheName, bytes: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a size for people")]
        self.caches.of(cache).bytes.set(bytes as f64);
    }
}
