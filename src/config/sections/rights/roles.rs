//! The section `roles`: the permissions of each role, and the roles whose permissions it has too.
//!
//! In: the roles as written. Out: the same, if each name is one, each inherited role is defined and
//! no role inherits itself.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{pattern_problem, role_problem};
use crate::config::{document::escape, findings::Findings, nearest::nearest, section::Section};

/// The most roles. Each check of a role walks those that inherit it when the policy is compiled.
const MAX_ROLES: usize = 512;

/// A role: its permissions, and the roles whose permissions it has too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Role {
    /// The permissions of a user with this role, at most 256: names of segments with colons between them
    /// (`orders:write`). A `*` at the end stands for one or more whole segments (`orders:*`), a `*`
    /// alone for every permission.
    #[schemars(length(max = 256))]
    pub permissions: Vec<String>,
    /// The roles that a user with this role has too, with their permissions, at most 64.
    #[schemars(length(max = 64))]
    pub inherits: Vec<String>,
}

impl Section for BTreeMap<String, Role> {
    type Checked = Self;

    fn check(self, at: &str, found: &mut Findings) -> Self {
        if self.len() > MAX_ROLES {
            found.add(at, format!("has more than {MAX_ROLES} roles; write fewer"));
        }
        for (name, role) in &self {
            let at = format!("{at}/{}", escape(name));
            if let Some(problem) = role_problem(name) {
                found.add(at.clone(), problem);
            }
            check_permissions(role, &at, found);
            check_inherited(&self, role, &at, found);
        }
        for cycle in cycles(&self) {
            let first = cycle.first().copied().unwrap_or_default();
            found.add(
                format!("{at}/{}/inherits", escape(first)),
                format!("leads back to the role itself: {}; leave one out", cycle.join(" -> ")),
            );
        }
        self
    }
}

fn check_permissions(role: &Role, at: &str, found: &mut Findings) {
    let mut known = BTreeSet::new();
    for (index, permission) in role.permissions.iter().enumerate() {
        let at = format!("{at}/permissions/{index}");
        if let Some(problem) = pattern_problem(permission) {
            found.add(at, problem);
        } else if !known.insert(permission) {
            found.add(at, "stands twice; leave one out");
        }
    }
}

fn check_inherited(roles: &BTreeMap<String, Role>, role: &Role, at: &str, found: &mut Findings) {
    let mut known = BTreeSet::new();
    for (index, name) in role.inherits.iter().enumerate() {
        let at = format!("{at}/inherits/{index}");
        if !roles.contains_key(name) {
            found.add(at, no_such_role(roles, name));
        } else if !known.insert(name) {
            found.add(at, "stands twice; leave one out");
        }
    }
}

fn no_such_role(roles: &BTreeMap<String, Role>, name: &str) -> String {
    match nearest(name, roles.keys().map(String::as_str)) {
        Some(near) => format!("there is no role `{name}`; did you mean `{near}`?"),
        None => format!("there is no role `{name}`; define it under `roles`, or leave it out"),
    }
}

/// The roles that inherit themselves: each way once, from a role back to that role.
fn cycles(roles: &BTreeMap<String, Role>) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    let mut done = BTreeSet::new();
    for name in roles.keys() {
        // The roles on the way, each with the inherited roles that are still to be visited.
        let mut way: Vec<(&str, std::slice::Iter<'_, String>)> = Vec::new();
        let mut next = Some(name.as_str());
        loop {
            if let Some(role) = next.take().and_then(|name| roles.get_key_value(name)) {
                let name = role.0.as_str();
                if let Some(from) = way.iter().position(|(known, _)| *known == name) {
                    let round = way.iter().skip(from).map(|(name, _)| *name).chain([name]);
                    found.push(round.collect());
                } else if !done.contains(name) {
                    way.push((name, role.1.inherits.iter()));
                }
            }
            match way.last_mut() {
                None => break,
                Some((name, rest)) => match rest.next() {
                    Some(inherited) => next = Some(inherited),
                    None => {
                        done.insert(*name);
                        way.pop();
                    }
                },
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, Role, cycles};

    fn roles(inherits: &[(&str, &[&str])]) -> BTreeMap<String, Role> {
        let role = |names: &[&str]| Role {
            inherits: names.iter().map(ToString::to_string).collect(),
            ..Role::default()
        };
        inherits.iter().map(|(name, names)| ((*name).to_owned(), role(names))).collect()
    }

    #[test]
    fn each_cycle_is_found_once_and_a_diamond_is_none() {
        /// A role, and those that it inherits.
        type Inherits<'a> = (&'a str, &'a [&'a str]);
        #[rustfmt::skip] // one case a line
        let cases: [(&[Inherits<'_>], &[&str]); 7] = [
            (&[], &[]),
            (&[("a", &[])], &[]),
            (&[("a", &["a"])], &["a a"]),
            (&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])], &["b c b"]),
            (&[("a", &["b", "c"]), ("b", &["d"]), ("c", &["d"]), ("d", &[])], &[]),
            (&[("a", &["b"]), ("b", &["a"]), ("x", &["y"]), ("y", &["x"])], &["a b a", "x y x"]),
            (&[("a", &["unknown"])], &[]),
        ];
        for (inherits, expected) in cases {
            let roles = roles(inherits);
            let found: Vec<String> = cycles(&roles).iter().map(|way| way.join(" ")).collect();
            assert_eq!(found, expected, "{inherits:?}");
        }
    }

    #[test]
    fn a_ladder_of_many_ways_is_walked_once() {
        let names: Vec<String> = (0..500).map(|n| format!("r{n:03}")).collect();
        let all: BTreeMap<String, Role> = names
            .iter()
            .enumerate()
            .map(|(n, name)| {
                let inherits = names.iter().skip(n + 1).take(2).cloned().collect();
                (name.clone(), Role { inherits, ..Role::default() })
            })
            .collect();
        assert!(cycles(&all).is_empty());
    }
}
