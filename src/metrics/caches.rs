//! The caches of tokens: lookups, insertions, evictions and size.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
};

/// The series of one cache.
struct OneCache {
    hits: Counter,
    misses: Counter,
    insertions: Counter,
    evictions: Counter,
    bytes: Gauge,
}

/// The series of this file.
pub(super) struct CacheSeries(ByLabel<OneCache>);

impl CacheSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_counter!(
            "rownd_authz_cache_lookups_total",
            "Tokens a cache was asked for, by cache and result."
        );
        describe_counter!("rownd_authz_cache_insertions_total", "Entries a cache took.");
        describe_counter!(
            "rownd_authz_cache_evictions_total",
            "Entries that a cache evicted because it was full."
        );
        describe_gauge!("rownd_authz_cache_bytes", "The size of a cache, as it counts itself.");
        Self(ByLabel::new(&labels.caches, |name| {
            let lookups = |result: &'static str| counter!("rownd_authz_cache_lookups_total", "cache" => name, "result" => result);
            OneCache {
                hits: lookups("hit"),
                misses: lookups("miss"),
                insertions: counter!("rownd_authz_cache_insertions_total", "cache" => name),
                evictions: counter!("rownd_authz_cache_evictions_total", "cache" => name),
                bytes: gauge!("rownd_authz_cache_bytes", "cache" => name),
            }
        }))
    }
}

impl Metrics {
    /// A token was looked up in a cache ([`Labels::caches`]).
    pub fn cache_looked_up(&self, cache: impl Label, hit: bool) {
        if let Some(cache) = self.caches.0.get(cache) {
            if hit { &cache.hits } else { &cache.misses }.increment(1);
        }
    }

    /// An entry was inserted.
    pub fn cache_inserted(&self, cache: impl Label) {
        if let Some(cache) = self.caches.0.get(cache) {
            cache.insertions.increment(1);
        }
    }

    /// An entry was evicted because the cache was full.
    pub fn cache_evicted(&self, cache: impl Label) {
        if let Some(cache) = self.caches.0.get(cache) {
            cache.evictions.increment(1);
        }
    }

    /// The size of a cache in bytes, as it counts itself.
    pub fn cache_size(&self, cache: impl Label, bytes: u64) {
        if let Some(cache) = self.caches.0.get(cache) {
            #[expect(clippy::cast_precision_loss, reason = "a size for people")]
            cache.bytes.set(bytes as f64);
        }
    }
}
