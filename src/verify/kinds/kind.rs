//! One row for each kind of issuer: everything that `verify` does differently for it.
//!
//! A kind fills every field; there are no defaults. A new field therefore does not compile until
//! each kind has decided.

use std::sync::Arc;

use crate::{
    config::Accepts,
    model::{AuthLevel, DenyReason, IdentityFacts},
    verify::{
        claims::{
            audience::Audience,
            map::{CompiledMap, DefaultClaims},
            profile::KindMarks,
            read::AcceptedApp,
        },
        token::{Claims, Token},
    },
};

/// Everything that `verify` does differently for one kind of issuer.
#[derive(Debug)]
pub(in crate::verify) struct Kind {
    /// The path of the issuer's metadata below its base URL, where it has some.
    pub(in crate::verify) metadata_path: Option<&'static str>,
    /// Where its key set is, as long as no metadata say otherwise.
    pub(in crate::verify) key_set: KeySetPlace,
    /// Tokens may come without a `kid` although several keys fit, and one key alone may come without
    /// one although tokens name it. Not where every token and every key is known to have one.
    pub(in crate::verify) kid_optional: bool,
    /// The profile of the tokens that are taken, where the settings do not say.
    pub(in crate::verify) accepts: Accepts,
    /// The token has the profile that is taken.
    pub(in crate::verify) has_profile: fn(&Token<'_>, &Expected) -> bool,
    /// The claims that have a meaning without the claim map.
    pub(in crate::verify) default_claims: DefaultClaims,
    /// The facts that the claims state, before the claim map is laid over them.
    pub(in crate::verify) facts: fn(&FactsOf<'_>) -> Result<IdentityFacts, DenyReason>,
    /// A token names its apps in `aud`, any number of them, and one of them has to be configured.
    pub(in crate::verify) needs_app: bool,
}

/// The place of a key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::verify) enum KeySetPlace {
    /// At this path below the base URL.
    Below(&'static str),
    /// At this URL, for every issuer of the kind.
    At(&'static str),
    /// Only the metadata or the settings say it.
    Unknown,
}

/// The claims of a token, and everything that decides which facts they state.
#[derive(Debug)]
pub(in crate::verify) struct FactsOf<'a> {
    pub(in crate::verify) claims: &'a Claims<'a>,
    /// The configured name of the issuer.
    pub(in crate::verify) issuer: &'a Arc<str>,
    pub(in crate::verify) apps: &'a [AcceptedApp<'a>],
    pub(in crate::verify) expected: &'a Expected,
}

/// The tokens that are expected of one issuer.
#[derive(Debug)]
pub(in crate::verify) struct Expected {
    /// The marks of the tokens that are taken, where they are tokens by the standards.
    pub(in crate::verify) marks: &'static KindMarks,
    /// The service that they are made for.
    pub(in crate::verify) audience: Audience,
    /// The auth level of a user whose token states none.
    pub(in crate::verify) level: AuthLevel,
    pub(in crate::verify) map: CompiledMap,
}
