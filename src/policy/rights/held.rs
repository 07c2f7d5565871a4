//! All roles and permissions of a user.
//!
//! In: an identity, and the profile where it has been read. Out: both lists, each only if every place
//! that adds to it was read: a list that lacks something would read as the whole one.

use std::collections::BTreeSet;

use super::{
    IssuerSources, RightsBook, email,
    reading::{ST_PERM, ST_ROLE, Texts, Unreadable, active_groups, attribute_texts},
};
use crate::{
    config::{RoleNaming, RolePlace, RoleSource, permission_problem},
    model::Profile,
    verify::Identity,
};

/// The most bytes of the names of one list.
const MAX_BYTES: usize = 256 << 10;

/// All roles and permissions of a user, each list in alphabetical order. `None`: unknown, because a
/// source could not be read, there is none, or the names have more than 256 KiB.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// The roles, with those that they inherit.
    pub roles: Option<Vec<String>>,
    /// The permissions as `roles` has them, wildcards included, and those that a source says itself.
    pub permissions: Option<Vec<String>>,
}

/// The names that the sources of an issuer say; `None` where one of them could not be read.
#[derive(Debug)]
struct Said {
    roles: Option<BTreeSet<String>>,
    permissions: Option<BTreeSet<String>>,
}

impl RightsBook {
    /// All roles and permissions of a user. `profile` is `None` if it has not been read.
    #[must_use]
    pub fn rights(&self, identity: &Identity, profile: Option<&Profile>) -> Rights {
        let Some(of) = self.of(&identity.issuer) else { return Rights::default() };
        let said = of.say(identity, profile);
        let Some(roles) = said.roles else { return Rights::default() };
        let roles = self.roles.with_inherited(roles.iter().map(String::as_str));
        let own = roles.iter().flat_map(|role| self.roles.own_permissions(role));
        let permissions = said.permissions.as_ref().map(|direct| {
            let all: BTreeSet<&str> =
                own.map(String::as_str).chain(direct.iter().map(String::as_str)).collect();
            listed(&all)
        });
        Rights {
            roles: of.gives(false).then(|| listed(&roles)).flatten(),
            permissions: permissions.filter(|_| of.gives(true)).flatten(),
        }
    }
}

impl IssuerSources {
    fn say(&self, identity: &Identity, profile: Option<&Profile>) -> Said {
        let mut said = Said { roles: Some(BTreeSet::new()), permissions: Some(BTreeSet::new()) };
        for source in &self.sources {
            let list = if source.place.gives_permissions() {
                &mut said.permissions
            } else {
                &mut said.roles
            };
            let names = names_of(source, identity, profile, self.has_profiles);
            *list = match (list.take(), names) {
                (Some(mut list), Ok(names)) => {
                    list.extend(names);
                    Some(list)
                }
                (None, _) | (_, Err(Unreadable)) => None,
            };
        }
        said
    }
}

/// The names that a source says of a user, as they count.
fn names_of(
    source: &RoleSource,
    identity: &Identity,
    profile: Option<&Profile>,
    has_profiles: bool,
) -> Result<Vec<String>, Unreadable> {
    let claim = |name: &str| Texts::of_claim(&identity.claims, name);
    let own = |texts: Texts<'_>| -> Vec<String> {
        texts.iter().filter_map(|name| counts_as(name, &source.naming)).collect()
    };
    // No permission that is asked for has such a name, and a `*` of a token is no wildcard.
    let permissions = |texts: Texts<'_>| {
        let good = texts.iter().filter(|name| permission_problem(name).is_none());
        good.map(str::to_owned).collect()
    };
    Ok(match &source.place {
        RolePlace::Claim(name) => own(claim(name)?),
        RolePlace::SupertokensRoles => own(claim(ST_ROLE)?),
        RolePlace::PermissionClaim(name) => permissions(claim(name)?),
        RolePlace::SupertokensPermissions => permissions(claim(ST_PERM)?),
        RolePlace::Mapped if identity.elsewhere.roles => return Err(Unreadable),
        RolePlace::Mapped => {
            let roles = identity.roles.iter().filter(|role| !role.is_empty());
            roles.filter_map(|role| counts_as(role, &source.naming)).collect()
        }
        RolePlace::Attribute(name) => {
            let profile = profile.ok_or(Unreadable)?;
            own(attribute_texts(profile, name)?)
        }
        RolePlace::GroupRoles => {
            let profile = profile.filter(|profile| !profile.odd.groups).ok_or(Unreadable)?;
            let groups = active_groups(profile);
            let named = groups.flat_map(|group| {
                let roles = group.roles.iter().filter(|role| !role.is_empty());
                roles.map(|role| format!("{}/{role}", group.id))
            });
            named.filter_map(|name| counts_as(&name, &source.naming)).collect()
        }
        RolePlace::Users { ids, domains } => {
            let by_id = ids.get(&identity.user_id).into_iter().flatten();
            let mut found: Vec<String> = by_id.cloned().collect();
            if !domains.is_empty() {
                let by_claims = email::of_claims(&identity.claims)?;
                let by_profile = match profile {
                    Some(profile) if has_profiles => email::of_profile(profile)?,
                    None if has_profiles => return Err(Unreadable),
                    Some(_) | None => None,
                };
                let verified = by_claims.into_iter().chain(by_profile);
                let roles = verified.filter_map(|domain| domains.get(&domain.to_ascii_lowercase()));
                found.extend(roles.flatten().cloned());
            }
            found
        }
    })
}

/// The role that a role of a source counts as.
fn counts_as(name: &str, naming: &RoleNaming) -> Option<String> {
    match naming {
        RoleNaming::Own => Some(name.to_owned()),
        RoleNaming::Prefixed(prefix) => Some(format!("{prefix}{name}")),
        RoleNaming::Mapped(map) => map.get(name).cloned(),
    }
}

/// The list, if it is within its bound.
fn listed(names: &BTreeSet<&str>) -> Option<Vec<String>> {
    let bytes: usize = names.iter().map(|name| name.len()).sum();
    (bytes <= MAX_BYTES).then(|| names.iter().map(|name| (*name).to_owned()).collect())
}
