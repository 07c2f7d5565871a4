//! The claims of a token, as far as they are read alike for every kind of issuer.
//!
//! In: the claims of a token, and an issuer's settings. Out: single claims, parts of an identity,
//! the profile of the token, the time in which it holds.

pub(super) mod asked;
pub(super) mod audience;
pub(super) mod elsewhere;
pub(super) mod lifetime;
pub(super) mod map;
pub(super) mod mapped;
pub(super) mod path;
pub(super) mod profile;
pub(super) mod read;
