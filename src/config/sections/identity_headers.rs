//! The section `identity_headers`: which identity headers reach the service behind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The treatment of the request headers of Rownd's own API (`x-rownd-app-key` and three more).
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
    /// The most bytes of one value. A check whose identity has a longer one is denied; no value is
    /// cut.
    #[schemars(range(min = 64, max = 16_384))]
    pub max_value_bytes: usize,
    /// The most bytes of all values together. A check whose identity has more is denied.
    #[schemars(range(min = 256, max = 32_768))]
    pub max_total_bytes: usize,
    /// The treatment of the request headers of Rownd's own API.
    pub vendor_headers: VendorHeaders,
}

impl Default for IdentityHeaders {
    fn default() -> Self {
        Self { max_value_bytes: 1024, max_total_bytes: 8192, vendor_headers: VendorHeaders::Pass }
    }
}
