//! The section `credentials`: where a credential is looked for.
//!
//! A source is written as a map of which one member says the place ([`WrittenTokenSource`]); it holds
//! as a [`TokenSource`].

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{findings::Findings, section::Section};

/// The token sources, in order, as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(in crate::config) struct WrittenCredentials(Vec<WrittenTokenSource>);

/// One place to look for a credential: exactly one of a header, a cookie, a query parameter and a
/// protocol of WebSocket handshakes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("oneOf" = [
    { "required": ["cookie"] },
    { "required": ["header"] },
    { "required": ["query"] },
    { "required": ["websocket_protocol"] },
]))]
pub(in crate::config) struct WrittenTokenSource {
    /// A header name. `authorization` takes `Bearer TOKEN`, any other the bare token.
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<String>,
    /// A cookie name. Methods that change state then need a same-origin proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    cookie: Option<String>,
    /// The form of the cookie's value: `plain` is the token itself; `rownd` is URI-encoded JSON with
    /// the token in `accessToken`, as Rownd's server-side rendering writes it. Default: `plain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<CookieFormat>,
    /// A query parameter. Addresses end up in logs and histories, so a header is better.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    /// A name in `Sec-WebSocket-Protocol` of WebSocket handshakes, such as `bearer`: the element after
    /// it is the token, which is removed from the header that the service behind gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    websocket_protocol: Option<String>,
}

/// The form of a cookie's value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CookieFormat {
    /// The token itself.
    #[default]
    Plain,
    /// URI-encoded JSON with the token in `accessToken`.
    Rownd,
}

/// The token sources, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Credentials(pub Vec<TokenSource>);

/// One place to look for a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "WrittenTokenSource")]
pub enum TokenSource {
    /// A header of this name.
    Header(String),
    /// A cookie.
    Cookie {
        /// Its name.
        name: String,
        /// The form of its value.
        format: CookieFormat,
    },
    /// A query parameter of this name.
    Query(String),
    /// The element after this name in `Sec-WebSocket-Protocol` of a WebSocket handshake.
    WebsocketProtocol(String),
}

impl Default for WrittenCredentials {
    fn default() -> Self {
        let header = Some("authorization".to_owned());
        Self(vec![WrittenTokenSource { header, ..WrittenTokenSource::default() }])
    }
}

impl From<TokenSource> for WrittenTokenSource {
    fn from(source: TokenSource) -> Self {
        let none = Self::default();
        match source {
            TokenSource::Header(name) => Self { header: Some(name), ..none },
            TokenSource::Cookie { name, format } => {
                Self { cookie: Some(name), format: Some(format), ..none }
            }
            TokenSource::Query(name) => Self { query: Some(name), ..none },
            TokenSource::WebsocketProtocol(name) => Self { websocket_protocol: Some(name), ..none },
        }
    }
}

impl Section for WrittenCredentials {
    type Checked = Credentials;

    fn check(self, at: &str, found: &mut Findings) -> Credentials {
        if self.0.is_empty() {
            found.add(at, "has no token source; write [{header: authorization}]");
        }
        let mut seen = HashSet::new();
        let mut sources = Vec::with_capacity(self.0.len());
        for (index, written) in self.0.into_iter().enumerate() {
            let at = format!("{at}/{index}");
            if written.format.is_some() && written.cookie.is_none() {
                found.add(
                    format!("{at}/format"),
                    "has no effect without `cookie`; leave it out, or write {cookie: NAME, format: rownd}",
                );
            }
            let Some(source) = written.place() else { continue };
            check_name(&source, &at, found);
            if !seen.insert(source.identity()) {
                found.add(at, "is there twice; leave one out");
            }
            sources.push(source);
        }
        Credentials(sources)
    }
}

impl WrittenTokenSource {
    /// The place that is written. The schema has refused none and several.
    fn place(self) -> Option<TokenSource> {
        let format = self.format.unwrap_or_default();
        self.header
            .map(TokenSource::Header)
            .or(self.cookie.map(|name| TokenSource::Cookie { name, format }))
            .or(self.query.map(TokenSource::Query))
            .or(self.websocket_protocol.map(TokenSource::WebsocketProtocol))
    }
}

impl TokenSource {
    /// The kind of place and the name there, as requests are searched for it: no two sources may have
    /// the same.
    fn identity(&self) -> (&'static str, String) {
        match self {
            Self::Header(name) => ("header", name.to_ascii_lowercase()),
            Self::Cookie { name, .. } => ("cookie", name.clone()),
            Self::Query(name) => ("query parameter", name.clone()),
            Self::WebsocketProtocol(name) => ("WebSocket protocol", name.to_ascii_lowercase()),
        }
    }
}

/// Adds the problem of a name that can never be one at its place, or is another setting's part.
fn check_name(source: &TokenSource, at: &str, found: &mut Findings) {
    let (place, name) = source.identity();
    if let TokenSource::Header(_) = source
        && name == WEBSOCKET_PROTOCOL_HEADER
    {
        found.add(
            at,
            "is a list of names, not a token; write {websocket_protocol: bearer} for a token \
             behind the name `bearer`",
        );
        return;
    }
    let reserved = match source {
        TokenSource::Header(_) => name == "cookie" || is_reserved(&name),
        TokenSource::Cookie { .. } | TokenSource::Query(_) | TokenSource::WebsocketProtocol(_) => {
            false
        }
    };
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() || reserved {
        found.add(at, format!("`{name}` cannot be the name of a {place} here; write another name"));
    }
}

/// The header of the names of protocols (RFC 6455 section 11.3.4), in lower case.
const WEBSOCKET_PROTOCOL_HEADER: &str = "sec-websocket-protocol";

/// Whether a proxy or a server may take the header for one of the reserved prefix `x-rownd-`, which
/// is removed from requests.
fn is_reserved(name: &str) -> bool {
    let dashed = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().map(dashed).collect::<String>().starts_with("x-rownd-")
}
