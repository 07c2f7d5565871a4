//! The requests that a rule matches, as they are written: the parts of a request, or every request.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// The requests that a rule matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(in crate::config) enum RouteMatch {
    /// Every request, written as the word `any`.
    Any(Any),
    /// Requests whose parts all match.
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
    /// Request headers, all of which have to match. A header that is repeated, or spelled so that only
    /// some servers see it, matches in some of its readings: then the rule holds, and so does the next
    /// one that matches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 16))]
    pub headers: Vec<WrittenPart>,
    /// Query parameters, all of which have to match. One that is repeated, or encoded without need,
    /// matches in some of its readings: then the rule holds, and so does the next one that matches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 16))]
    pub query: Vec<WrittenPart>,
    /// The workload of the client, as Envoy knows it by its certificate: the whole text, or a pattern
    /// of a SPIFFE ID, `spiffe://example.com/ns/*/sa/web`. There, `*` is one segment, and `**` at the
    /// end one or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
}

/// A header or a query parameter: exactly one of `exact` and `present`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["exact"] }, { "required": ["present"] }]))]
pub(in crate::config) struct WrittenPart {
    /// The name: of a header in any case, of a parameter as it is written.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// The value, byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub exact: Option<String>,
    /// `true`: it is there, with any value that is not empty. `false`: it is not there at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
}

/// One way to match a path: exactly one of the four.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum WrittenPathMatch {
    /// The whole path.
    Exact(String),
    /// The path and everything below it: `/admin` matches `/admin` and `/admin/x`, not
    /// `/administer`.
    Prefix(String),
    /// The whole path, segment by segment. `{name}` stands for one segment, and `{name...}` at the end
    /// for the rest: `/users/{id}`, `/files/{path...}`.
    Template(String),
    /// A regular expression over the whole path, anchored at both ends.
    Regex(String),
}
