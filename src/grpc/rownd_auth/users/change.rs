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
    grpc::rownd_auth::{
        fault::Fault,
        reason::ErrorReason,
        sharing::{CallSharing, RevokedHere},
    },
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

    /// Revokes the tokens that the user has been issued up to now, here.
    ///
    /// # Errors
    ///
    /// Fails where the list of revocations is full.
    pub(super) fn revoke_tokens(&self) -> Result<RevokedHere, Fault> {
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
            Ok(_) | Err(RevokeError::IssuerUnknown) => Ok(RevokedHere { not_before }),
            Err(RevokeError::Full(_) | RevokeError::TooLong(_)) => Err(Fault::Unsupported(
                ErrorReason::RevocationsFull,
                "the issuer has made the change, but the list of revocations here is full: tokens \
                 of the user are taken until they expire, except where a rule has `freshness: \
                 profile`; raise revocation.max_entries and repeat the call",
            )),
        }
    }
}

/// The end of a deletion. A caller that is told to repeat it finds the user gone.
impl UserChange {
    /// Revokes the tokens of the user, who is gone at the issuer, and waits for the other replicas.
    ///
    /// # Errors
    ///
    /// Fails where the list of revocations is full, and where the other replicas may not know of it.
    pub(super) async fn end_deleted(&self, sharing: &CallSharing) -> Result<(), Fault> {
        let shared = match self.revoke_tokens() {
            Ok(RevokedHere { not_before: _ }) => sharing.share().await,
            Err(full) => Err(full),
        };
        self.settle(sharing, shared.is_ok());
        shared
    }

    /// Notes whether the deletion has ended as it should.
    pub(super) fn settle(&self, sharing: &CallSharing, has_ended: bool) {
        if has_ended {
            sharing.owe_no_more(&self.issuer, &self.revoked_as);
        } else {
            sharing.owe(&self.issuer, &self.revoked_as);
        }
    }

    /// Whether a caller was told to repeat the deletion of this user.
    pub(super) fn is_owed(&self, sharing: &CallSharing) -> bool {
        sharing.owes(&self.issuer, &self.revoked_as)
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
