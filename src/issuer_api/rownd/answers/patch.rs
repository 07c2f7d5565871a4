//! Open question: what does a `PATCH` of a user do who does not exist?
//!
//! In: the setting, and what the caller wants then. Out: whether the user has to be looked up
//! before the write, so that it creates nobody who was not wanted.

use crate::{config::PatchOfMissing, issuer_api::administration::users::MissingUser};

/// Whether the user has to be looked up first.
pub(in crate::issuer_api::rownd) const fn needs_lookup(
    patch: PatchOfMissing,
    missing: MissingUser,
) -> bool {
    match (patch, missing) {
        (PatchOfMissing::Created, MissingUser::Refuse) => true,
        (PatchOfMissing::Created, MissingUser::Create) | (PatchOfMissing::Refused, _) => false,
    }
}
