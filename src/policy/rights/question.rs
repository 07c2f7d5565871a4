//! Whether a user has one role, or one permission: compiled once, asked for each check.
//!
//! In: the name, when the policy is compiled; then an identity and a profile. Out: a [`Truth`]. Only
//! the places that can say yes are kept, so that no profile is read for a role that it cannot give.
//! Nothing is allocated when it is asked.

use std::collections::BTreeSet;

use super::{
    IssuerSources, RightsBook, email,
    reading::{ST_PERM, ST_ROLE, Texts, Unreadable, active_groups, attribute_texts},
};
use crate::{
    config::{IssuerNames, RoleNaming, RolePlace, RoleSource},
    model::Profile,
    policy::truth::Truth,
    verify::Identity,
};

/// A question for one role or one permission.
#[derive(Debug)]
pub(in crate::policy) struct RightsQuestion {
    /// The issuers for whose users there is an answer at all.
    issuers: Box<[IssuerQuestion]>,
}

#[derive(Debug)]
struct IssuerQuestion {
    issuer: Box<str>,
    has_profiles: bool,
    places: Box<[Place]>,
}

/// A place that can say yes, and the names of which each is enough there.
#[derive(Debug)]
enum Place {
    Mapped(Names),
    Claim {
        claim: Box<str>,
        names: Names,
    },
    Attribute {
        attribute: Box<str>,
        names: Names,
    },
    /// Group and role.
    Groups(Box<[(Box<str>, Box<str>)]>),
    Users {
        ids: Names,
        domains: Names,
    },
}

/// Names in alphabetical order.
#[derive(Debug)]
struct Names(Box<[Box<str>]>);

/// The role or permission that is asked for.
#[derive(Clone, Copy)]
enum Asked<'a> {
    Role,
    Permission(&'a str),
}

impl RightsBook {
    /// The question whether a user has this role.
    pub(in crate::policy) fn role_question(&self, role: &str) -> RightsQuestion {
        self.question(Asked::Role, &self.roles.enough_for_role(role))
    }

    /// The question whether a user has this permission.
    pub(in crate::policy) fn permission_question(&self, permission: &str) -> RightsQuestion {
        let roles = self.roles.enough_for_permission(permission);
        self.question(Asked::Permission(permission), &roles)
    }

    fn question(&self, asked: Asked<'_>, roles: &BTreeSet<&str>) -> RightsQuestion {
        let is_answered = |of: &&IssuerSources| of.gives(matches!(asked, Asked::Permission(_)));
        let of_issuer = |of: &IssuerSources| IssuerQuestion {
            issuer: of.issuer.clone(),
            has_profiles: of.has_profiles,
            places: of.sources.iter().filter_map(|source| place(source, asked, roles)).collect(),
        };
        RightsQuestion { issuers: self.issuers.iter().filter(is_answered).map(of_issuer).collect() }
    }
}

impl RightsQuestion {
    /// Whether the user has it. `profile` is `None` until it has been read.
    pub(in crate::policy) fn ask(&self, identity: &Identity, profile: Option<&Profile>) -> Truth {
        let mut issuers = self.issuers.iter();
        let Some(of) = issuers.find(|of| *of.issuer == *identity.issuer) else {
            return Truth::Unknown;
        };
        Truth::any(of.places.iter().map(|place| place.ask(identity, profile, of.has_profiles)))
    }

    /// Whether the profile of some user may have to be read for it.
    pub(in crate::policy) fn needs_profile(&self) -> bool {
        self.issuers.iter().any(|of| {
            of.places.iter().any(|place| match place {
                Place::Attribute { .. } | Place::Groups(_) => true,
                Place::Users { domains, .. } => of.has_profiles && !domains.0.is_empty(),
                Place::Mapped(_) | Place::Claim { .. } => false,
            })
        })
    }

    /// No source of any issuer can say yes.
    pub(super) fn is_hopeless(&self) -> bool {
        self.issuers.iter().all(|of| of.places.is_empty())
    }

    /// No source of any of these issuers can say yes.
    pub(super) fn is_hopeless_for(&self, issuers: &IssuerNames<'_>) -> bool {
        let mut meant = self.issuers.iter().filter(|of| issuers.contains(&*of.issuer));
        meant.all(|of| of.places.is_empty())
    }
}

