//! The section `profiles`: how the profiles of users are fetched and kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::span::Span;

/// How the profiles of users are read and kept, for routes with `freshness: profile`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Profiles {
    /// How old a profile may be: a disabled user and a sign-out everywhere have their effect after
    /// this time at the latest. With 0, every check fetches it.
    #[schemars(extend("x-duration-range" = ["0s", "1h"]))]
    pub ttl: Span,
    /// How long the answer "there is no such user" is kept.
    #[schemars(extend("x-duration-range" = ["0s", "10m"]))]
    pub not_found_ttl: Span,
    /// How long after `ttl` an older profile is used while Rownd does not answer. With 0 it never
    /// is: such checks are denied with 503.
    #[schemars(extend("x-duration-range" = ["0s", "1day"]))]
    pub stale_on_error: Span,
    /// Bytes of memory for profiles. With 0, none are kept.
    #[schemars(range(max = 4_294_967_296_u64))]
    pub cache_bytes: u64,
    /// The most requests to Rownd for profiles at a time.
    #[schemars(range(min = 1, max = 1_024))]
    pub max_in_flight: usize,
    /// The longest time that one request may take. It goes on when the check that asked has ended.
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
