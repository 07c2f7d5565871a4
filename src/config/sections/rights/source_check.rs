//! The check of the section `role_sources`: each entry has one place, and names that can be meant.
//!
//! In: the entries as written. Out: those that hold. Whether the issuers fit is checked in
//! `validate`, which sees both sections.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    names::{MAX_NAME_BYTES, role_problem},
    source::{RoleNaming, RolePlace, RoleSource, WrittenRoleSource},
};
use crate::config::{
    document::escape,
    findings::Findings,
    section::Section,
    sections::issuers::{Claim, REGISTERED},
};

/// The most users and domains of one entry.
const MAX_USERS: usize = 10_000;
/// The most roles of one user or domain.
const MAX_ROLES_OF_ONE: usize = 64;
/// The most roles that a map renames.
const MAX_MAP: usize = 1000;
/// The most bytes of a user id or of a role of an issuer.
const MAX_FOREIGN_BYTES: usize = 256;

/// The settings of which an entry has exactly one.
const PLACES: &str = "`claim`, `permission_claim`, `mapped: true`, `st_role: true`, `st_perm: true`, \
                      `group_roles: true`, `attribute` and `users`";

impl Section for Vec<WrittenRoleSource> {
    type Checked = Vec<RoleSource>;

    fn check(self, at: &str, found: &mut Findings) -> Vec<RoleSource> {
        let entries = self.into_iter().enumerate();
        entries
            .filter_map(|(index, source)| source.check(&format!("{at}/{index}"), found))
            .collect()
    }
}

impl WrittenRoleSource {
    fn check(self, at: &str, found: &mut Findings) -> Option<RoleSource> {
        let naming = self.naming(at, found);
        let place = self.place(at, found);
        let (place, naming) = (place?, naming?);
        let renamed = naming != RoleNaming::Own;
        if renamed && (place.gives_permissions() || matches!(place, RolePlace::Users { .. })) {
            let setting = if self.map.is_some() { "map" } else { "prefix" };
            found.add(
                format!("{at}/{setting}"),
                "is for the roles of an issuer; permissions, and the roles of `users`, count as they \
                 are written: leave it out",
            );
        }
        Some(RoleSource { issuers: self.issuers, place, naming })
    }

    /// The one place that is written.
    fn place(&self, at: &str, found: &mut Findings) -> Option<RolePlace> {
        let word = |is_set: bool, place: RolePlace| is_set.then_some(place);
        let claim = |name: &str, claim: &Option<String>, place: fn(String) -> RolePlace| {
            claim.as_ref().map(|claim| (format!("{at}/{name}"), place(claim.clone())))
        };
        let claims = [
            claim("claim", &self.claim, RolePlace::Claim),
            claim("permission_claim", &self.permission_claim, RolePlace::PermissionClaim),
        ];
        for (at, place) in claims.iter().flatten() {
            if let RolePlace::Claim(claim) | RolePlace::PermissionClaim(claim) = place
                && let Some(problem) = claim_problem(claim)
            {
                found.add(at.clone(), problem);
            }
        }
        let attribute = self.attribute.as_ref().map(|name| {
            if let Some(problem) = attribute_problem(name) {
                found.add(format!("{at}/attribute"), problem);
            }
            RolePlace::Attribute(name.clone())
        });
        let users =
            self.users.as_ref().map(|users| users_place(users, &format!("{at}/users"), found));
        let words = [
            word(self.mapped, RolePlace::Mapped),
            word(self.st_role, RolePlace::SupertokensRoles),
            word(self.st_perm, RolePlace::SupertokensPermissions),
            word(self.group_roles, RolePlace::GroupRoles),
            attribute,
            users,
        ];
        let claims = claims.into_iter().flatten().map(|(_, place)| place);
        let mut places = claims.chain(words.into_iter().flatten());
        match (places.next(), places.next()) {
            (Some(place), None) => Some(place),
            (None, _) => {
                found.add(at, format!("says no place of roles; write exactly one of {PLACES}"));
                None
            }
            (Some(_), Some(_)) => {
                found.add(
                    at,
                    format!(
                        "says more than one place of roles; write an entry for each: exactly one of \
                         {PLACES}"
                    ),
                );
                None
            }
        }
    }

    fn naming(&self, at: &str, found: &mut Findings) -> Option<RoleNaming> {
        match (&self.map, &self.prefix) {
            (None, None) => Some(RoleNaming::Own),
            (None, Some(prefix)) => {
                // A name that only the prefix of could be wrong.
                if let Some(problem) = role_problem(&format!("{prefix}x")) {
                    found.add(format!("{at}/prefix"), problem);
                } else if prefix.is_empty() {
                    found.add(format!("{at}/prefix"), "is empty; write kc:, or leave it out");
                }
                Some(RoleNaming::Prefixed(prefix.clone()))
            }
            (Some(map), None) => {
                check_map(map, &format!("{at}/map"), found);
                Some(RoleNaming::Mapped(map.clone()))
            }
            (Some(_), Some(_)) => {
                found.add(
                    format!("{at}/prefix"),
                    "has no effect beside `map`, which says the whole names; leave one of them out",
                );
                None
            }
        }
    }
}

