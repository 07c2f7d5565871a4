//! The request headers that matches and expressions read, held against the headers that this service
//! writes or takes credentials from: a client's own header of such a name says nothing.
//!
//! In: the configuration. Out: the problem of each rule that reads one.

use crate::{
    config::{
        findings::Findings,
        sections::{
            AppliesTo, Config, MappedValue, OutputHeader, Requirement, RequirementLeaf, TokenSource,
        },
    },
    expression::Place,
    model::is_spelling,
};

/// The header that holds a credential of a WebSocket handshake.
const WEBSOCKET_PROTOCOL: &str = "sec-websocket-protocol";

/// A header that is no word of the client, and why.
struct OwnHeader<'a> {
    name: &'a str,
    why: &'static str,
}

/// Adds the problems of all rules.
pub(super) fn check(config: &Config, found: &mut Findings) {
    let own = own_headers(config);
    for (at, name) in read(config) {
        // The names with a meaning of their own were judged where they stand.
        let known = own.iter().find(|own| is_spelling(name.as_bytes(), own.name.as_bytes()));
        if let Some(OwnHeader { why, .. }) = known.filter(|_| !found.has_within(&at)) {
            found.add(at, format!("`{name}` {why}"));
        }
    }
}

fn own_headers(config: &Config) -> Vec<OwnHeader<'_>> {
    let set = config.routes.iter().flat_map(|route| &route.outputs.headers).chain(&config.headers);
    let set = set.filter(|header| !header.replaces_credential()).map(|header| OwnHeader {
        name: &header.name,
        why: "is a header that `headers` sets, which is removed from what a client sends; read its \
              source instead, or write another name there",
    });
    let credentials = config.credentials.0.iter().filter_map(|source| match source {
        TokenSource::Header(name) => Some(name.as_str()),
        TokenSource::WebsocketProtocol(_) => Some(WEBSOCKET_PROTOCOL),
        TokenSource::Cookie { .. } | TokenSource::Query(_) => None,
    });
    let credentials = credentials.map(|name| OwnHeader {
        name,
        why: "holds a credential, and counts only when it is verified; write `auth: required`, and \
              `require` for what the token has to say",
    });
    set.chain(credentials).collect()
}

/// The names of all headers that rules read, each with its JSON pointer.
fn read(config: &Config) -> Vec<(String, &str)> {
    let mut read = Vec::new();
    for (index, guard) in config.guards.iter().enumerate() {
        let at = format!("/guards/{index}");
        matched(&guard.applies_to, &at, &mut read);
        required(&guard.require, &at, &mut read);
    }
    for (index, route) in config.routes.iter().enumerate() {
        let at = format!("/routes/{index}");
        matched(&route.applies_to, &at, &mut read);
        route.require.iter().for_each(|require| required(require, &at, &mut read));
        told(&route.outputs.headers, &format!("{at}/headers"), &mut read);
        told(&route.outputs.response_headers, &format!("{at}/response_headers"), &mut read);
        let query = route.outputs.query.iter().flat_map(|query| query.set.iter().enumerate());
        for (index, parameter) in query {
            of_value(&parameter.value, &format!("{at}/query/set/{index}"), &mut read);
        }
    }
    config.default.require.iter().for_each(|require| required(require, "/default", &mut read));
    told(&config.headers, "/headers", &mut read);
    told(&config.response_headers, "/response_headers", &mut read);
    read
}

fn matched<'a>(applies_to: &'a AppliesTo, at: &str, read: &mut Vec<(String, &'a str)>) {
    if let AppliesTo::Matching(parts) = applies_to {
        let parts = parts.headers.iter().enumerate();
        read.extend(
            parts.map(|(index, part)| {
                (format!("{at}/match/headers/{index}/name"), part.name.as_str())
            }),
        );
    }
}

fn required<'a>(require: &'a Requirement, at: &str, read: &mut Vec<(String, &'a str)>) {
    for (place, leaf) in require.places().iter().zip(require.leaves()) {
        if let RequirementLeaf::Cel(expression) = leaf {
            let names = expression.places().iter().filter_map(Place::header);
            read.extend(names.map(|name| (format!("{at}/require{place}"), name)));
        }
    }
}

fn told<'a>(headers: &'a [OutputHeader], at: &str, read: &mut Vec<(String, &'a str)>) {
    for (index, header) in headers.iter().enumerate() {
        of_value(&header.value, &format!("{at}/{index}"), read);
    }
}

fn of_value<'a>(value: &'a MappedValue, at: &str, read: &mut Vec<(String, &'a str)>) {
    let names = value.source.places().iter().filter_map(Place::header);
    read.extend(names.map(|name| (format!("{at}/from/cel"), name)));
}
