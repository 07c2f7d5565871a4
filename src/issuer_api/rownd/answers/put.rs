//! Open question: does a `PUT` of a user remove the fields that it does not name?
//!
//! In: the setting, and what the caller wants if there is no such user. Out: which requests make an
//! update. While a `PUT` may remove fields, it is sent only for a user that a `PATCH` has not found.

use crate::{config::PutEffect, issuer_api::administration::users::MissingUser};

/// The requests of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::issuer_api::rownd) enum UpdateBy {
    /// A `PATCH`.
    Patch,
    /// A `PATCH`, and a `PUT` if there is no such user.
    PatchThenPut,
    /// A `PUT`.
    Put,
}

/// The requests of an update.
pub(in crate::issuer_api::rownd) const fn update_by(
    put: PutEffect,
    missing: MissingUser,
) -> UpdateBy {
    match (put, missing) {
        (_, MissingUser::Refuse) => UpdateBy::Patch,
        (PutEffect::Replaces, MissingUser::Create) => UpdateBy::PatchThenPut,
        (PutEffect::Merges, MissingUser::Create) => UpdateBy::Put,
    }
}
