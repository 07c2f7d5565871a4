//! The request headers that a configuration reads, so that the proxy's filter may show no fewer.
//!
//! In: the configuration. Out: the headers as Envoy's `allowed_headers` writes them.

use std::{collections::BTreeSet, fmt};

use super::sections::{
    AppliesTo, Config, DenialTemplate, IssuerKind, Requirement, RequirementLeaf, TokenSource,
};
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
/// The headers that tell a browser that shows a page from others.
const OF_PAGES: [&str; 5] =
    ["accept", "sec-fetch-mode", "sec-websocket-key", "upgrade", "x-requested-with"];
/// The headers that prove the page of a SuperTokens session.
const OF_SUPERTOKENS: [&str; 2] = ["anti-csrf", "rid"];
/// The header of a transaction token, to be removed.
const TXN_TOKEN: &str = "txn-token";
const RESERVED_PREFIX: &str = "x-rownd-";
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
                TokenSource::Cookie { .. } => {
                    read.extend(OF_COOKIES.map(exact));
                    let kinds = self.issuers.iter().map(|issuer| issuer.kind());
                    if kinds.into_iter().any(|kind| kind == IssuerKind::Supertokens) {
                        read.extend(OF_SUPERTOKENS.map(exact));
                    }
                }
                TokenSource::Query(_) => {}
                TokenSource::WebsocketProtocol(_) => read.extend(OF_HANDSHAKES.map(exact)),
            }
        }
        let mut preflights = self.routes.iter().map(|route| route.cors_preflight);
        if preflights.any(|wanted| wanted) || self.default.cors_preflight {
            read.extend(OF_PREFLIGHTS.map(exact));
        }
        let guards = self.guards.iter().map(|guard| &guard.applies_to);
        for applies_to in guards.chain(self.routes.iter().map(|route| &route.applies_to)) {
            if let AppliesTo::Matching(parts) = applies_to {
                let names = parts.headers.iter().map(|part| ReadHeader::every_spelling(&part.name));
                read.extend(names);
            }
        }
        if self.has_pages() {
            read.extend(OF_PAGES.map(exact));
        }
        if let Some(passport) = &self.passport {
            let own = [&*passport.header, TXN_TOKEN].into_iter();
            let own = own.filter(|name| !name.starts_with(RESERVED_PREFIX));
            read.extend(own.map(ReadHeader::every_spelling));
        }
        read.extend(self.output_headers());
        read.into_iter().collect()
    }

    /// Some denial has a form of its own for browsers.
    fn has_pages(&self) -> bool {
        let own = self.routes.iter().filter_map(|route| route.denial.as_ref());
        let forms = own.map(DenialTemplate::form).chain([self.denial.form()]);
        forms.into_iter().any(|form| form.page.is_some() || form.sign_in.is_some())
    }

    /// The headers that rules set, to be removed in every spelling, and those that expressions read.
    fn output_headers(&self) -> impl Iterator<Item = ReadHeader> {
        let own = self.routes.iter().map(|route| &route.outputs);
        let set = self.headers.iter().chain(own.clone().flat_map(|own| &own.headers));
        let names = set.clone().map(|header| &*header.name);
        let told = set.chain(&self.response_headers);
        let told = told.chain(own.clone().flat_map(|own| &own.response_headers));
        let parameters = own.flat_map(|own| &own.query).flat_map(|query| &query.set);
        let values = told.map(|header| &header.value).chain(parameters.map(|it| &it.value));
        let read = values.flat_map(|value| value.source.places()).chain(self.asked_places());
        names.chain(read.filter_map(Place::header)).map(ReadHeader::every_spelling)
    }

    /// The places that the expressions of requirements read.
    fn asked_places(&self) -> impl Iterator<Item = &Place> {
        let routes = self.routes.iter().filter_map(|route| route.require.as_ref());
        let guards = self.guards.iter().map(|guard| &guard.require);
        let asked = routes.chain(guards).chain(&self.default.require);
        asked.flat_map(Requirement::leaves).flat_map(|leaf| match leaf {
            RequirementLeaf::Cel(expression) => expression.places(),
            _ => &[],
        })
    }
}
