//! The check of the sections `routes` and `default`: rules that can only be a mistake. A rule that
//! matches nothing leaves its requests to a later one or to the default, which may ask for less.

use std::collections::HashSet;

use super::{
    path_text,
    route::Route,
    route_match::{PathMatch, RouteMatch},
    schema::{Auth, DefaultRoute, WrittenRoute},
};
use crate::config::{findings::Findings, section::Section};

impl Section for Vec<WrittenRoute> {
    type Checked = Vec<Route>;

    fn check(self, at: &str, found: &mut Findings) -> Vec<Route> {
        let mut ids = HashSet::new();
        let checked = self.into_iter().enumerate().filter_map(|(index, route)| {
            let at = format!("{at}/{index}");
            if !ids.insert(route.id.clone()) || route.id == "default" {
                found.add(format!("{at}/id"), "another route has this id; write another one");
            }
            check_match(&route, &at, found);
            check_requirement(route.auth, route.auth_level.is_some(), route.step_up, &at, found);
            route.holds()
        });
        checked.collect()
    }
}

impl Section for DefaultRoute {
    type Checked = Self;

    fn check(self, at: &str, found: &mut Findings) -> Self {
        check_requirement(self.auth, self.auth_level.is_some(), self.step_up, at, found);
        self
    }
}

fn check_match(route: &WrittenRoute, at: &str, found: &mut Findings) {
    match (&route.matches, route.by_name) {
        (None, true) | (Some(RouteMatch::Any(_)), false) => {}
        (None, false) => found.add(
            at,
            "has no `match`; write `match: any` for every request, or `by_name: true` for a route \
             that only Envoy names",
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
            check_hosts(&parts.hosts, &at, found);
            if let Some(path) = &parts.path {
                check_path(path, &format!("{at}/path"), found);
            }
        }
    }
}

fn check_requirement(auth: Auth, level: bool, step_up: bool, at: &str, found: &mut Findings) {
    if level && auth != Auth::Required {
        found.add(
            format!("{at}/auth_level"),
            "has no effect where no credential is required; write auth: required",
        );
    }
    if step_up && !level {
        found.add(
            format!("{at}/step_up"),
            "needs `auth_level` too; write it, or leave `step_up` out",
        );
    }
}

fn check_hosts(hosts: &[String], at: &str, found: &mut Findings) {
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
                format!("`{host}` is not a host; write api.example.com or *.example.com, no port"),
            );
        }
    }
}

fn check_path(path: &PathMatch, at: &str, found: &mut Findings) {
    let (name, checked) = match path {
        PathMatch::Exact(path) => ("exact", path_text::check_literal(path, false)),
        PathMatch::Prefix(path) => ("prefix", path_text::check_literal(path, true)),
        PathMatch::Regex(pattern) => ("regex", path_text::check_regex(pattern)),
    };
    found.keep(format!("{at}/{name}"), checked);
}
