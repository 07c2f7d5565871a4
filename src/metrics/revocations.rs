//! The list of revocations.

use metrics::{Gauge, describe_gauge, gauge};
use strum::{EnumCount, IntoStaticStr, VariantArray};

use super::{Metrics, label::ByLabel};

/// The kind of thing that a revocation names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray, EnumCount)]
#[strum(serialize_all = "snake_case")]
pub enum RevocationKind {
    /// A token by its `jti`.
    Token,
    /// A session.
    Session,
    /// A user, with a time.
    User,
}

/// The series of this file.
pub(super) struct RevocationSeries(ByLabel<RevocationKind, Gauge>);

impl RevocationSeries {
    pub(super) fn register() -> Self {
        describe_gauge!("rownd_authz_revocations", "Entries of the list of revocations, by kind.");
        Self(ByLabel::new(|kind| gauge!("rownd_authz_revocations", "kind" => kind)))
    }
}

impl Metrics {
    /// So many revocations of a kind are in force now.
    pub fn revocations(&self, kind: RevocationKind, entries: usize) {
        if let Some(gauge) = self.revocations.0.get(kind) {
            #[expect(clippy::cast_precision_loss, reason = "a bounded number of entries")]
            gauge.set(entries as f64);
        }
    }
}
