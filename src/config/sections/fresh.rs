//! What is withdrawn before its time, and what is known of users beyond their tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::span::Span;

/// The list of revocations that the control listener feeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Revocation {
    /// Entries at a time. A full list refuses a command; it never drops an older entry.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_entries: usize,
    /// How long a revocation is kept that does not say for how long, and the longest one may
    /// say. At least the longest life of a token. Where an issuer takes tokens without an end
    /// (`allow_missing_exp`), one that does not say is kept until it is taken back.
    #[schemars(extend("x-duration-range" = ["1m", "366days"]))]
    pub max_ttl: Span,
}

impl Default for Revocation {
    fn default() -> Self {
        Self { max_entries: 100_000, max_ttl: Span::from_secs(86_400) }
    }
}

/// How the profiles of users are read and kept, for routes with `freshness: profile`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Profiles {
    /// How old a profile may be: a disabled user and a sign-out everywhere are seen after this
    /// time at the latest. 0 reads it for every check.
    #[schemars(extend("x-duration-range" = ["0s", "1h"]))]
    pub ttl: Span,
    /// How long it is remembered that there is no such user.
    #[schemars(extend("x-duration-range" = ["0s", "10m"]))]
    pub not_found_ttl: Span,
    /// While Rownd cannot be asked, an older profile is taken for this long after its time. 0
    /// never does: such checks are denied with 503.
    #[schemars(extend("x-duration-range" = ["0s", "1day"]))]
    pub stale_on_error: Span,
    /// Memory for profiles. 0 keeps none.
    #[schemars(range(max = 4_294_967_296_u64))]
    pub cache_bytes: u64,
    /// Requests to Rownd for profiles at a time.
    #[schemars(range(min = 1, max = 1_024))]
    pub max_in_flight: usize,
    /// How long one request may take. It goes on when the check that asked has ended.
    #[schemars(extend("x-duration-range" = ["100ms", "30s"]))]
    pub timeout: Span,
}

impl Default for Profiles {
    fn default() -> Self {
        Self {
            ttl: Span::from_secs(60),
            not_found_ttl: Span::from_secs(5),
            stale_on_error: Span::from_secs(0),
            cache_bytes: 16_777_216,
            max_in_flight: 32,
            timeout: Span::from_secs(5),
        }
    }
}
