//! Profiles of users: lookups, and the memory of their cache.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};
use strum::{IntoStaticStr, VariantArray};

use super::{Metrics, label::ByLabel};

/// How a lookup of a user's profile ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ProfileResult {
    /// It was in the cache.
    Cached,
    /// It was fetched, for this caller or for another.
    Fetched,
    /// It could not be fetched, so an older copy was used.
    Stale,
    /// There is no such user.
    NotFound,
    /// It could not be fetched, and there is no copy that is young enough.
    Unavailable,
    /// The issuer has no profiles.
    Unsupported,
}

/// The series of this file.
pub(super) struct ProfileSeries {
    lookups: ByLabel<ProfileResult, Counter>,
    bytes: Gauge,
}

impl ProfileSeries {
    pub(super) fn register() -> Self {
        describe_counter!(
            "rownd_authz_profile_lookups_total",
            "Lookups of a user's profile, by result."
        );
        describe_gauge!("rownd_authz_profile_cache_bytes", "Memory of the cached profiles.");
        Self {
            lookups: ByLabel::new(
                |result| counter!("rownd_authz_profile_lookups_total", "result" => result),
            ),
            bytes: gauge!("rownd_authz_profile_cache_bytes"),
        }
    }
}

impl Metrics {
    /// A lookup of a profile ended.
    pub fn profile_looked_up(&self, result: ProfileResult) {
        if let Some(counter) = self.profiles.lookups.get(result) {
            counter.increment(1);
        }
    }

    /// The memory of the cached profiles now, in bytes.
    pub fn profile_cache_size(&self, bytes: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a bounded number of bytes")]
        self.profiles.bytes.set(bytes as f64);
    }
}