fn claim_problem(claim: &str) -> Option<String> {
    let text = Claim::Text(claim.to_owned());
    if let Some(problem) = text.problem() {
        return Some(problem.into_owned());
    }
    let steps = text.place().map(|place| place.steps()).unwrap_or_default();
    let first = steps.first().map(String::as_str).unwrap_or_default();
    (REGISTERED.contains(&first) || first == "sub").then(|| {
        format!("`{first}` has another meaning in every token (RFC 7519); write the claim with the roles")
    })
}

fn attribute_problem(name: &str) -> Option<String> {
    let good = !name.is_empty()
        && name.len() <= MAX_FOREIGN_BYTES
        && !name.chars().any(|c| c.is_control() || c.is_whitespace());
    (!good).then(|| "is no name of an attribute; write shop:roles".to_owned())
}

fn check_map(map: &BTreeMap<String, String>, at: &str, found: &mut Findings) {
    if map.is_empty() {
        found.add(at, "is empty, so that no role counts; write map: { admin: owner }");
    }
    if map.len() > MAX_MAP {
        found.add(at, format!("has more than {MAX_MAP} roles; write fewer"));
    }
    for (theirs, ours) in map {
        let at = format!("{at}/{}", escape(theirs));
        if let Some(problem) = foreign_problem(theirs) {
            found.add(at.clone(), problem);
        }
        if let Some(problem) = role_problem(ours) {
            found.add(at, problem);
        }
    }
}

/// The problem of a name that an issuer has given, to a user or to a role.
fn foreign_problem(name: &str) -> Option<String> {
    let blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let good = !blank(name.chars().next())
        && !blank(name.chars().next_back())
        && name.len() <= MAX_FOREIGN_BYTES
        && !name.chars().any(char::is_control);
    (!good).then(|| {
        format!(
            "the name before the colon is empty, has blanks around it or control characters in it, or \
             more than {MAX_FOREIGN_BYTES} bytes; write the exact name"
        )
    })
}

fn users_place(users: &BTreeMap<String, Vec<String>>, at: &str, found: &mut Findings) -> RolePlace {
    if users.is_empty() {
        found.add(at, "is empty; write users: { user_1: [owner], \"@example.com\": [staff] }");
    }
    if users.len() > MAX_USERS {
        found.add(at, format!("has more than {MAX_USERS} entries; write fewer"));
    }
    let (mut ids, mut domains) = (BTreeMap::new(), BTreeMap::new());
    for (name, roles) in users {
        let at = format!("{at}/{}", escape(name));
        check_roles(roles, &at, found);
        let Some(domain) = name.strip_prefix('@') else {
            if let Some(problem) = foreign_problem(name) {
                found.add(at, problem);
            }
            ids.insert(name.clone(), roles.clone());
            continue;
        };
        if let Some(problem) = domain_problem(domain) {
            found.add(at, problem);
        } else if domains.insert(domain.to_ascii_lowercase(), roles.clone()).is_some() {
            found.add(at, "stands twice, in capitals and in small letters; leave one out");
        }
    }
    RolePlace::Users { ids, domains }
}

fn check_roles(roles: &[String], at: &str, found: &mut Findings) {
    if roles.is_empty() {
        found.add(at, "has no roles; write a list of them: [owner]");
    }
    if roles.len() > MAX_ROLES_OF_ONE {
        found.add(at, format!("has more than {MAX_ROLES_OF_ONE} roles; write fewer"));
    }
    let mut known = BTreeSet::new();
    for (index, role) in roles.iter().enumerate() {
        let at = format!("{at}/{index}");
        if let Some(problem) = role_problem(role) {
            found.add(at, problem);
        } else if !known.insert(role) {
            found.add(at, "stands twice; leave one out");
        }
    }
}

/// Labels of letters, digits and hyphens (RFC 1034 section 3.5), at least two of them.
fn domain_problem(domain: &str) -> Option<String> {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let good =
        domain.len() <= MAX_NAME_BYTES * 2 && domain.contains('.') && domain.split('.').all(label);
    (!good).then(|| {
        "is no domain; write \"@example.com\" for all verified addresses of exactly this domain, each \
         sub-domain as an entry of its own, names in other scripts as xn--..."
            .to_owned()
    })
}
