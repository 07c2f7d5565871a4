//! The labels of metrics: the end of a verification (a cache hit, a verification, or the reason of
//! a denial), and the reasons why a key is not used.

use super::jwks::KeyRefusal;
use crate::model::DenyReason;

/// The words of the two good ends, in the order of [`CACHED`] and [`VERIFIED`].
const GOOD: [&str; 2] = ["cached", "verified"];
/// The index of a cache hit.
pub(super) const CACHED: usize = 0;
/// The index of a token that was verified now.
pub(super) const VERIFIED: usize = 1;

/// The words for the end of a verification, in the order of the metric's index.
#[must_use]
pub fn result_labels() -> Vec<&'static str> {
    GOOD.into_iter().chain(DenyReason::ALL.iter().map(|reason| reason.code())).collect()
}

/// The index of a denial.
pub(super) const fn denied(reason: DenyReason) -> usize {
    GOOD.len() + reason as usize
}

/// The words for the reasons why a key is not used, in the order of the metric's index.
#[must_use]
pub fn key_refusal_labels() -> Vec<&'static str> {
    KeyRefusal::ALL.iter().map(|reason| reason.code()).collect()
}
