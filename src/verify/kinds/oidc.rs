//! Any OpenID Connect issuer, whose keys are found by discovery.

use super::{
    kind::{KeySetPlace, Kind},
    standard,
};
use crate::{
    config::Accepts, upstream::discovery::OPENID_CONFIGURATION, verify::claims::map::DefaultClaims,
};

pub(super) const KIND: Kind = Kind {
    metadata_path: Some(OPENID_CONFIGURATION),
    key_set: KeySetPlace::Unknown,
    kid_optional: true,
    accepts: Accepts::Access,
    has_profile: standard::has_profile,
    default_claims: DefaultClaims::STANDARD,
    facts: standard::facts,
    needs_app: false,
};
