//! The label of a refused caller in metrics, and its word in answers.

use strum::{IntoStaticStr, VariantArray};

use crate::metrics::Label as _;

/// Why a caller was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(in crate::grpc) enum CallerRefusal {
    /// The secret is unknown.
    #[strum(serialize = "caller_unknown")]
    Unknown,
    /// The caller is on another machine and has shown no secret.
    #[strum(serialize = "caller_required")]
    Required,
    /// The caller is known and lacks the right.
    #[strum(serialize = "caller_not_granted")]
    NotGranted,
}

impl CallerRefusal {
    /// The refusal of this word, in capitals or not. Any other word counts as a missing right.
    pub(super) fn of(word: &str) -> Self {
        let is_it = |known: &&Self| known.as_str().eq_ignore_ascii_case(word);
        Self::VARIANTS.iter().find(is_it).copied().unwrap_or(Self::NotGranted)
    }
}
