//! The expectation of an update about the user whom it changes: the etag, and the fields that only the
//! issuer sets, where the request has them.
//!
//! In: the user of a request. Out: a fault, where the user is another one now.

use prost_types::FieldMask;

use super::written::{set_by_issuer, wire_user};
use crate::{
    grpc::{
        pb::rownd::auth::v1::User,
        rownd_auth::{
            etag,
            fault::Fault,
            output_only::{check_kept, check_unset},
            user_view::etag_of,
        },
    },
    model::Profile,
};

/// The expectation of an update.
#[derive(Debug)]
pub(super) struct Expected {
    /// An empty one is that of every user.
    etag: String,
    /// The request without a mask: then all that it has is meant.
    whole: Option<User>,
}

impl Expected {
    pub(super) fn of(user: &User, mask: Option<&FieldMask>) -> Self {
        let has_mask = mask.is_some_and(|mask| !mask.paths.is_empty());
        // Rownd changes `meta` at every sign-in, so it may be older.
        let compared = set_by_issuer(user).into_iter().filter(|(field, _)| *field != "user.meta");
        let is_compared = !has_mask && compared.into_iter().any(|(_, is_set)| is_set);
        Self { etag: user.etag.clone(), whole: is_compared.then(|| user.clone()) }
    }

    /// Whether the user has to be read to tell.
    pub(super) const fn needs_user(&self) -> bool {
        !self.etag.is_empty() || self.whole.is_some()
    }

    /// Checks the user as the issuer has it now.
    ///
    /// # Errors
    ///
    /// Fails where the user has another etag, or a field would have to change.
    pub(super) fn check(&self, id: &str, now: &Profile) -> Result<(), Fault> {
        etag::check(&self.etag, &etag_of(now))?;
        let Some(given) = &self.whole else { return Ok(()) };
        let (now, _) = wire_user(id, now);
        check_kept("user.state", &given.state, &now.state)?;
        check_kept("user.auth_level", &given.auth_level, &now.auth_level)?;
        check_kept("user.verified_data", &given.verified_data, &now.verified_data)?;
        check_kept("user.memberships", &given.memberships, &now.memberships)?;
        let (given, now) = (&given.tokens_valid_since, &now.tokens_valid_since);
        check_kept("user.tokens_valid_since", given, now)
    }

    /// Checks the request where the user is to be created.
    ///
    /// # Errors
    ///
    /// Fails where the request has a field that only the issuer sets.
    pub(super) fn check_missing(&self) -> Result<(), Fault> {
        self.whole.as_ref().map_or(Ok(()), |given| check_unset(&set_by_issuer(given)))
    }
}
