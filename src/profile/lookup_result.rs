//! The label of a lookup in metrics.

use strum::{IntoStaticStr, VariantArray};

/// How a lookup of a user's profile ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum ProfileResult {
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
