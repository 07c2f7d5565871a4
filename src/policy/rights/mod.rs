//! Roles and permissions: who has which, by the sources that the configuration names.
//!
//! In: the sections `roles` and `role_sources`; then a verified identity, and its user's profile where
//! it has been read. Out: whether the user has one role or permission, or all of them. A source counts
//! for the users of its own issuers only. A source that could not be read makes the answer unknown,
//! unless another one says yes.

mod demand;
mod email;
mod held;
mod question;
mod reading;
mod roles;
#[cfg(test)]
mod tests;
mod warnings;

use std::collections::BTreeSet;

pub use demand::Demand;
pub use held::Rights;
pub(super) use question::RightsQuestion;
use reading::{EMAIL, EMAIL_VERIFIED, ST_PERM, ST_ROLE};
use roles::RoleTree;
pub use warnings::{AskedRight, warning_of_asked, warnings};

use crate::config::{Config, Issuer, IssuerKind, RoleNaming, RolePlace, RoleSource};

/// The roles, and the sources of each issuer, compiled.
#[derive(Debug, Default)]
pub struct RightsBook {
    roles: RoleTree,
    issuers: Vec<IssuerSources>,
    /// `roles` or `role_sources` is written.
    configured: bool,
}

/// The sources that count for the users of one issuer.
#[derive(Debug)]
struct IssuerSources {
    issuer: Box<str>,
    has_profiles: bool,
    sources: Vec<RoleSource>,
}

impl RightsBook {
    /// From the configuration.
    #[must_use]
    pub fn build(config: &Config) -> Self {
        let default = default_sources(config);
        let of_issuer = |issuer: &Issuer| {
            let counts = |source: &&RoleSource| {
                source.issuers.is_empty() || source.issuers.contains(&issuer.name)
            };
            let written = config.role_sources.iter().filter(counts).cloned();
            IssuerSources {
                issuer: issuer.name.as_str().into(),
                has_profiles: issuer.kind() == IssuerKind::Rownd,
                sources: written.chain(default.iter().cloned()).collect(),
            }
        };
        Self {
            roles: RoleTree::build(&config.roles),
            issuers: config.issuers.iter().map(of_issuer).collect(),
            configured: !config.roles.is_empty() || !config.role_sources.is_empty(),
        }
    }

    /// The configuration has roles or sources of them; else only the default sources count.
    #[must_use]
    pub const fn is_configured(&self) -> bool {
        self.configured
    }

    /// The names of the claims that identities have to keep.
    pub(super) fn claims(&self) -> BTreeSet<String> {
        let sources = self.issuers.iter().flat_map(|of| &of.sources);
        sources.flat_map(|source| claims_of(&source.place)).map(str::to_owned).collect()
    }

    /// Some source of this issuer reads the profiles of its users.
    #[must_use]
    pub fn reads_profile(&self, issuer: &str) -> bool {
        self.of(issuer).is_some_and(|of| {
            of.sources.iter().any(|source| match &source.place {
                RolePlace::GroupRoles | RolePlace::Attribute(_) => true,
                RolePlace::Users { domains, .. } => of.has_profiles && !domains.is_empty(),
                RolePlace::Claim(_)
                | RolePlace::PermissionClaim(_)
                | RolePlace::Mapped
                | RolePlace::SupertokensRoles
                | RolePlace::SupertokensPermissions => false,
            })
        })
    }

    /// Some source of some issuer reads the profiles of its users.
    #[must_use]
    pub fn reads_any_profile(&self) -> bool {
        self.issuers.iter().any(|of| self.reads_profile(&of.issuer))
    }

    fn of(&self, issuer: &str) -> Option<&IssuerSources> {
        self.issuers.iter().find(|of| *of.issuer == *issuer)
    }
}

impl IssuerSources {
    /// Some source says which roles, or which permissions, its users have.
    fn gives(&self, permissions: bool) -> bool {
        self.sources.iter().any(|source| permissions || !source.place.gives_permissions())
    }
}

/// The sources where none are written. With several issuers there are none: a role of one issuer says
/// nothing about the users of another, and nobody has said whose count.
fn default_sources(config: &Config) -> Vec<RoleSource> {
    let ([issuer], []) = (config.issuers.as_slice(), config.role_sources.as_slice()) else {
        return Vec::new();
    };
    let is_supertokens = issuer.kind() == IssuerKind::Supertokens;
    let mapped = (is_supertokens || issuer.claims.roles.is_some()).then_some(RolePlace::Mapped);
    let permissions = is_supertokens.then_some(RolePlace::SupertokensPermissions);
    let places = mapped.into_iter().chain(permissions);
    let source = |place| RoleSource { issuers: Vec::new(), place, naming: RoleNaming::Own };
    places.map(source).collect()
}

/// The claims that a source reads, as identities keep them.
fn claims_of(place: &RolePlace) -> Vec<&str> {
    match place {
        RolePlace::Claim(claim) | RolePlace::PermissionClaim(claim) => vec![claim],
        RolePlace::SupertokensRoles => vec![ST_ROLE],
        RolePlace::SupertokensPermissions => vec![ST_PERM],
        RolePlace::Users { domains, .. } if !domains.is_empty() => vec![EMAIL, EMAIL_VERIFIED],
        RolePlace::Users { .. }
        | RolePlace::Mapped
        | RolePlace::GroupRoles
        | RolePlace::Attribute(_) => Vec::new(),
    }
}
