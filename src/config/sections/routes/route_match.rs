//! The requests that a rule matches, as they are written: hosts, path and methods, or every request.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// The requests that a rule matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(in crate::config) enum RouteMatch {
    /// Every request, written as the word `any`.
    Any(Any),
    /// Requests of these hosts, this path and these methods.
    Parts(WrittenMatch),
}

/// The word `any`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum Any {
    /// The only word there is.
    Any,
}

/// One schema for the word and for the map, without `anyOf`: an unknown key is then reported at its
/// own place.
impl JsonSchema for RouteMatch {
    fn schema_name() -> Cow<'static, str> {
        "RouteMatch".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = WrittenMatch::json_schema(generator);
        schema.insert("type".to_owned(), serde_json::json!(["object", "string"]));
        schema.insert("pattern".to_owned(), "^any$".into());
        schema.insert(
            "examples".to_owned(),
            serde_json::json!(["any", "{ path: { prefix: /admin } }"]),
        );
        schema
    }
}

/// The parts of a match. Each that is given has to match; at least one is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct WrittenMatch {
    /// Hosts without port: `api.example.com`, or `*.example.com` for every name below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub hosts: Vec<String>,
    /// The path, without the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<WrittenPathMatch>,
    /// Methods in upper case, of IANA's registry, `PURGE` or `check.extra_methods`. A request is
    /// judged by its method as sent and in upper case, and both have to allow it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub methods: Vec<String>,
}

/// One way to match a path: exactly one of the three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum WrittenPathMatch {
    /// The whole path.
    Exact(String),
    /// The path and everything below it: `/admin` matches `/admin` and `/admin/x`, not
    /// `/administer`.
    Prefix(String),
    /// A regular expression over the whole path, anchored at both ends.
    Regex(String),
}
