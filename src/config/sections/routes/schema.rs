//! A rule as it is written: what it matches and what it asks for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::route_match::RouteMatch;
use crate::{
    config::sections::{
        WrittenDenial,
        outputs::{WrittenHeader, WrittenQuery},
        passport::RulePassport,
        requirement::WrittenRequire,
    },
    model::AuthLevel,
};

/// Whether a credential is asked for.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// Never reads a credential.
    None,
    /// Lets callers without one pass; denies a bad one.
    Optional,
    /// Denies callers without one.
    #[default]
    Required,
}

/// How an expired cookie counts on an optional route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpiredCookie {
    /// The request is denied, as with any bad credential.
    #[default]
    Deny,
    /// The request counts as one without a credential.
    Anonymous,
}

/// How a rule knows that a token still holds.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// By the token itself, until its end.
    #[default]
    Token,
    /// By the user's profile too: a disabled user and a sign-out everywhere count within
    /// `profiles.ttl`. Needs the app's key and secret.
    Profile,
}

/// How a path is judged that different servers read differently.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OddPaths {
    /// Dot segments, encoded slashes and backslashes are denied.
    #[default]
    Refuse,
    /// Every reading of the path is judged, and the strictest verdict holds.
    Judge,
}

/// Whether a rule decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It decides.
    #[default]
    Enforce,
    /// It is judged, and what it would have decided is reported; the request is decided as if the
    /// rule were not there.
    Shadow,
}

/// A rule: what it matches and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenRoute {
    /// The name in metadata and logs, and for Envoy's `context_extensions: {route: ID}` or Envoy
    /// Gateway's annotation `gateway.envoyproxy.io/rownd-authz-route`.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub id: String,
    /// The requests that it matches: `any` for every request, or parts that all have to match. Only a
    /// rule with `by_name: true` has none.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<RouteMatch>,
    /// The rule holds only for requests for which Envoy names it; no request matches it by itself.
    #[serde(default)]
    pub by_name: bool,
    /// Whether a credential is asked for.
    #[serde(default)]
    pub auth: Auth,
    /// The least auth level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_level: Option<AuthLevel>,
    /// Answers a level that is too low with 401 and `acr_values` (RFC 9470), not with 403.
    #[serde(default)]
    pub step_up: bool,
    /// Further conditions, or `never` for a rule that lets no request pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require: Option<WrittenRequire>,
    /// Whether the rule decides: `enforce`, or `shadow` to try it out.
    #[serde(default)]
    pub mode: Mode,
    /// How it is known that the token still holds: `token`, by the token itself; `profile`, by its
    /// user's profile too.
    #[serde(default)]
    pub freshness: Freshness,
    /// Lets a strict CORS preflight pass: OPTIONS with `Origin` and
    /// `Access-Control-Request-Method`, and no credential.
    #[serde(default)]
    pub cors_preflight: bool,
    /// How an expired cookie counts on an optional route.
    #[serde(default)]
    pub expired_cookie: ExpiredCookie,
    /// How a path is judged that different servers read differently.
    #[serde(default)]
    pub odd_paths: OddPaths,
    /// Headers that the service behind gets with each request that this rule lets pass. Each replaces
    /// one of the same name in the section `headers`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 64))]
    pub headers: Vec<WrittenHeader>,
    /// Headers that the client gets with the response to each request that this rule lets pass. Each
    /// replaces one of the same name in the section `response_headers`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 64))]
    pub response_headers: Vec<WrittenHeader>,
    /// Parameters of the query that are set or removed on the way to the service behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<WrittenQuery>,
    /// The service behind does not get the credential: it is removed from every place of
    /// `credentials`. Other cookies, parameters and schemes of `Authorization` stay.
    #[serde(default)]
    pub strip_credential: bool,
    /// The forms of its denials for browsers, in place of the section `denial` of the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denial: Option<WrittenDenial>,
    /// The signed token that the service behind gets with each request of a known user. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passport: Option<RulePassport>,
}

/// The requirements of requests that match no route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "DefaultRoute")]
pub(in crate::config) struct WrittenDefault {
    /// Whether a credential is asked for.
    pub auth: Auth,
    /// The least auth level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_level: Option<AuthLevel>,
    /// Answers a level that is too low with 401 and `acr_values` (RFC 9470), not with 403.
    pub step_up: bool,
    /// Further conditions, or `never`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<WrittenRequire>,
    /// How it is known that the token still holds: `token`, by the token itself; `profile`, by its
    /// user's profile too.
    pub freshness: Freshness,
    /// Lets a strict CORS preflight pass.
    pub cors_preflight: bool,
    /// How an expired cookie counts on an optional route.
    pub expired_cookie: ExpiredCookie,
    /// How a path is judged that different servers read differently.
    pub odd_paths: OddPaths,
}
