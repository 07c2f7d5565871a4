//! The label of the metric of passports.

use strum::{IntoStaticStr, VariantArray};

/// How a request got its passport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum PassportResult {
    /// It was signed for this request.
    Minted,
    /// The one of an earlier request with the same content is still young.
    Reused,
    /// There is none, and the request was denied for that.
    Failed,
}
