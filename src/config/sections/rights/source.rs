//! An entry of `role_sources`, as it is written and as it holds after the check.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// A place that says which roles or permissions the users of some issuers have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct WrittenRoleSource {
    /// The names of the issuers whose users it counts for. Required where several issuers are
    /// configured: a role of one issuer says nothing about the users of another.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 32))]
    pub issuers: Vec<String>,
    /// The claim with the roles, by its name or its JSON pointer (`/realm_access/roles`): a text or a
    /// list of texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The same for a claim with permissions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_claim: Option<String>,
    /// The roles of the issuer's claim map (`issuers[].claims.roles`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mapped: bool,
    /// The roles of a SuperTokens session (`st-role`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub st_role: bool,
    /// The permissions of a SuperTokens session (`st-perm`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub st_perm: bool,
    /// The user's roles in the groups of the Rownd profile, each as `GROUP_ID/ROLE`, where the user
    /// is an active member.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub group_roles: bool,
    /// The attribute of the Rownd profile with the roles, which only a backend can write:
    /// `shop:roles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// The roles of single users, by user id; and of all users with a verified e-mail address of one
    /// domain, by `@example.com`. At most 10000 entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<BTreeMap<String, Vec<String>>>,
    /// The role that each role of the source stands for. Roles that are not in it do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map: Option<BTreeMap<String, String>>,
    /// A text that is put before each role of the source: with `kc:`, its role `admin` counts as
    /// `kc:admin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

/// A place that says which roles or permissions the users of some issuers have, as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSource {
    /// The names of the issuers; empty for the only one.
    pub issuers: Vec<String>,
    /// The place.
    pub place: RolePlace,
    /// The names under which its roles count.
    pub naming: RoleNaming,
}

/// Where roles or permissions are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolePlace {
    /// A claim with roles: its name or JSON pointer.
    Claim(String),
    /// A claim with permissions.
    PermissionClaim(String),
    /// The roles of the issuer's claim map.
    Mapped,
    /// The roles of a SuperTokens session.
    SupertokensRoles,
    /// The permissions of a SuperTokens session.
    SupertokensPermissions,
    /// The roles in the groups of the profile.
    GroupRoles,
    /// An attribute of the profile.
    Attribute(String),
    /// The configuration itself.
    Users {
        /// The roles of each user, by id.
        ids: BTreeMap<String, Vec<String>>,
        /// The roles of the users with a verified e-mail address of each domain, in lower case.
        domains: BTreeMap<String, Vec<String>>,
    },
}

/// The names under which the roles of a source count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleNaming {
    /// Their own.
    Own,
    /// Their own, with this text before it.
    Prefixed(String),
    /// The names that stand for them; the other roles do not count.
    Mapped(BTreeMap<String, String>),
}

impl RolePlace {
    /// It says permissions, not roles.
    #[must_use]
    pub const fn gives_permissions(&self) -> bool {
        match self {
            Self::PermissionClaim(_) | Self::SupertokensPermissions => true,
            Self::Claim(_)
            | Self::Mapped
            | Self::SupertokensRoles
            | Self::GroupRoles
            | Self::Attribute(_)
            | Self::Users { .. } => false,
        }
    }
}

impl From<&RoleSource> for WrittenRoleSource {
    fn from(source: &RoleSource) -> Self {
        let mut written = Self { issuers: source.issuers.clone(), ..Self::default() };
        match &source.place {
            RolePlace::Claim(claim) => written.claim = Some(claim.clone()),
            RolePlace::PermissionClaim(claim) => written.permission_claim = Some(claim.clone()),
            RolePlace::Mapped => written.mapped = true,
            RolePlace::SupertokensRoles => written.st_role = true,
            RolePlace::SupertokensPermissions => written.st_perm = true,
            RolePlace::GroupRoles => written.group_roles = true,
            RolePlace::Attribute(name) => written.attribute = Some(name.clone()),
            RolePlace::Users { ids, domains } => {
                let ids = ids.iter().map(|(id, roles)| (id.clone(), roles.clone()));
                let domains =
                    domains.iter().map(|(name, roles)| (format!("@{name}"), roles.clone()));
                written.users = Some(ids.chain(domains).collect());
            }
        }
        match &source.naming {
            RoleNaming::Own => {}
            RoleNaming::Prefixed(prefix) => written.prefix = Some(prefix.clone()),
            RoleNaming::Mapped(map) => written.map = Some(map.clone()),
        }
        written
    }
}

/// Printed as it is written in the file.
impl Serialize for RoleSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenRoleSource::from(self).serialize(serializer)
    }
}
