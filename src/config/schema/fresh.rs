//! What is withdrawn before its time, and what is known of users beyond their tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Span;

/// The list of revocations that the control listener feeds.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Revocation {
    /// Entries at a time. A full list refuses a command; it never drops an older entry.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_entries: usize,
    /// How long a revocation is kept that does not say for how long, and the longest one may
    /// say. At least the longest life of a token. Where an issuer takes tokens without an end
    /// (`allow_missing_exp`), one that does not say is kept until it is taken back.
    pub max_ttl: Span,
}

impl Default for Revocation {
    fn default() -> Self {
        Self { max_entries: 100_000, max_ttl: Span::from_secs(86_400) }
    }
}
