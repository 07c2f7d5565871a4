//! The requirements of rules and guards, held against the issuers and against the paths that the rules
//! match.
//!
//! Ids, scopes and groups mean something only together with the issuer that gave them: a partner's
//! user `7` is not ours. So a condition about one of them needs a condition `issuer` beside it where
//! the tokens of several issuers can reach it.

use std::collections::{BTreeSet, HashSet};

use crate::config::{
    findings::Findings,
    sections::{
        AppliesTo, Config, PathMatch, Requirement, RequirementLeaf, RequirementNode, Texts,
    },
};

/// A rule whose requirement is checked.
struct Asking<'a> {
    at: String,
    applies_to: Option<&'a AppliesTo>,
    require: &'a Requirement,
}

/// Adds the problems of all requirements.
pub(super) fn check(config: &Config, found: &mut Findings) {
    let issuers: BTreeSet<&str> =
        config.issuers.iter().map(|issuer| issuer.name.as_str()).collect();
    for rule in rules(config) {
        let at = format!("{}/require", rule.at);
        check_names(&rule, &issuers, &at, found);
        check_variables(&rule, &at, found);
        if issuers.len() > 1 {
            let message = unbound(rule.require.root(), &issuers);
            if let Some(leaf) = message {
                found.add(
                    at,
                    format!(
                        "`{}` means something only together with its issuer, and tokens of {} can \
                         reach it; write `issuer: NAME` beside it",
                        leaf.setting(),
                        list(&issuers),
                    ),
                );
            }
        }
    }
    check_ids(config, found);
}

fn rules(config: &Config) -> impl Iterator<Item = Asking<'_>> {
    let guards = config.guards.iter().enumerate().map(|(index, guard)| Asking {
        at: format!("/guards/{index}"),
        applies_to: Some(&guard.applies_to),
        require: &guard.require,
    });
    let routes = config.routes.iter().enumerate().filter_map(|(index, route)| {
        Some(Asking {
            at: format!("/routes/{index}"),
            applies_to: Some(&route.applies_to),
            require: route.require.as_ref()?,
        })
    });
    let default = config.default.require.as_ref().map(|require| Asking {
        at: "/default".to_owned(),
        applies_to: None,
        require,
    });
    guards.chain(routes).chain(default)
}

/// The issuers that a condition names exist.
fn check_names(rule: &Asking<'_>, issuers: &BTreeSet<&str>, at: &str, found: &mut Findings) {
    let named = rule.require.leaves().filter_map(|leaf| match leaf {
        RequirementLeaf::Issuer(names) => Some(names),
        _ => None,
    });
    for name in named.flat_map(Texts::iter).filter(|name| !issuers.contains(name)) {
        let choice = if issuers.is_empty() {
            "there is none".to_owned()
        } else {
            format!("write one of: {}", list(issuers))
        };
        found.add(at, format!("there is no issuer `{name}` under `issuers`; {choice}"));
    }
}

/// The variables that a condition reads stand in the path of the match.
fn check_variables(rule: &Asking<'_>, at: &str, found: &mut Findings) {
    let defined: Vec<String> = match rule.applies_to {
        Some(AppliesTo::Matching(parts)) => {
            parts.path.iter().flat_map(PathMatch::variables).map(str::to_owned).collect()
        }
        Some(AppliesTo::NamedRequests | AppliesTo::AllRequests) | None => Vec::new(),
    };
    for leaf in rule.require.leaves() {
        let (setting, named): (_, Vec<&str>) = match leaf {
            RequirementLeaf::PathIsIdentity { variable, .. }
            | RequirementLeaf::PathIsClaim { variable, .. } => ("equals/path", vec![variable]),
            RequirementLeaf::Cel(expression) => ("cel", expression.path_variables().collect()),
            _ => continue,
        };
        let unknown = named.into_iter().filter(|name| !defined.iter().any(|known| known == name));
        for variable in unknown {
            let choice = if defined.is_empty() {
                "the match of this rule defines none; write path: { template: \"/users/{id}\" }"
                    .to_owned()
            } else {
                format!("write one of: {}", defined.join(", "))
            };
            let message = format!("there is no variable `{variable}`; {choice}");
            found.add(format!("{at}/{setting}"), message);
        }
    }
}

/// The first condition that needs an issuer beside it and can be reached by tokens of several.
fn unbound<'a>(
    node: &'a RequirementNode,
    reaching: &BTreeSet<&'a str>,
) -> Option<&'a RequirementLeaf> {
    match node {
        RequirementNode::Never => None,
        RequirementNode::All(nodes) => {
            let mut reaching = reaching.clone();
            for node in nodes {
                if let Some(names) = issuers_of(node) {
                    reaching.retain(|known| names.contains(known));
                }
            }
            nodes.iter().find_map(|node| unbound(node, &reaching))
        }
        RequirementNode::Any(nodes) | RequirementNode::NoneOf(nodes) => {
            nodes.iter().find_map(|node| unbound(node, reaching))
        }
        RequirementNode::Leaf(leaf) => (reaching.len() > 1 && needs_issuer(leaf)).then_some(leaf),
    }
}

/// The issuers outside of which a node does not hold; `None` where it says nothing about issuers.
fn issuers_of(node: &RequirementNode) -> Option<BTreeSet<&str>> {
    match node {
        RequirementNode::Leaf(RequirementLeaf::Issuer(names)) => Some(names.iter().collect()),
        RequirementNode::Leaf(_) | RequirementNode::Never | RequirementNode::NoneOf(_) => None,
        RequirementNode::All(nodes) => {
            let mut sets = nodes.iter().filter_map(issuers_of);
            let first = sets.next()?;
            Some(sets.fold(first, |all, set| all.intersection(&set).copied().collect()))
        }
        RequirementNode::Any(nodes) => {
            let sets: Option<Vec<BTreeSet<&str>>> = nodes.iter().map(issuers_of).collect();
            Some(sets?.into_iter().flatten().collect())
        }
    }
}

const fn needs_issuer(leaf: &RequirementLeaf) -> bool {
    match leaf {
        RequirementLeaf::User(_)
        | RequirementLeaf::Scope(_)
        | RequirementLeaf::Group(_)
        | RequirementLeaf::GroupRole { .. }
        | RequirementLeaf::Attribute(..)
        | RequirementLeaf::Claim(..)
        | RequirementLeaf::Tenant(_)
        | RequirementLeaf::PathIsIdentity { .. }
        | RequirementLeaf::PathIsClaim { .. } => true,
        // A role counts by the sources of its user's own issuer. An expression can compare anything.
        RequirementLeaf::Role(_) | RequirementLeaf::Permission(_) | RequirementLeaf::Cel(_) => {
            false
        }
        RequirementLeaf::AuthLevel(_)
        | RequirementLeaf::Anonymous(_)
        | RequirementLeaf::Verified(_)
        | RequirementLeaf::Issuer(_)
        | RequirementLeaf::App(_)
        | RequirementLeaf::AppVariant(_)
        | RequirementLeaf::MaxAge(_)
        | RequirementLeaf::TokenMaxAge(_)
        | RequirementLeaf::Source(_) => false,
    }
}

/// Guards and routes have one name each: logs and metrics tell them apart by it.
fn check_ids(config: &Config, found: &mut Findings) {
    let routes: HashSet<&str> = config.routes.iter().map(|route| route.id.as_str()).collect();
    for (index, guard) in config.guards.iter().enumerate() {
        if routes.contains(guard.id.as_str()) {
            found.add(format!("/guards/{index}/id"), "a route has this id; write another one");
        }
    }
}

fn list(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}
