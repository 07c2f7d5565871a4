//! Where credentials are looked for, and what a rule asks for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RouteMatch;
use crate::model::AuthLevel;

/// The ordered token sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Credentials(pub Vec<TokenSource>);

impl Default for Credentials {
    fn default() -> Self {
        Self(vec![TokenSource::Header("authorization".to_owned())])
    }
}

/// One place to look for a credential: exactly one of a header, a cookie and a query parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenSource {
    /// A header name. `authorization` takes `Bearer TOKEN`, any other the bare token.
    Header(String),
    /// A cookie name. Methods that change state then need a same-origin proof.
    Cookie(String),
    /// A query parameter. Addresses end up in logs and histories, so a header is better.
    Query(String),
}

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

/// What an expired cookie means on an optional route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpiredCookie {
    /// A denial, as any bad credential.
    #[default]
    Deny,
    /// As if there were none.
    Anonymous,
}

/// How sure a rule wants to be that a token still holds.
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

/// What to do with a path that different servers read differently.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OddPaths {
    /// Dot segments, encoded slashes and backslashes are denied.
    #[default]
    Refuse,
    /// They are judged by the strictest verdict of all their readings.
    Judge,
}

/// A rule: what it matches and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Its name in metadata and logs, and for Envoy's `context_extensions: {route: ID}` or Envoy
    /// Gateway's annotation `gateway.envoyproxy.io/rownd-authz-route`.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub id: String,
    /// What it matches: `any` for every request, or parts that all have to match. Only a rule with
    /// `by_name: true` has none.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<RouteMatch>,
    /// The rule holds only where Envoy names it; no request matches it by itself.
    #[serde(default)]
    pub by_name: bool,
    /// Whether a credential is asked for.
    #[serde(default)]
    pub auth: Auth,
    /// The least auth level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_level: Option<AuthLevel>,
    /// A level that is too low is answered 401 with `acr_values` (RFC 9470), not 403.
    #[serde(default)]
    pub step_up: bool,
    /// How sure to be that the token still holds: `token`, by itself; `profile`, by its user's
    /// profile too.
    #[serde(default)]
    pub freshness: Freshness,
    /// Lets a strict CORS preflight pass: OPTIONS with `Origin` and
    /// `Access-Control-Request-Method`, and no credential.
    #[serde(default)]
    pub cors_preflight: bool,
    /// On an optional route, what an expired cookie means.
    #[serde(default)]
    pub expired_cookie: ExpiredCookie,
    /// What to do with a path that different servers read differently.
    #[serde(default)]
    pub odd_paths: OddPaths,
}

/// What holds where no route matches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DefaultRoute {
    /// Whether a credential is asked for.
    pub auth: Auth,
    /// The least auth level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_level: Option<AuthLevel>,
    /// A level that is too low is answered 401 with `acr_values` (RFC 9470), not 403.
    pub step_up: bool,
    /// How sure to be that the token still holds: `token`, by itself; `profile`, by its user's
    /// profile too.
    pub freshness: Freshness,
    /// Lets a strict CORS preflight pass.
    pub cors_preflight: bool,
    /// On an optional route, what an expired cookie means.
    pub expired_cookie: ExpiredCookie,
    /// What to do with a path that different servers read differently.
    pub odd_paths: OddPaths,
}
