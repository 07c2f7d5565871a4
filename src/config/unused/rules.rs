//! Settings of rules that mean nothing beside the others, and a default that no request reaches.

use std::slice;

use super::{Unused, Warning};
use crate::config::{
    closed,
    document::{YamlDocument, readable},
    overlap,
    sections::{
        AppliesTo, Config, Guard, GuardedCallers, Mode, OnMissing, OutputHeader, Requirement,
        RequirementLeaf, RequirementNode, ValueSource,
    },
};
use crate::model::AuthLevel;

/// About a preflight that is let through.
const CLOSED: &str = "lets browsers ask for a request that `require: never` denies; leave it out";

/// Adds the settings of rules that have no effect.
pub(super) fn check(config: &Config, found: &mut Vec<Unused>) {
    for (index, route) in config.routes.iter().enumerate() {
        let at = format!("/routes/{index}");
        of_level(&at, route.auth_level, route.require.as_ref(), found);
        if route.passport.is_some() && is_never(route.require.as_ref()) {
            let text =
                "is never made beside require: never, which denies every request; leave it out";
            found.push((format!("{at}/passport"), text));
        }
        if route.cors_preflight && is_never(route.require.as_ref()) {
            found.push((format!("{at}/cors_preflight"), CLOSED));
        }
        of_headers(&format!("{at}/headers"), &route.outputs.headers, found);
        of_headers(&format!("{at}/response_headers"), &route.outputs.response_headers, found);
    }
    if config.default.cors_preflight && is_never(config.default.require.as_ref()) {
        found.push(("/default/cors_preflight".to_owned(), CLOSED));
    }
    of_level("/default", config.default.auth_level, config.default.require.as_ref(), found);
    of_headers("/headers", &config.headers, found);
    of_headers("/response_headers", &config.response_headers, found);
}

fn is_never(require: Option<&Requirement>) -> bool {
    require.is_some_and(|require| matches!(require.root(), RequirementNode::Never))
}

/// An auth level beside a condition that says as much or more.
fn of_level(
    at: &str,
    level: Option<AuthLevel>,
    require: Option<&Requirement>,
    found: &mut Vec<Unused>,
) {
    let Some(level) = level else { return };
    if is_never(require) {
        let text = "has no effect beside require: never, which denies every request; leave it out";
        return found.push((format!("{at}/auth_level"), text));
    }
    let Some(root) = require.map(Requirement::root) else { return };
    let nodes = if let RequirementNode::All(nodes) = root { nodes } else { slice::from_ref(root) };
    let is_lower = |node: &RequirementNode| match node {
        RequirementNode::Leaf(RequirementLeaf::AuthLevel(asked)) => *asked <= level,
        RequirementNode::Leaf(_)
        | RequirementNode::Never
        | RequirementNode::All(_)
        | RequirementNode::Any(_)
        | RequirementNode::NoneOf(_) => false,
    };
    if nodes.iter().any(is_lower) {
        let text = "has no effect: `auth_level` of the rule asks for as much or more; leave it out";
        found.push((format!("{at}/require/auth_level"), text));
    }
}

/// A constant is never missing.
fn of_headers(at: &str, headers: &[OutputHeader], found: &mut Vec<Unused>) {
    for (index, header) in headers.iter().enumerate() {
        let is_constant = matches!(header.value.source, ValueSource::Constant(_));
        if is_constant && header.value.on_missing == OnMissing::Deny {
            let text = "has no effect: a constant is never missing; leave it out";
            found.push((format!("{at}/{index}/on_missing"), text));
        }
    }
}

/// The warnings about a default behind a route for every request, and about guards that close
/// everything.
pub(super) fn unreachable(config: &Config, written: &YamlDocument) -> Vec<Warning> {
    let mut found = Vec::new();
    let takes_all = config.routes.iter().position(|route| {
        route.mode == Mode::Enforce && matches!(route.applies_to, AppliesTo::AllRequests)
    });
    if let Some(index) = takes_all.filter(|_| written.is_written("/default")) {
        let text = format!(
            "never decides: {} matches every request; leave the section out, or that route",
            readable(&format!("/routes/{index}"))
        );
        found.push(Warning::of("route_unreachable", "/default", text));
    }
    let closes = |guard: &Guard| is_never(Some(&guard.require));
    for (at, by) in closed::behind_closed(&config.guards, &config.routes, closes) {
        let text = format!(
            "never matters: guard `{by}` denies every request that it matches; leave it out, or narrow \
             that guard"
        );
        found.push(Warning::of("route_unreachable", at, text));
    }
    for (index, guard) in config.guards.iter().enumerate() {
        let at = format!("/guards/{index}");
        let has_no_caller = overlap::has_no_caller(guard, &config.routes, config.default.auth);
        let asks = |leaf: &RequirementLeaf| leaf.reads_identity();
        if has_no_caller
            && guard.callers == GuardedCallers::Identified
            && guard.require.leaves().next().is_some()
            && guard.require.leaves().all(asks)
        {
            let text = "judges nobody: its conditions are about the caller, and no route that decides its \
                        requests reads a credential (auth: none); write auth: optional in those routes";
            found.push(Warning::of("setting_without_effect", at.clone(), text));
        }
        if guard.mode != Mode::Enforce {
            continue;
        }
        if guard.callers == GuardedCallers::All && has_no_caller {
            let text = "denies every request that it matches: no rule reads a credential (auth: none), \
                        so that nobody has an identity; write auth: optional in the rules";
            found.push(Warning::of("condition_never_met", format!("{at}/applies_to"), text));
        }
        let is_closed = is_never(Some(&guard.require));
        if is_closed && matches!(guard.applies_to, AppliesTo::AllRequests) {
            let text = "denies every request, so that no route decides anything; narrow `match`";
            found.push(Warning::of("condition_never_met", format!("{at}/require"), text));
        }
    }
    found
}
