//! The requirements of rules and guards, held against the issuers and against the paths that the rules
//! match.
//!
//! Ids, scopes and groups mean something only together with the issuer that gave them: a partner's
//! user `7` is not ours. So a condition about one of them needs a condition `issuer` beside it where
//! the tokens of several issuers can reach it.

use std::collections::{BTreeSet, HashSet};

use crate::{
    config::{
        document::readable,
        environment::app_variable,
        findings::Findings,
        sections::{
            AppKnownBy, AppliesTo, Config, Issuer, IssuerDetails, IssuerNames, PathMatch,
            Requirement, RequirementLeaf,
        },
    },
    expression::{IdentityPlace, Place, PlaceRoot},
};

/// A rule whose requirement is checked.
struct Asking<'a> {
    at: String,
    applies_to: Option<&'a AppliesTo>,
    require: &'a Requirement,
}

/// Adds the problems of all requirements.
pub(super) fn check(config: &Config, found: &mut Findings) {
    let issuers: IssuerNames<'_> =
        config.issuers.iter().map(|issuer| issuer.name.as_str()).collect();
    for rule in rules(config) {
        let at = format!("{}/require", rule.at);
        // An issuer with a problem of its own is not among them.
        if !found.has_within("/issuers") {
            check_names(&rule, &issuers, &at, found);
        }
        check_variables(&rule, &at, found);
        check_profiles(&rule, config, &issuers, &at, found);
        let reach = rule.require.reach(&issuers);
        let unbound =
            reach.iter().find(|(leaf, reaching)| reaching.len() > 1 && needs_issuer(leaf));
        if let Some((leaf, reaching)) = unbound {
            let message = format!(
                "`{}` means something only together with its issuer, and tokens of {} can reach it; \
                 write `issuer: NAME` with one of them beside it, and for the others a map of their own \
                 in `any`",
                leaf.setting(),
                list(reaching),
            );
            found.add(at, message);
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
fn check_names(rule: &Asking<'_>, issuers: &IssuerNames<'_>, at: &str, found: &mut Findings) {
    let placed = rule.require.places().iter().zip(rule.require.leaves());
    let named = placed.filter_map(|(place, leaf)| match leaf {
        RequirementLeaf::Issuer(names) => Some((place, names)),
        _ => None,
    });
    let names = named.flat_map(|(place, names)| names.iter().map(move |name| (place, name)));
    for (place, name) in names.filter(|(_, name)| !issuers.contains(name)) {
        let choice = if issuers.is_empty() {
            "there is none".to_owned()
        } else {
            format!("write one of: {}", list(issuers))
        };
        let message = format!("there is no issuer `{name}` under `issuers`; {choice}");
        found.add(format!("{at}{place}"), message);
    }
}

/// The variables that a condition reads stand in the path of the match.
fn check_variables(rule: &Asking<'_>, at: &str, found: &mut Findings) {
    if found.has_within(&format!("{}/match", rule.at)) {
        return;
    }
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

/// The apps of Rownd whose users a condition is about have the key and the secret that open their
/// profiles.
fn check_profiles(
    rule: &Asking<'_>,
    config: &Config,
    names: &IssuerNames<'_>,
    at: &str,
    found: &mut Findings,
) {
    let reach = rule.require.reach(names);
    let mut missing = BTreeSet::new();
    for (index, issuer) in config.issuers.iter().enumerate() {
        let IssuerDetails::Rownd(rownd) = &issuer.details else { continue };
        let asked = reach.iter().find(|(leaf, reaching)| {
            reaching.contains(issuer.name.as_str()) && reads_profile(leaf, issuer)
        });
        let Some((leaf, _)) = asked else { continue };
        for (app, settings) in rownd.apps.iter().enumerate() {
            let has_key = match &settings.known_by {
                AppKnownBy::Id { key, .. } => key.is_some(),
                AppKnownBy::Key(_) => true,
            };
            for (name, there) in [("key", has_key), ("secret", settings.secret.is_some())] {
                if !there {
                    let at = format!("/issuers/{index}/apps/{app}");
                    let variable = app_variable(&at, settings.from_variables, name);
                    missing.insert((at, name, leaf.setting(), variable));
                }
            }
        }
    }
    for (app, name, setting, variable) in missing {
        let message = format!(
            "has no {name}, which `{setting}` in {} needs to read profiles; write `{name}:` here or \
             set {variable}",
            readable(at),
        );
        found.add(app, message);
    }
}

/// The condition asks the profile of this issuer's users.
fn reads_profile(leaf: &RequirementLeaf, issuer: &Issuer) -> bool {
    match leaf {
        RequirementLeaf::Verified(_)
        | RequirementLeaf::GroupRole { .. }
        | RequirementLeaf::Attribute(..) => true,
        RequirementLeaf::Group(_) => issuer.claims.groups.is_none(),
        RequirementLeaf::Cel(expression) => expression.reads(PlaceRoot::Profile),
        // The sources of roles are checked where they are written.
        RequirementLeaf::Role(_)
        | RequirementLeaf::Permission(_)
        | RequirementLeaf::AuthLevel(_)
        | RequirementLeaf::Anonymous(_)
        | RequirementLeaf::Issuer(_)
        | RequirementLeaf::App(_)
        | RequirementLeaf::AppVariant(_)
        | RequirementLeaf::Tenant(_)
        | RequirementLeaf::User(_)
        | RequirementLeaf::Scope(_)
        | RequirementLeaf::Claim(..)
        | RequirementLeaf::PathIsIdentity { .. }
        | RequirementLeaf::PathIsClaim { .. }
        | RequirementLeaf::MaxAge(_)
        | RequirementLeaf::TokenMaxAge(_)
        | RequirementLeaf::Source(_) => false,
    }
}

/// The condition compares something that means nothing without its issuer.
fn needs_issuer(leaf: &RequirementLeaf) -> bool {
    match leaf {
        RequirementLeaf::User(_)
        | RequirementLeaf::App(_)
        | RequirementLeaf::AppVariant(_)
        | RequirementLeaf::Verified(_)
        | RequirementLeaf::Scope(_)
        | RequirementLeaf::Group(_)
        | RequirementLeaf::GroupRole { .. }
        | RequirementLeaf::Attribute(..)
        | RequirementLeaf::Claim(..)
        | RequirementLeaf::Tenant(_)
        | RequirementLeaf::PathIsIdentity { .. }
        | RequirementLeaf::PathIsClaim { .. } => true,
        RequirementLeaf::Cel(expression) => expression.places().iter().any(is_of_an_issuer),
        // A role counts by the sources of its user's own issuer.
        RequirementLeaf::Role(_)
        | RequirementLeaf::Permission(_)
        | RequirementLeaf::AuthLevel(_)
        | RequirementLeaf::Anonymous(_)
        | RequirementLeaf::Issuer(_)
        | RequirementLeaf::MaxAge(_)
        | RequirementLeaf::TokenMaxAge(_)
        | RequirementLeaf::Source(_) => false,
    }
}

/// The place holds what its issuer alone gives a meaning to.
const fn is_of_an_issuer(place: &Place) -> bool {
    match place {
        Place::Claim(_) | Place::Profile(_) => true,
        Place::Identity(field) => matches!(
            field,
            IdentityPlace::UserId
                | IdentityPlace::AppId
                | IdentityPlace::AppVariant
                | IdentityPlace::Tenant
                | IdentityPlace::SessionId
                | IdentityPlace::TokenId
                | IdentityPlace::Roles
                | IdentityPlace::Permissions
                | IdentityPlace::Groups
                | IdentityPlace::Scopes
        ),
        Place::Request(_) | Place::Header(_) | Place::Query(_) | Place::Path(_) => false,
    }
}

/// Guards and routes have one name each: logs and metrics tell them apart by it.
fn check_ids(config: &Config, found: &mut Findings) {
    let routes: HashSet<&str> = config.routes.iter().map(|route| route.id.as_str()).collect();
    for (index, guard) in config.guards.iter().enumerate() {
        if routes.contains(guard.id.as_str()) {
            let message = format!("a route has the id `{}` too; write another", guard.id);
            found.add(format!("/guards/{index}/id"), message);
        }
    }
}

fn list(names: &IssuerNames<'_>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}
