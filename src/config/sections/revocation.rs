//! The section `revocation`: the list of tokens and users that are revoked before their tokens
//! expire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::span::Span;

/// The list of revocations that the control listener feeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Revocation {
    /// The most entries at a time. A full list refuses a command; it never drops an older entry.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_entries: usize,
    /// How long a revocation without a duration of its own is kept, and the longest duration that a
    /// command may have. Write at least the longest life of a token. Where an issuer takes tokens
    /// without an end (`allow_missing_exp`), a revocation without a duration is kept until it is
    /// taken back.
    #[schemars(extend("x-duration-range" = ["1m", "366days"]))]
    pub max_ttl: Span,
}

impl Default for Revocation {
    fn default() -> Self {
        Self { max_entries: 100_000, max_ttl: Span::from_secs(86_400) }
    }
}
