//! The setting `require` as it is written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{
    texts::Texts,
    words::{PathIdentity, Scalar},
};
use crate::{config::span::Span, model::AuthLevel};

/// The name of the schema of a requirement among the definitions.
pub(in crate::config) const REQUIREMENT: &str = "Requirement";

/// The requirement of a rule: conditions, or the word `never`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(in crate::config) enum WrittenRequire {
    /// No request fulfils it, written as the word `never`.
    Never(Never),
    /// The conditions.
    Conditions(Box<WrittenRequirement>),
}

/// The word `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum Never {
    /// The only word there is.
    Never,
}

/// One schema for the word and for the map, without `anyOf`: an unknown key is then reported at its
/// own place.
impl JsonSchema for WrittenRequire {
    fn schema_name() -> Cow<'static, str> {
        "Require".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = WrittenRequirement::json_schema(generator);
        schema.insert("type".to_owned(), serde_json::json!(["object", "string"]));
        schema.insert("pattern".to_owned(), "^never$".into());
        schema.insert(
            "examples".to_owned(),
            serde_json::json!([
                "{ role: owner }",
                "{ any: [{ scope: orders }, { role: owner }] }",
                "never"
            ]),
        );
        schema
    }
}

/// Conditions, each of which has to hold. Of a list of texts, one has to fit. At least one condition
/// is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Requirement")]
pub(in crate::config) struct WrittenRequirement {
    /// Each of these maps of conditions has to hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "list_of_requirements")]
    pub(super) all: Vec<WrittenRequirement>,
    /// One of these maps of conditions has to hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "list_of_requirements")]
    pub(super) any: Vec<WrittenRequirement>,
    /// None of these maps of conditions may hold. A condition that cannot be judged, because a claim
    /// is absent for example, is no reason to let the request pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "list_of_requirements")]
    pub(super) not: Vec<WrittenRequirement>,
    /// The least auth level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auth_level: Option<AuthLevel>,
    /// `false`: the user is no guest. `true`: the user is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) anonymous: Option<bool>,
    /// A field that the user has proved, such as `email`: it stands in the `verified_data` of the
    /// user's profile at Rownd; with other issuers, the token's claim `FIELD_verified` is true.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub(super) verified: Texts,
    /// The configured name of the token's issuer.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub(super) issuer: Texts,
    /// The id of the app that the token is for.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub(super) app: Texts,
    /// The id of the app variant that the user signed in through.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub(super) app_variant: Texts,
    /// The tenant of the user.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub(super) tenant: Texts,
    /// The id of the user.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub(super) user: Texts,
    /// A scope of the token.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub(super) scope: Texts,
    /// A role of the user, by `roles` and `role_sources`.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub(super) role: Texts,
    /// A permission of the user, by `roles` and `role_sources`.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub(super) permission: Texts,
    /// A group of the user: of the token's mapped claim `groups`; of Rownd's users without one, the
    /// id of a group of the profile, as an active member.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub(super) group: Texts,
    /// A role in a group of the profile, as an active member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group_role: Option<WrittenGroupRole>,
    /// An attribute of the user's profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attribute: Option<WrittenValueTest>,
    /// A claim of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) claim: Option<WrittenValueTest>,
    /// A variable of the path is the same as a part of the identity or a claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) equals: Option<WrittenPathEquals>,
    /// The longest time since the user signed in (claim `auth_time`). A refresh does not renew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-duration-range" = ["1s", "365d"]))]
    pub(super) max_age: Option<Span>,
    /// The longest time since the token was issued (claim `iat`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-duration-range" = ["1s", "365d"]))]
    pub(super) token_max_age: Option<Span>,
    /// Where the credential was found: `header`, `cookie`, `query` or `websocket_protocol`.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    #[schemars(pattern(r"^(header|cookie|query|websocket_protocol)$"))]
    #[schemars(extend("items" = {
        "type": "string", "enum": ["header", "cookie", "query", "websocket_protocol"],
    }))]
    #[schemars(extend("examples" = ["header", "[header, websocket_protocol]"]))]
    pub(super) source: Texts,
    /// An expression of the Common Expression Language (CEL) over `request`, `identity`, `claims`,
    /// `profile` and `path`, which has to be true.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub(super) cel: Option<String>,
}

/// The schema of a list of requirements. A requirement stands in itself, so its schema is written
/// once and pointed to.
fn list_of_requirements(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "type": "array",
        "items": { "$ref": format!("#/$defs/{REQUIREMENT}") },
        "minItems": 1,
        "maxItems": 64,
    })
}

/// A role in a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenGroupRole {
    /// The id of the group.
    pub(super) group: Texts,
    /// The role in it.
    pub(super) role: Texts,
}

/// The test of a claim or an attribute: exactly one place, and at least one test. Each test that is
/// written has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("oneOf" = [{ "required": ["name"] }, { "required": ["pointer"] }]))]
pub(in crate::config) struct WrittenValueTest {
    /// The name, whatever characters it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(super) name: Option<String>,
    /// A JSON pointer (RFC 6901): `/realm_access/roles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pointer: Option<String>,
    /// The value is this text, number or truth value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) equals: Option<Scalar>,
    /// The value is one of these.
    #[serde(rename = "in", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 256))]
    pub(super) one_of: Vec<Scalar>,
    /// The value is a text, and this regular expression matches the whole of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(super) matches: Option<String>,
    /// The value is a list, and this is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contains: Option<Scalar>,
    /// `true`: there is a value. `false`: there is none. `null` is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exists: Option<bool>,
    /// The value is a number above this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) gt: Option<serde_json::Number>,
    /// The value is a number below this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lt: Option<serde_json::Number>,
}

/// A variable of the path and what it has to be the same as: exactly one of `identity` and `claim`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["identity"] }, { "required": ["claim"] }]))]
pub(in crate::config) struct WrittenPathEquals {
    /// The name of a variable of the path: of `{id}` in a template, or of `(?<id>...)` in a regular
    /// expression.
    #[schemars(length(min = 1))]
    pub(super) path: String,
    /// A part of the identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<PathIdentity>,
    /// A claim of the token with a text, by its name or its JSON pointer, which begins with a slash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(super) claim: Option<String>,
}
