//! The accounts that a call is about: those of an app of Rownd, or those of an issuer without apps,
//! such as SuperTokens with its core.

use std::{sync::Arc, time::Duration};

use super::{
    change::UserChange,
    target::UsersOfApp,
    told::{ChangedAt, UserChanged},
    update::check_etag,
};
use crate::{
    authz::Authorizer,
    config::Right,
    grpc::rownd_auth::{administered::administered_issuer, call::ServiceCall, fault::Fault},
    issuer_api::{ApiError, administration::accounts::AccountAdministration},
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
pub(super) struct AccountsOfIssuer {
    api: Arc<dyn AccountAdministration>,
    profiles: Arc<Profiles>,
    issuer: String,
    /// The name of the caller.
    caller: String,
    timeout: Duration,
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
        let found = administered_issuer(call, right, (issuer, app), |api| api.accounts.as_ref())?;
        Ok(Self::OfIssuer(AccountsOfIssuer {
            api: found.api.clone(),
            profiles: call.service.profiles().clone(),
            issuer: found.issuer.name().to_owned(),
            caller: call.caller.name().to_owned(),
            timeout: call.issuer_timeout(),
        }))
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
            Self::OfApp(of) => check_etag(of, user, asked).await,
            Self::OfIssuer(_) if asked.is_empty() => Ok(()),
            Self::OfIssuer(_) => {
                Err(Fault::field("etag", "cannot be compared: the issuer shows no profile by id"))
            }
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
