//! The answers of Rownd's API that its documents leave open.
//!
//! In: the setting `api_answers` of an issuer. Out: one word for each open question. A test against
//! the real API tells which word is right; the defaults are those that lose no data if they are wrong.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How Rownd's API behaves where its documents do not say. Change a word only after a test with your
/// app (docs/users.md says how).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiAnswers {
    /// The effect of a `PUT` of a user on the fields that it does not name: they are removed
    /// (`replaces`), or kept (`merges`).
    pub user_put: PutEffect,
    /// The value that clears a field of a profile: JSON's null (`null_value`), or a text of no
    /// characters (`empty_text`).
    pub user_clear: ClearingValue,
    /// Whether a page of a list begins after the id in `after` (`exclusive`), or with it
    /// (`inclusive`).
    pub after: AfterBound,
    /// The effect of a `PATCH` of a user that does not exist: it is refused with 404 (`refused`), or
    /// the user is created (`created`).
    pub patch_of_missing_user: PatchOfMissing,
    /// The effect of a `PUT` of an OpenID client on the settings that it does not name: they are
    /// removed (`replaces`), or kept (`merges`). An update sends the whole client either way; this
    /// decides how a setting is cleared.
    pub oidc_client_put: PutEffect,
    /// The path of the logo of an OpenID client: that of the API description
    /// (`specification`: /applications/APP/oidc-clients/ID/logo/light), that of the manual (`manual`:
    /// /application/APP/oidc_clients/ID/logo/light), or the second where the first is not found.
    pub logo_path: LogoPath,
}

/// The effect of a `PUT` on fields that it does not name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PutEffect {
    /// They are removed.
    #[default]
    Replaces,
    /// They are kept.
    Merges,
}

/// The path of the logo of an OpenID client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogoPath {
    /// The one of the API description.
    #[default]
    Specification,
    /// The one of the manual.
    Manual,
    /// The one of the API description, and where it is not found the one of the manual.
    SpecificationThenManual,
}

/// The value that clears a field of a profile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClearingValue {
    /// JSON's null.
    #[default]
    NullValue,
    /// A text of no characters.
    EmptyText,
}

/// Whether a page begins after the id in `after`, or with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AfterBound {
    /// The page begins after it.
    #[default]
    Exclusive,
    /// The page begins with it.
    Inclusive,
}

/// The effect of a `PATCH` of a user that does not exist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PatchOfMissing {
    /// It is refused.
    #[default]
    Refused,
    /// The user is created.
    Created,
}
