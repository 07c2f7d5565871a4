//! The section `check`: how a check is carried out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{findings::Findings, section::Section, span::Span};

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
    /// The longest time that a check may take. Envoy's own timeout counts where it is shorter. A
    /// quarter is taken off either, at least 10 ms and at most 50 ms, so that our answer comes
    /// first.
    #[schemars(extend("x-duration-range" = ["20ms", "1m"]))]
    pub timeout: Span,
    /// How "cannot decide" is answered.
    pub unavailable: Unavailable,
    /// The `Retry-After` of a 503, whole seconds.
    #[schemars(extend("x-duration-range" = ["1s", "1h"]))]
    pub retry_after: Span,
    /// The most checks in flight over all connections; further ones are denied at once. One
    /// connection may have as many as it leaves to the others, and always one for each 1024 of
    /// these.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_in_flight: usize,
    /// The most bytes of a token. Its header and its claims may take all of them. The default lets
    /// an Entra token with 200 groups and two certificates in its header through. A request has
    /// other limits as well: 60 KiB of headers in Envoy (`max_request_headers_kb`), 4 KiB for a
    /// cookie in browsers, and `check.max_path_bytes` for a token in the query.
    #[schemars(range(min = 256, max = 65_536))]
    pub max_token_bytes: usize,
    /// Methods that a route may name beside those of IANA's registry and `PURGE`, in upper case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_methods: Vec<String>,
    /// The most bytes of a path with its query.
    #[schemars(range(min = 64, max = 1_048_576))]
    pub max_path_bytes: usize,
    /// The most headers of a request.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_headers: usize,
    /// The most bytes of all header names and values of a request.
    #[schemars(range(min = 1_024, max = 4_194_304))]
    pub max_headers_bytes: usize,
    /// A 403 names the rule and the requirement that is not met, as they are configured. For
    /// development, and for callers who may know the rules.
    pub explain_denials: bool,
    /// The realm of the challenge.
    #[schemars(regex(pattern = r"^[A-Za-z0-9 ._:/-]{1,64}$"))]
    pub realm: String,
    /// Bytes of memory for verified claims, so that a token is verified once. 0 turns the cache off.
    #[schemars(range(max = 4_294_967_296_u64))]
    pub claims_cache_bytes: u64,
    /// Bytes of memory for refused tokens (expired, forged, for another service), which are kept
    /// for 5 s so that a client that repeats one costs little. 0 turns the cache off.
    #[schemars(range(max = 1_073_741_824_u64))]
    pub refusal_cache_bytes: u64,
}

/// The bytes of a large Entra token, part by part, rounded up to whole KiB: 21 963.
///
/// - 200 groups, the most that Entra puts into a token, each a GUID of 36 characters with two
///   quotes and a comma: 7 800 bytes, and 2 048 for the other claims. In base64url 13 131.
/// - Two certificates of 2 KiB in the header's `x5c`, which are base64 inside JSON: 5 462 bytes, and
///   136 for the other members. In base64url 7 464.
/// - The signature of an RSA key of 8192 bits, 1 366 in base64url, though Entra's has 342; two dots.
const LARGE_TOKEN: usize = 22 << 10;
/// Room for issuers that put more into a token, such as long names of roles.
const SPARE: usize = 2 << 10;

impl Default for Check {
    fn default() -> Self {
        Self {
            timeout: Span::from_secs(1),
            unavailable: Unavailable::Denied,
            retry_after: Span::from_secs(1),
            max_in_flight: 4096,
            max_token_bytes: LARGE_TOKEN + SPARE,
            extra_methods: Vec::new(),
            max_path_bytes: 16_384,
            max_headers: 200,
            max_headers_bytes: 131_072,
            explain_denials: false,
            realm: "rownd".to_owned(),
            claims_cache_bytes: 67_108_864,
            refusal_cache_bytes: 1_048_576,
        }
    }
}

impl Section for Check {
    type Checked = Self;

    fn check(self, at: &str, found: &mut Findings) -> Self {
        let good = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        for (index, method) in self.extra_methods.iter().enumerate() {
            if method.is_empty() || !method.bytes().all(good) {
                found.add(
                    format!("{at}/extra_methods/{index}"),
                    format!("`{method}` is not a method; write it in upper case"),
                );
            }
        }
        if self.retry_after.get().subsec_nanos() != 0 {
            let seconds = self.retry_after.get().as_secs();
            let message = format!(
                "{} is no whole number of seconds, which `Retry-After` takes alone; write {}s",
                self.retry_after,
                seconds.saturating_add(1)
            );
            found.add(format!("{at}/retry_after"), message);
        }
        self
    }
}
