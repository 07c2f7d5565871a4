//! The request headers that a configuration reads, so that the proxy's filter may show no fewer.
//!
//! In: the configuration. Out: the headers as Envoy's `allowed_headers` writes them.

use std::{collections::BTreeSet, fmt};

use super::sections::{AppliesTo, Config, Requirement, RequirementLeaf, TokenSource};
use crate::expression::Place;

/// A header, or headers, of Envoy's `allowed_headers`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadHeader {
    /// This one.
    Exact(String),
    /// Each whose name matches this expression (RE2) as a whole: one name in all its spellings.
    Spellings(String),
}

/// One entry of `allowed_headers.patterns`.
impl fmt::Display for ReadHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => write!(f, "- exact: {name}"),
            Self::Spellings(pattern) => {
                write!(f, "- safe_regex: {{ regex: {} }}", serde_json::Value::from(&**pattern))
            }
        }
    }
}

impl ReadHeader {
    /// A name of lower-case letters and digits, with any sign in the place of each of its signs.
    fn every_spelling(name: &str) -> Self {
        let sign = |sign: char| {
            if sign.is_ascii_alphanumeric() { sign.to_string() } else { "[^a-z0-9]".to_owned() }
        };
        let pattern: String = name.chars().map(sign).collect();
        if pattern == name { Self::Exact(pattern) } else { Self::Spellings(pattern) }
    }
}

/// The headers of every configuration: the credential of most, the form of an answer, the two ids that
/// logs repeat.
const ALWAYS: [&str; 4] = ["authorization", "content-type", "traceparent", "x-request-id"];
/// The headers that say which page sent a cookie.
const OF_COOKIES: [&str; 5] = ["cookie", "origin", "sec-fetch-mode", "sec-fetch-site", "upgrade"];
/// The headers of a preflight.
const OF_PREFLIGHTS: [&str; 2] = ["access-control-request-method", "origin"];
/// The headers of a WebSocket handshake.
const OF_HANDSHAKES: [&str; 2] = ["sec-websocket-protocol", "upgrade"];
/// Every spelling of the reserved prefix, to be removed.
const RESERVED: &str = "x[^a-z0-9]rownd([^a-z0-9].*)?";

impl Config {
    /// The headers that Envoy's `allowed_headers` must hold where they are set, in order. A header that
    /// the proxy holds back counts as absent here, while the service behind gets it.
    #[must_use]
    pub fn read_headers(&self) -> Vec<ReadHeader> {
        let exact = |name: &str| ReadHeader::Exact(name.to_owned());
        let mut read: BTreeSet<ReadHeader> = ALWAYS.into_iter().map(exact).collect();
        read.insert(ReadHeader::Spellings(RESERVED.to_owned()));
        for source in &self.credentials.0 {
            match source {
                TokenSource::Header(name) => {
                    read.insert(exact(&name.to_ascii_lowercase()));
                }
                TokenSource::Cookie { .. } => read.extend(OF_COOKIES.map(exact)),
                TokenSource::Query(_) => {}
                TokenSource::WebsocketProtocol(_) => read.extend(OF_HANDSHAKES.map(exact)),
            }
        }
        let mut preflights = self.routes.iter().map(|route| route.cors_preflight);
        if preflights.any(|wanted| wanted) || self.default.cors_preflight {
            read.extend(OF_PREFLIGHTS.map(exact));
        }
        read.extend(self.headers_of_matches().map(ReadHeader::every_spelling));
        read.extend(
            self.headers_of_expressions().iter().map(|name| ReadHeader::every_spelling(name)),
        );
        read.into_iter().collect()
    }

    /// The headers that the matches of routes and guards ask for.
    fn headers_of_matches(&self) -> impl Iterator<Item = &str> {
        let guards = self.guards.iter().map(|guard| &guard.applies_to);
        let rules = guards.chain(self.routes.iter().map(|route| &route.applies_to));
        let parts = rules.filter_map(|applies_to| match applies_to {
            AppliesTo::Matching(parts) => Some(&parts.headers),
            AppliesTo::AllRequests | AppliesTo::NamedRequests => None,
        });
        parts.flatten().map(|part| part.name.as_str())
    }

    /// The headers that expressions read.
    fn headers_of_expressions(&self) -> Vec<&str> {
        let guards = self.guards.iter().map(|guard| &guard.require);
        let routes = self.routes.iter().filter_map(|route| route.require.as_ref());
        let requirements = guards.chain(routes).chain(&self.default.require);
        let mut names = Vec::new();
        for leaf in requirements.flat_map(Requirement::leaves) {
            let RequirementLeaf::Cel(expression) = leaf else { continue };
            names.extend(expression.places().iter().filter_map(|place| match place {
                Place::Header(name) => Some(&**name),
                Place::Request(_)
                | Place::Query(_)
                | Place::Identity(_)
                | Place::Claim(_)
                | Place::Profile(_)
                | Place::Path(_) => None,
            }));
        }
        names
    }
}
