//! An issuer whose keys the operator has put in place (`kind: static`). Nothing is fetched.

use super::{
    kind::{KeySetPlace, Kind},
    standard,
};
use crate::{config::Accepts, verify::claims::map::DefaultClaims};

pub(super) const KIND: Kind = Kind {
    metadata_path: None,
    key_set: KeySetPlace::Unknown,
    kid_optional: true,
    accepts: Accepts::Access,
    has_profile: standard::has_profile,
    default_claims: DefaultClaims::STANDARD,
    facts: standard::facts,
    needs_app: false,
};
