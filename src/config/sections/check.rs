//! How a check is carried out, and which identity headers reach the service behind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::span::Span;

/// How "cannot decide" is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unavailable {
    /// A denied 503, closed even where Envoy says `failure_mode_allow`.
    #[default]
    Denied,
    /// Envoy's error response: Envoy may be told to let those through.
    ErrorResponse,
}

/// How a check is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// The longest a check may take. Envoy's own timeout counts where it is shorter; both less a
    /// quarter, at least 10 ms and at most 50 ms, so that our answer comes first.
    #[schemars(extend("x-duration-range" = ["20ms", "1m"]))]
    pub timeout: Span,
    /// How "cannot decide" is answered.
    pub unavailable: Unavailable,
    /// The `Retry-After` of a 503, whole seconds.
    #[schemars(extend("x-duration-range" = ["1s", "1h"]))]
    pub retry_after: Span,
    /// Checks in flight, over all connections. More are denied at once. One connection may have as
    /// many as it leaves to the others, and always one for each 1024 of these.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_in_flight: usize,
    /// The longest token that is parsed. Its header and its claims may take all of it.
    #[schemars(range(min = 256, max = 65_536))]
    pub max_token_bytes: usize,
    /// Methods beside those of IANA's registry and `PURGE` that a route may name, in upper case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_methods: Vec<String>,
    /// The longest path, with its query.
    #[schemars(range(min = 64, max = 1_048_576))]
    pub max_path_bytes: usize,
    /// The most headers of a request.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_headers: usize,
    /// The most bytes of all header names and values of a request.
    #[schemars(range(min = 1_024, max = 4_194_304))]
    pub max_headers_bytes: usize,
    /// The realm of the challenge.
    #[schemars(regex(pattern = r"^[A-Za-z0-9 ._:/-]{1,64}$"))]
    pub realm: String,
    /// Memory for verified claims, so that a token is verified once. 0 turns the cache off.
    #[schemars(range(max = 4_294_967_296_u64))]
    pub claims_cache_bytes: u64,
    /// Memory for tokens that were refused (expired, forged, meant for another), kept for 5 s so
    /// that a client that repeats one costs little. 0 turns the cache off.
    #[schemars(range(max = 1_073_741_824_u64))]
    pub refusal_cache_bytes: u64,
}

impl Default for Check {
    fn default() -> Self {
        Self {
            timeout: Span::from_secs(1),
            unavailable: Unavailable::Denied,
            retry_after: Span::from_secs(1),
            max_in_flight: 4096,
            max_token_bytes: 8192,
            extra_methods: Vec::new(),
            max_path_bytes: 16_384,
            max_headers: 200,
            max_headers_bytes: 131_072,
            realm: "rownd".to_owned(),
            claims_cache_bytes: 67_108_864,
            refusal_cache_bytes: 1_048_576,
        }
    }
}

/// What happens to the vendor's own request headers (`x-rownd-app-key` and three more).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VendorHeaders {
    /// They pass, exactly spelled.
    #[default]
    Pass,
    /// They are removed as every other name of the reserved prefix.
    Remove,
}

/// Which identity headers reach the service behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityHeaders {
    /// Bytes of one value; an identity with a longer one is denied, never cut.
    #[schemars(range(min = 64, max = 16_384))]
    pub max_value_bytes: usize,
    /// Bytes of all values; an identity with more is denied.
    #[schemars(range(min = 256, max = 32_768))]
    pub max_total_bytes: usize,
    /// What happens to the vendor's own request headers.
    pub vendor_headers: VendorHeaders,
}

impl Default for IdentityHeaders {
    fn default() -> Self {
        Self { max_value_bytes: 1024, max_total_bytes: 8192, vendor_headers: VendorHeaders::Pass }
    }
}
