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

/// The treatment of a list that does not fit into its header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TooLarge {
    /// The check is denied, `identity_too_large`.
    #[default]
    Deny,
    /// The request passes without the header. The service then knows nothing of the list: an absent
    /// header does not mean that the user has no roles, groups or scopes.
    Omit,
}

/// The treatment of lists that do not fit into their headers. A header of one value has no choice:
/// a service that misses the user id could take the user for an anonymous caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OnTooLarge {
    /// For `x-rownd-roles`.
    pub roles: TooLarge,
    /// For `x-rownd-groups`.
    pub groups: TooLarge,
    /// For `x-rownd-scopes`.
    pub scopes: TooLarge,
}

/// Which identity headers reach the service behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityHeaders {
    /// The most bytes of a header with one value, such as the user id. A check whose identity has a
    /// longer one is denied; no value is cut.
    #[schemars(range(min = 64, max = 16_384))]
    pub max_value_bytes: usize,
    /// The most bytes of a header with a list: roles, groups, scopes. `max_value_bytes` counts where
    /// it is more. The default fits into the 8 KiB that many servers take for one header (nginx,
    /// Apache, gunicorn), and holds 200 groups of Entra.
    #[schemars(range(min = 64, max = 32_768))]
    pub max_list_bytes: usize,
    /// The most bytes of all values together. A check whose identity has more is denied.
    #[schemars(range(min = 256, max = 49_152))]
    pub max_total_bytes: usize,
    /// The treatment of a list that is above these limits.
    pub on_too_large: OnTooLarge,
    /// The treatment of the request headers of Rownd's own API.
    pub vendor_headers: VendorHeaders,
}

impl Default for IdentityHeaders {
    fn default() -> Self {
        Self {
            max_value_bytes: 1024,
            // A line of 8 KiB less the longest name, `: ` and the line's end, and less the 190 bytes
            // short of it that Apache and gunicorn take (8190), in round figures. 200 GUIDs with
            // commas between them are 7399.
            max_list_bytes: 8000,
            max_total_bytes: 16_384,
            on_too_large: OnTooLarge::default(),
            vendor_headers: VendorHeaders::Pass,
        }
    }
}
