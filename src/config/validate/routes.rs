//! Rules: ids, what they match, and rules that can only be a mistake. A rule that matches nothing
//! leaves its requests to a later one or to the default, which may ask for less.

use std::collections::HashSet;

use super::literal;
use crate::config::{
    Auth, Config, DefaultRoute, OriginPattern, PathMatch, RouteMatch, findings::Findings,
};

/// The methods of IANA's HTTP Method Registry, and `PURGE` of caches.
#[rustfmt::skip] // in the order of the registry
const METHODS: [&str; 41] = [
    "ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "CONNECT", "COPY", "DELETE", "GET",
    "HEAD", "LABEL", "LINK", "LOCK", "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL",
    "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "OPTIONS", "ORDERPATCH", "PATCH", "POST", "PRI",
    "PROPFIND", "PROPPATCH", "PUT", "QUERY", "REBIND", "REPORT", "SEARCH", "TRACE", "UNBIND",
    "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL", "PURGE",
];

pub(super) fn routes(config: &Config, found: &mut Findings) {
    let mut ids = HashSet::new();
    for (index, route) in config.routes.iter().enumerate() {
        let at = format!("/routes/{index}");
        if !ids.insert(&route.id) || route.id == "default" {
            found.add(format!("{at}/id"), "another route has this id");
        }
        match (&route.matches, route.by_name) {
            (None, true) | (Some(RouteMatch::Any(_)), false) => {}
            (None, false) => found.add(
                at.clone(),
                "has no `match`; write `match: any` for every request, or `by_name: true` for a \
                 route that only Envoy names",
            ),
            (Some(_), true) => found.add(
                format!("{at}/by_name"),
                "a route that only Envoy names matches nothing by itself; leave out `match` or \
                 `by_name`",
            ),
            (Some(RouteMatch::Parts(parts)), false) => {
                let at = format!("{at}/match");
                if parts.hosts.is_empty() && parts.methods.is_empty() && parts.path.is_none() {
                    found.add(at.clone(), "is empty; write `match: any`");
                }
                hosts(&parts.hosts, &at, found);
                methods(&parts.methods, &config.check.extra_methods, &at, found);
                if let Some(path) = &parts.path {
                    path_match(path, &format!("{at}/path"), found);
                }
            }
        }
        requirement(route.auth, route.auth_level.is_some(), route.step_up, &at, found);
    }
    extra_methods(&config.check.extra_methods, found);
}

pub(super) fn default_route(route: &DefaultRoute, found: &mut Findings) {
    requirement(route.auth, route.auth_level.is_some(), route.step_up, "/default", found);
}

pub(super) fn trusted_origins(origins: &[String], found: &mut Findings) {
    let mut seen = Vec::new();
    for (index, origin) in origins.iter().enumerate() {
        let at = format!("/trusted_origins/{index}");
        match OriginPattern::parse(origin) {
            Err(message) => found.add(at, message),
            Ok(pattern) if seen.contains(&pattern) => found.add(at, "stands twice"),
            Ok(pattern) => seen.push(pattern),
        }
    }
}

fn requirement(auth: Auth, level: bool, step_up: bool, at: &str, found: &mut Findings) {
    if level && auth != Auth::Required {
        found.add(
            format!("{at}/auth_level"),
            "asks for a level where no credential is required; write auth: required",
        );
    }
    if step_up && !level {
        found.add(format!("{at}/step_up"), "has no `auth_level` to step up to");
    }
}

fn hosts(hosts: &[String], at: &str, found: &mut Findings) {
    for (index, host) in hosts.iter().enumerate() {
        let name = host.strip_prefix("*.").unwrap_or(host);
        let name = name.strip_suffix('.').unwrap_or(name);
        let label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if !name.split('.').all(label) {
            found.add(
                format!("{at}/hosts/{index}"),
                format!("`{host}` is no host; write api.example.com or *.example.com, no port"),
            );
        }
    }
}

fn methods(methods: &[String], extra: &[String], at: &str, found: &mut Findings) {
    for (index, method) in methods.iter().enumerate() {
        if METHODS.contains(&method.as_str()) || extra.contains(method) {
            continue;
        }
        let upper = method.to_ascii_uppercase();
        let message = if matches!(upper.as_str(), "ANY" | "ALL" | "*") {
            format!("`{method}` is no method; leave `methods` out for all of them")
        } else if METHODS.contains(&upper.as_str()) || extra.contains(&upper) {
            format!("`{method}` is no method; write {upper}")
        } else {
            let near = METHODS
                .iter()
                .map(|known| (strsim::damerau_levenshtein(known, &upper), *known))
                .min()
                .filter(|(distance, _)| *distance <= 2);
            let near = near.map_or(String::new(), |(_, known)| format!("did you mean {known}? "));
            format!(
                "`{method}` is no registered method; {near}A method of your own belongs into \
                 `check.extra_methods`"
            )
        };
        found.add(format!("{at}/methods/{index}"), message);
    }
}

fn extra_methods(methods: &[String], found: &mut Findings) {
    for (index, method) in methods.iter().enumerate() {
        let good = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if method.is_empty() || !method.bytes().all(good) {
            found.add(
                format!("/check/extra_methods/{index}"),
                format!("`{method}` is no method; write it in upper case"),
            );
        }
    }
}

fn path_match(path: &PathMatch, at: &str, found: &mut Findings) {
    let (name, checked) = match path {
        PathMatch::Exact(path) => ("exact", literal::judge(path, false)),
        PathMatch::Prefix(path) => ("prefix", literal::judge(path, true)),
        PathMatch::Regex(pattern) => ("regex", literal::judge_regex(pattern)),
    };
    found.keep(format!("{at}/{name}"), checked);
}
