//! The list of revocations.

use metrics::{Gauge, describe_gauge, gauge};

use super::{
    Labels, Metrics,
    label::{ByLabel, Label},
};

/// The series of this file.
pub(super) struct RevocationSeries(ByLabel<Gauge>);

impl RevocationSeries {
    pub(super) fn register(labels: &Labels) -> Self {
        describe_gauge!("rownd_authz_revocations", "Entries of the list of revocations, by kind.");
        Self(ByLabel::new(
            &labels.revocation_kinds,
            |kind| gauge!("rownd_authz_revocations", "kind" => kind),
        ))
    }
}

impl Metrics {
    /// So many revocations of a kind ([`Labels::revocation_kinds`]) are in force now.
    pub fn revocations(&self, kind: impl Label, entries: usize) {
        if let Some(gauge) = self.revocations.0.get(kind) {
            #[expect(clippy::cast_precision_loss, reason = "a bounded number of entries")]
            gauge.set(entries as f64);
        }
    }
}
