//! Header maps and changes of the query, as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::expression::{Expression, IdentityPlace, PlaceRoot};

/// The form of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueFormat {
    /// A text, a number or a truth value, in visible ASCII; other characters and `%` are
    /// percent-encoded.
    #[default]
    Text,
    /// A list, with commas between its items; a comma inside an item is percent-encoded too. One text
    /// is a list of one item.
    List,
    /// JSON in ASCII, without blanks between its parts.
    Json,
    /// base64url without padding: of a text's bytes, or of the JSON of any other value.
    Base64url,
}

/// The treatment of a request for which there is no value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnMissing {
    /// The request passes without it, and without what the client sent under its name.
    #[default]
    Omit,
    /// The request is denied.
    Deny,
}

/// The origin of a value: exactly one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ValueFrom", extend("oneOf" = [
    { "required": ["claim"] },
    { "required": ["profile"] },
    { "required": ["identity"] },
    { "required": ["path"] },
    { "required": ["constant"] },
    { "required": ["cel"] },
]))]
pub(in crate::config) struct WrittenValueFrom {
    /// A claim of the token, by its name, or by its JSON pointer (RFC 6901), which begins with a
    /// slash: `/realm_access/roles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(super) claim: Option<String>,
    /// A field of the profile's `data`, by its name, or by a pointer into the profile:
    /// `/verified_data/email`, `/attributes/plan`. Users write `data` themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(super) profile: Option<String>,
    /// A part of the identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<IdentityPlace>,
    /// A variable of the route's path, decoded once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(super) path: Option<String>,
    /// The same text for each request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub(super) constant: Option<String>,
    /// The value of an expression (docs/policy-expressions.md).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cel: Option<String>,
}

/// A header, and the origin of its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OutputHeader")]
pub(in crate::config) struct WrittenHeader {
    /// The name, in lower case: letters, digits and `-`.
    #[schemars(length(min = 1, max = 128))]
    pub(super) name: String,
    /// The origin of the value.
    pub(super) from: WrittenValueFrom,
    /// The form of the value.
    #[serde(default)]
    pub(super) format: ValueFormat,
    /// The treatment of a request for which there is no value.
    #[serde(default)]
    pub(super) on_missing: OnMissing,
    /// The header `authorization` is set to a constant in place of the client's. Only for that header,
    /// and only on a route.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) replaces_credential: bool,
}

/// A parameter of the query, and the origin of its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OutputParameter")]
pub(in crate::config) struct WrittenParameter {
    /// The name: letters, digits, `-` and `_`.
    #[schemars(length(min = 1, max = 128))]
    pub(super) name: String,
    /// The origin of the value.
    pub(super) from: WrittenValueFrom,
    /// The form of the value. It is percent-encoded for a query in any case.
    #[serde(default)]
    pub(super) format: ValueFormat,
    /// The treatment of a request for which there is no value.
    #[serde(default)]
    pub(super) on_missing: OnMissing,
}

/// The changes of the query on its way to the service behind. Envoy sorts the parameters of a query
/// that it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "OutputQuery")]
pub(in crate::config) struct WrittenQuery {
    /// Parameters to set, each in place of all that the client sent under its name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 32))]
    pub(super) set: Vec<WrittenParameter>,
    /// Names of parameters to remove.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 32))]
    pub(super) remove: Vec<String>,
}

impl WrittenValueFrom {
    /// Its value is in the user's profile, or may be.
    fn reads_profile(&self) -> bool {
        let of_cel = |text: &String| {
            Expression::parse(text).is_ok_and(|parsed| parsed.reads(PlaceRoot::Profile))
        };
        self.profile.is_some() || self.cel.as_ref().is_some_and(of_cel)
    }
}

impl WrittenHeader {
    /// Its value is in the user's profile, or may be.
    pub(in crate::config) fn reads_profile(&self) -> bool {
        self.from.reads_profile()
    }
}

impl WrittenQuery {
    /// The number of the first parameter whose value is in the user's profile, or may be.
    pub(in crate::config) fn reads_profile(&self) -> Option<usize> {
        self.set.iter().position(|parameter| parameter.from.reads_profile())
    }
}
