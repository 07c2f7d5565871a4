//! The accounts that a call is about: those of an app of Rownd, or those of an issuer without apps,
//! such as SuperTokens with its core.

use std::{sync::Arc, time::Duration};

use super::{
    change::UserChange,
    expected::Expected,
    target::{UsersOfApp, change_fault, read_fault},
    told::{ChangedAt, UserChanged},
};
use crate::{
    authz::Authorizer,
    config::Right,
    grpc::rownd_auth::{
        administered::administered_issuer, call::ServiceCall, etag, fault::Fault,
        user_view::etag_of,
    },
    issuer_api::{
        ApiError,
        administration::{
            accounts::AccountAdministration,
            users::{MissingUser, UserWrite},
        },
    },
    model::Profile,
    profile::Profiles,
};

/// The accounts that a call is about.
#[derive(Debug, Clone)]
pub(super) enum Accounts {
    /// Of an app of Rownd.
    OfApp(UsersOfApp),
    /// Of an issuer without apps.
    OfIssuer(AccountsOfIssuer),
}

/// The accounts of an issuer without apps.
#[derive(Debug, Clone)]
pub(in crate::grpc::rownd_auth) struct AccountsOfIssuer {
    api: Arc<dyn AccountAdministration>,
    profiles: Arc<Profiles>,
    issuer: String,
    /// The name of the caller.
    caller: String,
    timeout: Duration,
}

impl AccountsOfIssuer {
    /// The accounts of the issuer that a request names.
    ///
    /// # Errors
    ///
    /// Fails where the caller has not this right there, and where no issuer has such accounts.
    pub(in crate::grpc::rownd_auth) fn of(
        call: &ServiceCall,
        right: Right,
        issuer: &str,
        app: &str,
    ) -> Result<Self, Fault> {
        let found = administered_issuer(call, right, (issuer, app), |api| api.accounts.as_ref())?;
        Ok(Self {
            api: found.api.clone(),
            profiles: call.service.profiles().clone(),
            issuer: found.issuer.name().to_owned(),
            caller: call.caller.name().to_owned(),
            timeout: call.issuer_timeout(),
        })
    }

    /// The profile of a user, as it is now.
    ///
    /// # Errors
    ///
    /// Fails where there is no such user, and where the issuer gives no usable answer.
    pub(in crate::grpc::rownd_auth) async fn user(&self, user: &str) -> Result<Profile, Fault> {
        let found = self.api.user(user, self.timeout).await;
        found.map_err(|error| match error {
            ApiError::NotFound => Fault::NoUser,
            error => read_fault(error),
        })
    }

    async fn check_etag(&self, user: &str, asked: &str) -> Result<(), Fault> {
        if asked.is_empty() {
            return Ok(());
        }
        etag::check(asked, &etag_of(&self.user(user).await?))
    }

    /// Checks that the issuer keeps these fields, and nothing but fields of `data` is written.
    ///
    /// # Errors
    ///
    /// Fails for what the issuer does not have, with the field of the request.
    pub(super) fn check_write(&self, write: &UserWrite, missing: MissingUser) -> Result<(), Fault> {
        let why = "is not there at this issuer, which has fields of `data` alone; leave it out";
        if !write.attributes.is_empty() || !write.cleared_attributes.is_empty() {
            return Err(Fault::field("user.attributes", why));
        }
        if write.integrations {
            return Err(Fault::field("write_to_integrations", why));
        }
        if missing == MissingUser::Create {
            let why = "cannot be given: only a sign-in makes a user of this issuer";
            return Err(Fault::field("allow_missing", why));
        }
        let mut names = write.data.keys().chain(&write.cleared);
        let refused = names.find_map(|name| self.api.why_not_writable(name));
        refused.map_or(Ok(()), |why| Err(Fault::field("user.data", why)))
    }

    /// Writes fields of a user.
    ///
    /// # Errors
    ///
    /// Fails where there is no such user, where the user is not as expected, and where the issuer gives
    /// no usable answer.
    pub(super) async fn update(
        &self,
        authorizer: &Arc<Authorizer>,
        (id, expected): (&str, &Expected),
        write: &UserWrite,
    ) -> Result<Profile, Fault> {
        if expected.needs_user() {
            expected.check(id, &self.user(id).await?)?;
        }
        let _change = UserChange::without_profile(authorizer, (&self.issuer, id), &self.profiles);
        let written = self.api.update(id, write, self.timeout).await.map_err(change_fault)?;
        let of = ChangedAt { issuer: &self.issuer, app: None, caller: &self.caller };
        of.tell(authorizer, id, UserChanged::Updated(&written));
        Ok(written)
    }
}

impl Accounts {
    /// The accounts that a request names, within the bounds of its caller. Without a name an issuer
    /// with apps goes first.
    ///
    /// # Errors
    ///
    /// Fails where the caller has not this right there, and where there is no such issuer or app.
    pub(super) fn of(
        call: &ServiceCall,
        right: Right,
        issuer: &str,
        app: &str,
    ) -> Result<Self, Fault> {
        let of_app = UsersOfApp::of(call, right, issuer, app);
        let Err(Fault::NotOfIssuer(_)) = of_app else { return of_app.map(Self::OfApp) };
        AccountsOfIssuer::of(call, right, issuer, app).map(Self::OfIssuer)
    }

    /// The beginning of a change of a user.
    pub(super) fn begin_change(&self, authorizer: &Arc<Authorizer>, user: &str) -> UserChange {
        match self {
            Self::OfApp(of) => UserChange::begin(authorizer, of, user),
            Self::OfIssuer(of) => {
                UserChange::without_profile(authorizer, (&of.issuer, user), &of.profiles)
            }
        }
    }

    /// Tells of a change of this user.
    pub(super) fn tell(&self, authorizer: &Authorizer, user: &str, changed: UserChanged<'_>) {
        match self {
            Self::OfApp(of) => of.tell(authorizer, user, changed),
            Self::OfIssuer(of) => {
                let of = ChangedAt { issuer: &of.issuer, app: None, caller: &of.caller };
                of.tell(authorizer, user, changed);
            }
        }
    }

    /// Compares the etag of a request with the user's.
    ///
    /// # Errors
    ///
    /// Fails where it is another one, and where the issuer shows no profile to compare it with.
    pub(super) async fn check_etag(&self, user: &str, asked: &str) -> Result<(), Fault> {
        match self {
            Self::OfApp(of) => of.check_etag(user, asked).await,
            Self::OfIssuer(of) => of.check_etag(user, asked).await,
        }
    }

    /// Ends all sessions of a user.
    ///
    /// # Errors
    ///
    /// Fails where there is no such user, and where the issuer gives no usable answer.
    pub(super) async fn sign_out(&self, user: &str) -> Result<(), ApiError> {
        match self {
            Self::OfApp(of) => of.api.sign_out(of.credentials(), user, of.timeout).await,
            Self::OfIssuer(of) => of.api.sign_out(user, of.timeout).await,
        }
    }

    /// Deletes a user.
    ///
    /// # Errors
    ///
    /// Fails where there is no such user, and where the issuer gives no usable answer.
    pub(super) async fn delete(&self, user: &str) -> Result<(), ApiError> {
        match self {
            Self::OfApp(of) => of.api.delete(of.credentials(), user, of.timeout).await,
            Self::OfIssuer(of) => of.api.delete(user, of.timeout).await,
        }
    }
}