impl Place {
    fn ask(&self, identity: &Identity, profile: Option<&Profile>, has_profiles: bool) -> Truth {
        let needs_profile =
            |ask: &dyn Fn(&Profile) -> Truth| profile.map_or(Truth::NeedsProfile, ask);
        match self {
            Self::Mapped(names) => {
                let is_held = identity.roles.iter().any(|role| names.contain(role));
                known_if(is_held, identity.elsewhere.roles)
            }
            Self::Claim { claim, names } => names.any_of(Texts::of_claim(&identity.claims, claim)),
            Self::Attribute { attribute, names } => {
                needs_profile(&|profile| names.any_of(attribute_texts(profile, attribute)))
            }
            Self::Groups(wanted) => needs_profile(&|profile| {
                let is_held = active_groups(profile).any(|group| {
                    let mut wanted = wanted.iter().filter(|(id, _)| **id == *group.id);
                    wanted.any(|(_, role)| group.roles.iter().any(|held| **role == *held))
                });
                // Each group stands for itself, so those that were read may say yes.
                known_if(is_held, profile.odd.groups)
            }),
            Self::Users { ids, .. } if ids.contain(&identity.user_id) => Truth::True,
            Self::Users { domains, .. } if domains.0.is_empty() => Truth::False,
            Self::Users { domains, .. } => {
                let by_claims = domains.any_domain(email::of_claims(&identity.claims));
                if !has_profiles {
                    return by_claims;
                }
                let by_profile =
                    needs_profile(&|profile| domains.any_domain(email::of_profile(profile)));
                Truth::any([by_claims, by_profile])
            }
        }
    }
}

/// The answer of a list of which a part may be missing: only what is there is known.
const fn known_if(is_held: bool, is_partial: bool) -> Truth {
    match (is_held, is_partial) {
        (true, _) => Truth::True,
        (false, true) => Truth::Unknown,
        (false, false) => Truth::False,
    }
}

impl Names {
    fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: BTreeSet<&str> = names.into_iter().collect();
        Self(names.into_iter().map(Into::into).collect())
    }

    fn contain(&self, name: &str) -> bool {
        self.0.binary_search_by(|known| (**known).cmp(name)).is_ok()
    }

    fn any_of(&self, texts: Result<Texts<'_>, Unreadable>) -> Truth {
        match texts {
            Ok(texts) => Truth::of(texts.iter().any(|name| self.contain(name))),
            Err(Unreadable) => Truth::Unknown,
        }
    }

    /// The domain is one of these, which are in lower case.
    fn any_domain(&self, domain: Result<Option<&str>, Unreadable>) -> Truth {
        match domain {
            Ok(None) => Truth::False,
            Ok(Some(domain)) => {
                Truth::of(self.0.iter().any(|known| known.eq_ignore_ascii_case(domain)))
            }
            Err(Unreadable) => Truth::Unknown,
        }
    }
}

/// The part of a source that can say yes; `None` if nothing in it can.
fn place(source: &RoleSource, asked: Asked<'_>, roles: &BTreeSet<&str>) -> Option<Place> {
    let claim = |claim: &str, names: Names| {
        (!names.0.is_empty()).then(|| Place::Claim { claim: claim.into(), names })
    };
    let permission = || match asked {
        Asked::Permission(permission) => Names::new([permission]),
        Asked::Role => Names::new([]),
    };
    let names = || foreign_names(&source.naming, roles);
    match &source.place {
        RolePlace::Claim(name) => claim(name, names()),
        RolePlace::SupertokensRoles => claim(ST_ROLE, names()),
        RolePlace::PermissionClaim(name) => claim(name, permission()),
        RolePlace::SupertokensPermissions => claim(ST_PERM, permission()),
        RolePlace::Mapped => Some(names()).filter(|names| !names.0.is_empty()).map(Place::Mapped),
        RolePlace::Attribute(name) => {
            let names = Some(names()).filter(|names| !names.0.is_empty())?;
            Some(Place::Attribute { attribute: name.as_str().into(), names })
        }
        RolePlace::GroupRoles => {
            let names = names();
            let pairs = names.0.iter().filter_map(|name| name.split_once('/'));
            let pairs = pairs.filter(|(group, role)| !group.is_empty() && !role.is_empty());
            let pairs: Box<[_]> = pairs.map(|(group, role)| (group.into(), role.into())).collect();
            (!pairs.is_empty()).then_some(Place::Groups(pairs))
        }
        RolePlace::Users { ids, domains } => {
            let has = |held: &[String]| held.iter().any(|role| roles.contains(role.as_str()));
            let ids = ids.iter().filter(|(_, held)| has(held)).map(|(id, _)| id.as_str());
            let domains =
                domains.iter().filter(|(_, held)| has(held)).map(|(name, _)| name.as_str());
            let (ids, domains) = (Names::new(ids), Names::new(domains));
            let any = !ids.0.is_empty() || !domains.0.is_empty();
            any.then_some(Place::Users { ids, domains })
        }
    }
}

/// The names in a source that count as one of these roles.
fn foreign_names(naming: &RoleNaming, roles: &BTreeSet<&str>) -> Names {
    match naming {
        RoleNaming::Own => Names::new(roles.iter().copied()),
        RoleNaming::Prefixed(prefix) => {
            let behind = roles.iter().filter_map(|role| role.strip_prefix(prefix.as_str()));
            Names::new(behind.filter(|name| !name.is_empty()))
        }
        RoleNaming::Mapped(map) => {
            let counts = map.iter().filter(|(_, ours)| roles.contains(ours.as_str()));
            Names::new(counts.map(|(theirs, _)| theirs.as_str()))
        }
    }
}
