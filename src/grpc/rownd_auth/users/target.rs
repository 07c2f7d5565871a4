//! The app whose users a call is about, in a form that a task of its own can hold.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    config::{Right, Secret},
    grpc::rownd_auth::{
        administered::administered,
        administration::{Request, Subject},
        call::ServiceCall,
        etag,
        fault::Fault,
        user_view::etag_of,
    },
    issuer_api::{ApiError, AppCredentials, administration::users::UserAdministration},
    profile::{KnownProfile, MaxAge, Profiles, UserOfApp},
};

/// A request that reads.
const READ: Request = Request::Read(Subject::User);
/// A request that changes.
const CHANGE: Request = Request::Change(Subject::User);

/// The app whose users a call is about.
#[derive(Debug, Clone)]
pub(super) struct UsersOfApp {
    pub(super) api: Arc<dyn UserAdministration>,
    pub(super) profiles: Arc<Profiles>,
    /// The configured name of the issuer.
    pub(super) issuer: String,
    /// The id of the app.
    pub(super) app: String,
    /// The name of the caller.
    pub(super) caller: String,
    /// The issuer has other apps, whose users may have the same ids.
    pub(super) is_one_of_several: bool,
    key: Secret,
    secret: Secret,
    /// The longest time of one request to the issuer.
    pub(super) timeout: Duration,
}

impl UsersOfApp {
    /// The app that a request names, within the bounds of its caller.
    ///
    /// # Errors
    ///
    /// Fails where the caller has not this right there, and where there is no such app.
    pub(super) fn of(
        call: &ServiceCall,
        right: Right,
        issuer: &str,
        app: &str,
    ) -> Result<Self, Fault> {
        let found = administered(call, right, (issuer, app), |api| api.users.as_ref())?;
        Ok(Self {
            api: found.api.clone(),
            profiles: call.service.profiles().clone(),
            issuer: found.issuer.name().to_owned(),
            app: found.app.id.to_owned(),
            caller: call.caller.name().to_owned(),
            is_one_of_several: found
                .issuer
                .apps()
                .iter()
                .any(|slot| slot.id() != Some(found.app.id)),
            key: found.app.key.clone(),
            secret: found.app.secret.clone(),
            timeout: call.issuer_timeout(),
        })
    }

    /// The app with what proves it.
    pub(super) fn credentials(&self) -> AppCredentials<'_> {
        AppCredentials { id: &self.app, key: &self.key, secret: &self.secret }
    }

    /// A user of this app.
    pub(super) fn user<'a>(&'a self, user: &'a str) -> UserOfApp<'a> {
        UserOfApp { issuer: &self.issuer, app: &self.app, user }
    }

    /// The user as the issuer has it now.
    ///
    /// # Errors
    ///
    /// Fails where there is no such user, and where the issuer gives no usable answer.
    pub(super) async fn user_now(&self, user: &str) -> Result<KnownProfile, Fault> {
        let may_fetch = || Ok(());
        let now = MaxAge { max_age: Duration::ZERO, may_fetch: &may_fetch };
        let deadline = Instant::now() + self.timeout;
        let known = self.profiles.look_up(self.user(user), Some(now), deadline).await;
        let known = known.map_err(Fault::profile)?;
        // An older profile, which the operator may prefer to none, says nothing about now.
        if known.stale { Err(Fault::Late(self.timeout)) } else { Ok(known) }
    }

    /// Checks that the user has still this etag; an empty one is that of every user.
    ///
    /// # Errors
    ///
    /// Fails where it is another one, where there is no such user, and where the issuer cannot be
    /// asked.
    pub(super) async fn check_etag(&self, id: &str, asked: &str) -> Result<(), Fault> {
        if asked.is_empty() {
            return Ok(());
        }
        let known = self.user_now(id).await?;
        etag::check(asked, &etag_of(&known.profile))
    }
}

/// The fault of a request that reads.
pub(super) fn read_fault(error: ApiError) -> Fault {
    Fault::Administration(READ, error)
}

/// The fault of a request that changes something.
pub(super) fn change_fault(error: ApiError) -> Fault {
    Fault::Administration(CHANGE, error)
}
