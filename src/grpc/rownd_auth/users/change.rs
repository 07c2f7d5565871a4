//! The effect of a change of a user on this process: the cached profile, and the list of revocations.
//!
//! In: the beginning and the end of a change. Out: a next check that knows of it.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use super::target::UsersOfApp;
use crate::{
    authz::Authorizer,
    grpc::rownd_auth::{fault::Fault, reason::ErrorReason},
    issuer_api::administration::users::WrittenUser,
    model::Profile,
    profile::{ProfileWrite, Profiles},
    verify::{CommandTarget, RevokeError, RevokedSubject, user_of_app},
};

/// A change of a user that is under way. However it ends, the cached profiles of the user are
/// dropped, also in a configuration that came into force meanwhile.
#[derive(Debug)]
pub(super) struct UserChange {
    authorizer: Arc<Authorizer>,
    issuer: String,
    user: String,
    /// The id under which tokens of the user are revoked.
    revoked_as: String,
    profiles: Arc<Profiles>,
    write: Option<ProfileWrite>,
}

impl UserChange {
    pub(super) fn begin(authorizer: &Arc<Authorizer>, of: &UsersOfApp, user: &str) -> Self {
        Self {
            authorizer: authorizer.clone(),
            issuer: of.issuer.clone(),
            user: user.to_owned(),
            // A user of another app with the same id is another user.
            revoked_as: if of.is_one_of_several {
                user_of_app(&of.app, user)
            } else {
                user.to_owned()
            },
            profiles: of.profiles.clone(),
            write: Some(of.profiles.begin_write(of.user(user))),
        }
    }

    /// A change of a user whose profiles are not kept here.
    pub(super) fn without_profile(
        authorizer: &Arc<Authorizer>,
        (issuer, user): (&str, &str),
        profiles: &Arc<Profiles>,
    ) -> Self {
        Self {
            authorizer: authorizer.clone(),
            issuer: issuer.to_owned(),
            user: user.to_owned(),
            revoked_as: user.to_owned(),
            profiles: profiles.clone(),
            write: None,
        }
    }

    /// The issuer has made the change, and this is its answer, which is kept as the cached profile if
    /// it is a whole one.
    pub(super) fn ended_with(mut self, written: WrittenUser) -> Arc<Profile> {
        let profile = Arc::new(written.profile);
        if written.is_whole
            && let Some(write) = self.write.take()
        {
            write.ended_with(profile.clone());
        }
        profile
    }

    /// Revokes the tokens that the user has been issued up to now. The time before which tokens are
    /// refused, in Unix seconds.
    ///
    /// # Errors
    ///
    /// Fails where the list of revocations is full.
    pub(super) fn revoke_tokens(&self) -> Result<u64, Fault> {
        let now = SystemTime::now();
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        // Everything issued up to now, this second included.
        let not_before = seconds.saturating_add(1);
        let target = CommandTarget::of(Some(&self.issuer));
        let subject = RevokedSubject::User { id: &self.revoked_as, not_before };
        let revoked = self
            .authorizer
            .command(|snapshot| snapshot.verifier().revoke(target, subject, None, now));
        match revoked {
            // An issuer that is no longer configured has no tokens here.
            Ok(_) | Err(RevokeError::IssuerUnknown) => Ok(not_before),
            Err(RevokeError::Full(_) | RevokeError::TooLong(_)) => Err(Fault::Unsupported(
                ErrorReason::RevocationsFull,
                "the issuer has made the change, but the list of revocations here is full: tokens \
                 of the user are taken until they expire, except where a rule has `freshness: \
                 profile`; raise revocation.max_entries and repeat the call",
            )),
        }
    }
}

impl Drop for UserChange {
    fn drop(&mut self) {
        // The configuration that the change began with follows it by itself.
        self.write.take();
        self.authorizer.command(|snapshot| {
            let in_force = snapshot.service().profiles();
            if !Arc::ptr_eq(in_force, &self.profiles) {
                in_force.forget_user(&self.issuer, &self.user);
            }
        });
    }
}
