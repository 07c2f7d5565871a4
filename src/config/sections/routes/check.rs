//! The check of the sections `routes` and `default`: rules that can only be a mistake. A rule that
//! matches nothing leaves its requests to a later one or to the default, which may ask for less.

use std::collections::HashSet;

use super::{
    match_check::check_match,
    route::{AppliesTo, DefaultRoute, Route},
    route_match::RouteMatch,
    schema::{Auth, WrittenDefault, WrittenRoute},
};
use crate::config::{
    findings::Findings,
    section::Section,
    sections::{
        DenialTemplate,
        outputs::{OutputScope, RouteOutputs, check_header_map, check_query},
        requirement::{Requirement, WrittenRequire},
    },
};

impl Section for Vec<WrittenRoute> {
    type Checked = Vec<Route>;

    fn check(self, at: &str, found: &mut Findings) -> Vec<Route> {
        let mut ids = HashSet::new();
        let checked = self.into_iter().enumerate().map(|(index, route)| {
            let at = format!("{at}/{index}");
            if route.id == "default" {
                let message = "`default` is the id of the section `default`, in logs and metrics; \
                               write another one, or put the settings there";
                found.add(format!("{at}/id"), message);
            } else if !ids.insert(route.id.clone()) {
                let message = format!("another route has the id `{}` too; write another", route.id);
                found.add(format!("{at}/id"), message);
            }
            let applies_to = applies_to(&route, &at, found);
            check_requirement(route.auth, route.auth_level.is_some(), route.step_up, &at, found);
            if let Some(passport) = &route.passport {
                passport.check(&format!("{at}/passport"), found);
            }
            let require = require(route.require.clone(), route.auth, &at, found);
            let denial = check_denial(&route, &at, found);
            let outputs = check_outputs(&route, &at, found);
            // A rule whose match has a problem keeps its place in the list: the others are found by it.
            let applies_to = applies_to.unwrap_or(AppliesTo::NamedRequests);
            route.holds(applies_to, require, denial, outputs)
        });
        checked.collect()
    }
}

impl Section for WrittenDefault {
    type Checked = DefaultRoute;

    fn check(self, at: &str, found: &mut Findings) -> DefaultRoute {
        check_requirement(self.auth, self.auth_level.is_some(), self.step_up, at, found);
        DefaultRoute {
            auth: self.auth,
            auth_level: self.auth_level,
            step_up: self.step_up,
            require: require(self.require, self.auth, at, found),
            freshness: self.freshness,
            cors_preflight: self.cors_preflight,
            expired_cookie: self.expired_cookie,
            odd_paths: self.odd_paths,
        }
    }
}

fn check_outputs(route: &WrittenRoute, at: &str, found: &mut Findings) -> RouteOutputs {
    let scope = OutputScope::OneRule;
    let mut list = |written, name| check_header_map(written, &format!("{at}/{name}"), scope, found);
    let headers = list(&route.headers, "headers");
    let response_headers = list(&route.response_headers, "response_headers");
    let query = route.query.as_ref();
    RouteOutputs {
        headers,
        response_headers,
        query: query.map(|query| check_query(query, &format!("{at}/query"), scope, found)),
        strip_credential: route.strip_credential,
    }
}

/// The requirement of a rule, which may look at an identity only where one is read.
fn require(
    written: Option<WrittenRequire>,
    auth: Auth,
    at: &str,
    found: &mut Findings,
) -> Option<Requirement> {
    let at = format!("{at}/require");
    let requirement = written?.check(&at, found);
    if auth == Auth::None
        && let Some(leaf) = requirement.leaves().find(|leaf| leaf.reads_identity())
    {
        let message = format!(
            "asks for `{}` where no credential is read; write auth: required",
            leaf.setting()
        );
        found.add(at, message);
    }
    Some(requirement)
}

/// The requests that a rule is for; `None` if that is a problem.
fn applies_to(route: &WrittenRoute, at: &str, found: &mut Findings) -> Option<AppliesTo> {
    match (&route.matches, route.by_name) {
        (None, true) => Some(AppliesTo::NamedRequests),
        (Some(RouteMatch::Any(_)), false) => Some(AppliesTo::AllRequests),
        (None, false) => {
            found.add(
                at,
                "has no `match`; write `match: any` for every request, or `by_name: true` for a \
                 route that only Envoy names",
            );
            None
        }
        (Some(_), true) => {
            found.add(
                format!("{at}/by_name"),
                "a route that only Envoy names matches nothing by itself; leave out `match` or \
                 `by_name`",
            );
            None
        }
        (Some(RouteMatch::Parts(parts)), false) => {
            check_match(parts, &format!("{at}/match"), found).map(AppliesTo::Matching)
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

fn check_denial(route: &WrittenRoute, at: &str, found: &mut Findings) -> Option<DenialTemplate> {
    let denial = route.denial.as_ref()?;
    let at = format!("{at}/denial");
    if denial.is_empty() {
        found.add(
            &at,
            "is empty; write `html`, `redirect` or `json: true`, or leave it out for the forms of \
             the whole file",
        );
    }
    if denial.redirects() && route.auth == Auth::None {
        found.add(
            format!("{at}/redirect"),
            "has no effect where no credential is read; leave it out, or write auth: required",
        );
    }
    Some(denial.clone().check(&at, found))
}
