//! The labels of metrics: the end of a verification (a cache hit, a verification, or the reason of
//! a denial), the reasons why a key is not used, the caches; and the list of all that this room has.

use strum::{IntoStaticStr, VariantArray};

use super::{
    jwks::KeyRefusal, key_snapshot::SnapshotResult, key_source::FetchResult,
    revocation::RevocationKind, tenant_status::TenantState,
};
use crate::{
    metrics::{LabelValues, Labels},
    model::DenyReason,
};

/// The words of the two good ends, in the order of [`CACHED`] and [`VERIFIED`].
const GOOD: [&str; 2] = ["cached", "verified"];
/// The index of a cache hit.
pub(super) const CACHED: usize = 0;
/// The index of a token that was verified now.
pub(super) const VERIFIED: usize = 1;

/// The words for the end of a verification, in the order of the metric's index.
fn result_labels() -> Vec<&'static str> {
    GOOD.into_iter().chain(DenyReason::ALL.iter().map(|reason| reason.code())).collect()
}

/// The index of a denial.
pub(super) const fn denied(reason: DenyReason) -> usize {
    GOOD.len() + reason as usize
}

/// The words for the reasons why a key is not used, in the order of the metric's index.
fn key_refusal_labels() -> Vec<&'static str> {
    KeyRefusal::ALL.iter().map(|reason| reason.code()).collect()
}

/// A cache of the verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum CacheName {
    /// Verified claims.
    Claims,
    /// Tokens that were refused a moment ago.
    Refusals,
}

/// Adds the labels of this room.
pub fn add_labels(labels: &mut Labels) {
    labels.verifications = result_labels();
    labels.key_refusals = key_refusal_labels();
    labels.key_fetches = LabelValues::of::<FetchResult>();
    labels.key_snapshots = LabelValues::of::<SnapshotResult>();
    labels.tenant_states = LabelValues::of::<TenantState>();
    labels.caches = LabelValues::of::<CacheName>();
    labels.revocation_kinds = LabelValues::of::<RevocationKind>();
}
