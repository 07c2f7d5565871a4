//! Profiles of users: lookups, and the memory of their cache.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
};

/// The series of this file.
pub(super) struct ProfileSeries {
    lookups: ByLabel<Counter>,
    bytes: Gauge,
}

impl ProfileSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_counter!(
            "rownd_authz_profile_lookups_total",
            "Lookups of a user's profile, by result."
        );
        describe_gauge!("rownd_authz_profile_cache_bytes", "Memory of the cached profiles.");
        Self {
            lookups: ByLabel::new(
                &labels.profile_results,
                |result| counter!("rownd_authz_profile_lookups_total", "result" => result),
            ),
            bytes: gauge!("rownd_authz_profile_cache_bytes"),
        }
    }
}

impl Metrics {
    /// A lookup of a profile ended with this result ([`Labels::profile_results`]).
    pub fn profile_looked_up(&self, result: impl Label) {
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
