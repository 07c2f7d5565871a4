//! The roles of the configuration: which imply which, and which have a permission.
//!
//! In: the section `roles`, without cycles. Out: for one role or permission, the roles of which each
//! is enough; for the roles of a user, all roles and permissions that follow from them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::config::Role;

/// The roles by their names.
#[derive(Debug, Default)]
pub(super) struct RoleTree {
    roles: BTreeMap<String, Role>,
    /// The roles that inherit a role directly.
    heirs: HashMap<String, Vec<String>>,
    /// The roles that have a permission directly, by the permission as it is written.
    having: HashMap<String, Vec<String>>,
}

impl RoleTree {
    pub(super) fn build(roles: &BTreeMap<String, Role>) -> Self {
        let mut tree = Self { roles: roles.clone(), ..Self::default() };
        for (name, role) in roles {
            for inherited in &role.inherits {
                tree.heirs.entry(inherited.clone()).or_default().push(name.clone());
            }
            for permission in &role.permissions {
                tree.having.entry(permission.clone()).or_default().push(name.clone());
            }
        }
        tree
    }

    /// The names of the roles that are defined.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.roles.keys().map(String::as_str)
    }

    /// The role and all roles that inherit it: each is enough to have it.
    pub(super) fn enough_for_role<'a>(&'a self, role: &'a str) -> BTreeSet<&'a str> {
        closure([role], |name| self.heirs.get(name).into_iter().flatten())
    }

    /// The roles that have this permission, directly or through a role that they inherit.
    pub(super) fn enough_for_permission(&self, permission: &str) -> BTreeSet<&str> {
        let direct = patterns_for(permission);
        let direct = direct.iter().filter_map(|pattern| self.having.get(pattern)).flatten();
        closure(direct.map(String::as_str), |name| self.heirs.get(name).into_iter().flatten())
    }

    /// These roles and all that they inherit.
    pub(super) fn with_inherited<'a>(
        &'a self,
        roles: impl IntoIterator<Item = &'a str>,
    ) -> BTreeSet<&'a str> {
        closure(roles, |name| self.roles.get(name).into_iter().flat_map(|role| &role.inherits))
    }

    /// The permissions of one role alone, as they are written.
    pub(super) fn own_permissions(&self, role: &str) -> &[String] {
        self.roles.get(role).map_or(&[], |role| &role.permissions)
    }
}

/// The permissions of `roles` that include this one: itself, `*` in place of its last segments, and
/// `*` alone.
fn patterns_for(permission: &str) -> Vec<String> {
    let ends = permission.match_indices(':').filter_map(|(end, _)| permission.get(..end));
    let wildcards = ends.map(|start| format!("{start}:*"));
    [permission.to_owned(), "*".to_owned()].into_iter().chain(wildcards).collect()
}

/// Everything that can be reached, the starts included.
fn closure<'a, N>(
    starts: impl IntoIterator<Item = &'a str>,
    next: impl Fn(&str) -> N,
) -> BTreeSet<&'a str>
where
    N: Iterator<Item = &'a String>,
{
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = starts.into_iter().collect();
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(next(name).map(String::as_str));
        }
    }
    reached
}
