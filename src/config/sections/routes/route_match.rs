//! The requests that a rule matches: hosts, path and methods, or every request.

use std::borrow::Cow;

use regex::bytes::{Regex, RegexBuilder};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// A compiled regular expression may take this much memory.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// The requests that a rule matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(in crate::config) enum RouteMatch {
    /// Every request, written as the word `any`.
    Any(Any),
    /// Requests of these hosts, this path and these methods.
    Parts(Match),
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
        let mut schema = Match::json_schema(generator);
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
pub struct Match {
    /// Hosts without port: `api.example.com`, or `*.example.com` for every name below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub hosts: Vec<String>,
    /// The path, without the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathMatch>,
    /// Methods in upper case, of IANA's registry, `PURGE` or `check.extra_methods`. A request is
    /// judged by its method as sent and in upper case, and both have to allow it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub methods: Vec<String>,
}

/// One way to match a path: exactly one of the three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathMatch {
    /// The whole path.
    Exact(String),
    /// The path and everything below it: `/admin` matches `/admin` and `/admin/x`, not
    /// `/administer`.
    Prefix(String),
    /// A regular expression over the whole path, anchored at both ends.
    Regex(String),
}

impl PathMatch {
    /// A pattern as an expression over the whole path. It has to compile alone, or it could close
    /// the group that anchors it; and between the anchors, or it could comment out the second.
    ///
    /// # Errors
    ///
    /// The message of the library, if the pattern does not compile.
    pub fn whole(pattern: &str) -> Result<Regex, regex::Error> {
        Regex::new(pattern)?;
        RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(MAX_REGEX_BYTES).build()
    }
}

#[cfg(test)]
mod tests {
    use super::PathMatch;

    #[test]
    fn a_pattern_is_judged_in_the_form_it_is_used_in() {
        assert!(PathMatch::whole("/a|/b").is_ok_and(|regex| !regex.is_match(b"/ab")));
        // The comment swallows the closing anchor, the class is too large, the group is closed.
        for pattern in ["(?x)/a # comment", r"/\w{1,5000}", "/a)|(?:/b"] {
            assert!(PathMatch::whole(pattern).is_err(), "{pattern}");
        }
    }
}
