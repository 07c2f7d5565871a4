//! Passports: how requests got theirs, and the memory of their cache.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
};

/// The series of this file.
pub(super) struct PassportSeries {
    results: ByLabel<Counter>,
    bytes: Gauge,
}

impl PassportSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_counter!(
            "rownd_authz_passports_total",
            "Requests that were to get a passport, by how they got it."
        );
        describe_gauge!("rownd_authz_passport_cache_bytes", "Memory of the cached passports.");
        Self {
            results: ByLabel::new(
                &labels.passport_results,
                |result| counter!("rownd_authz_passports_total", "result" => result),
            ),
            bytes: gauge!("rownd_authz_passport_cache_bytes"),
        }
    }
}

impl Metrics {
    /// A request got its passport in this way ([`Labels::passport_results`]).
    pub fn passport(&self, result: impl Label) {
        if let Some(counter) = self.passports.results.get(result) {
            counter.increment(1);
        }
    }

    /// The memory of the cached passports now, in bytes.
    pub fn passport_cache_size(&self, bytes: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a bounded number of bytes")]
        self.passports.bytes.set(bytes as f64);
    }
}
