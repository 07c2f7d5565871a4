//! The outputs of rules, held against what the rules match and read: a value that can
//! never be there, a header that others need.

use std::collections::BTreeSet;

use crate::{
    config::{
        findings::Findings,
        sections::{
            AppliesTo, Auth, Config, MappedValue, OnMissing, OutputHeader, PathMatch, Route,
            RouteOutputs, TokenSource, ValueSource,
        },
    },
    expression::Place,
};

/// Adds the problems of all outputs.
pub(super) fn check(config: &Config, found: &mut Findings) {
    let credentials: BTreeSet<String> = (config.credentials.0.iter())
        .filter_map(|source| match source {
            TokenSource::Header(name) => Some(name.to_ascii_lowercase()),
            TokenSource::Cookie { .. }
            | TokenSource::Query(_)
            | TokenSource::WebsocketProtocol(_) => None,
        })
        .collect();
    let check_names = |headers: &[OutputHeader], at: &str, found: &mut Findings| {
        for (index, header) in headers.iter().enumerate() {
            if credentials.contains(&*header.name) && !header.replaces_credential() {
                found.add(
                    format!("{at}/{index}/name"),
                    format!("`{}` stands under `credentials`; write another name", header.name),
                );
            }
        }
    };
    check_names(&config.headers, "/headers", found);
    for (index, route) in config.routes.iter().enumerate() {
        let at = format!("/routes/{index}");
        check_names(&route.outputs.headers, &format!("{at}/headers"), found);
        let rule_match = format!("{at}/match");
        for (at, value) in values(route, &at) {
            check_variables(route, value, (&at, &rule_match), found);
            if route.auth == Auth::None && value.source.needs_identity() {
                found.add(
                    format!("{at}/from"),
                    "has no value on a route with auth: none, which reads no credential; leave it \
                     out",
                );
            }
        }
        check_inherited(config, route.auth, &route.outputs, &at, found);
    }
    check_inherited(config, config.default.auth, &RouteOutputs::default(), "/default", found);
}

/// The values of a rule's own outputs, each with its place.
fn values<'a>(route: &'a Route, at: &str) -> Vec<(String, &'a MappedValue)> {
    let outputs = &route.outputs;
    let list = |headers: &'a [OutputHeader], name: &str| {
        let at = format!("{at}/{name}");
        headers.iter().enumerate().map(move |(index, it)| (format!("{at}/{index}"), &it.value))
    };
    let query = outputs.query.iter().flat_map(|query| query.set.iter().enumerate());
    let query = query.map(|(index, it)| (format!("{at}/query/set/{index}"), &it.value));
    list(&outputs.headers, "headers")
        .chain(list(&outputs.response_headers, "response_headers"))
        .chain(query)
        .collect()
}

/// The variables that a value reads stand in the path of the match.
fn check_variables(
    route: &Route,
    value: &MappedValue,
    (at, rule_match): (&str, &str),
    found: &mut Findings,
) {
    let path = match &route.applies_to {
        AppliesTo::Matching(parts) => parts.path.as_ref(),
        AppliesTo::NamedRequests | AppliesTo::AllRequests => None,
    };
    if found.has_within(rule_match) {
        return;
    }
    let defined: Vec<&str> = path.into_iter().flat_map(PathMatch::variables).collect();
    for place in value.source.places() {
        let Place::Path(name) = place else { continue };
        if !defined.contains(&&**name) {
            let choice = if defined.is_empty() {
                "the match of this rule defines none; write path: { template: \"/users/{id}\" }"
                    .to_owned()
            } else {
                format!("write one of: {}", defined.join(", "))
            };
            let setting = match value.source {
                ValueSource::Expression(_) => "cel",
                ValueSource::Constant(_) | ValueSource::Place(_) | ValueSource::Inside(..) => {
                    "path"
                }
            };
            found.add(
                format!("{at}/from/{setting}"),
                format!("there is no variable `{name}`; {choice}"),
            );
        }
    }
}

/// A header of every rule that denies where it is missing would deny each request of a rule that reads
/// no credential.
fn check_inherited(
    config: &Config,
    auth: Auth,
    outputs: &RouteOutputs,
    at: &str,
    found: &mut Findings,
) {
    if auth != Auth::None {
        return;
    }
    let lists = [
        ("headers", &config.headers, &outputs.headers),
        ("response_headers", &config.response_headers, &outputs.response_headers),
    ];
    for (list, global, own) in lists {
        for header in global.iter().filter(|header| {
            header.value.on_missing == OnMissing::Deny
                && header.value.source.needs_identity()
                && !own.iter().any(|own| own.name == header.name)
        }) {
            found.add(
                at,
                format!(
                    "reads no credential, and `{}` of `{list}` denies requests without a value; \
                     write that header with on_missing: omit, and on the routes that need it with \
                     deny",
                    header.name,
                ),
            );
        }
    }
}
