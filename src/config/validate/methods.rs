//! The methods of routes and guards: registered, or listed in `check.extra_methods`.

use crate::config::{
    findings::Findings,
    nearest::nearest,
    sections::{RouteMatch, WrittenConfig},
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

/// Adds the problems of the methods that routes and guards name.
pub(super) fn check(config: &WrittenConfig, found: &mut Findings) {
    let extra = &config.check.extra_methods;
    for (index, route) in config.routes.iter().enumerate() {
        if let Some(RouteMatch::Parts(parts)) = &route.matches
            && !route.by_name
        {
            check_methods(&parts.methods, extra, &format!("/routes/{index}/match"), found);
        }
    }
    for (index, guard) in config.guards.iter().enumerate() {
        if let RouteMatch::Parts(parts) = &guard.matches {
            check_methods(&parts.methods, extra, &format!("/guards/{index}/match"), found);
        }
    }
}

fn check_methods(methods: &[String], extra: &[String], at: &str, found: &mut Findings) {
    for (index, method) in methods.iter().enumerate() {
        if METHODS.contains(&method.as_str()) || extra.contains(method) {
            continue;
        }
        let upper = method.to_ascii_uppercase();
        let message = if matches!(upper.as_str(), "ANY" | "ALL" | "*") {
            format!("`{method}` is not a method; leave `methods` out for all of them")
        } else if METHODS.contains(&upper.as_str()) || extra.contains(&upper) {
            format!("`{method}` is not a method; write {upper}")
        } else {
            let near = nearest(&upper, METHODS);
            let near = near.map_or(String::new(), |known| format!("did you mean {known}? "));
            format!(
                "`{method}` is not a registered method; {near}list a method of your own in \
                 `check.extra_methods`"
            )
        };
        found.add(format!("{at}/methods/{index}"), message);
    }
}
