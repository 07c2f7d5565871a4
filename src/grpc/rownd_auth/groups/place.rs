//! The app whose groups a call is about, with all that a request to its issuer needs.

use std::{ops::Deref, sync::Arc, time::Duration};

use super::refused;
use crate::{
    authz::Authorizer,
    config::{Right, Secret},
    grpc::rownd_auth::{administered::administered, call::ServiceCall, fault::Fault},
    issuer_api::{
        AppCredentials,
        administration::groups::{
            GroupAdministration, GroupDocument, GroupEntry, GroupList, GroupPage, ListPart,
        },
    },
    profile::Profiles,
};

/// A call about groups, and what has to be told of its changes.
#[derive(Debug, Clone)]
pub(super) struct GroupCall {
    pub(super) authorizer: Arc<Authorizer>,
    pub(super) call: Arc<ServiceCall>,
}

/// The groups of one app. It owns what it needs, because a change outlives its call.
#[derive(Debug)]
pub(super) struct Place {
    call: GroupCall,
    pub(super) api: Arc<dyn GroupAdministration>,
    /// The configured name of the issuer.
    pub(super) issuer: String,
    /// The id of the app.
    pub(super) app: String,
    key: Secret,
    secret: Secret,
}

impl Place {
    /// The groups of the app that a request names, or of the only one within the bounds of its caller.
    pub(super) fn of(
        call: &GroupCall,
        right: Right,
        issuer: Option<&String>,
        app: Option<&String>,
    ) -> Result<Self, Fault> {
        let text = |named: Option<&String>| named.map_or("", String::as_str).to_owned();
        let (issuer, app) = (text(issuer), text(app));
        let found = administered(&call.call, right, (&issuer, &app), |api| api.groups.as_ref())?;
        Ok(Self {
            call: call.clone(),
            api: found.api.clone(),
            issuer: found.issuer.name().to_owned(),
            app: found.app.id.to_owned(),
            key: found.app.key.clone(),
            secret: found.app.secret.clone(),
        })
    }

    /// The app, and what proves it.
    pub(super) fn credentials(&self) -> AppCredentials<'_> {
        AppCredentials { id: &self.app, key: &self.key, secret: &self.secret }
    }

    pub(super) fn timeout(&self) -> Duration {
        self.call.issuer_timeout()
    }

    /// The entry as it is now.
    pub(super) async fn read(&self, entry: GroupEntry<'_>) -> Result<GroupDocument, Fault> {
        let answer = self.api.read(self.credentials(), entry, self.timeout()).await;
        answer.map_err(refused::read)
    }

    /// A part of a list.
    pub(super) async fn list(
        &self,
        list: GroupList<'_>,
        part: ListPart<'_>,
    ) -> Result<GroupPage, Fault> {
        let answer = self.api.list(self.credentials(), list, part, self.timeout()).await;
        answer.map_err(refused::read)
    }

    /// Drops the cached profile of a user: it holds the user's roles, and the next check must see
    /// those of now.
    pub(super) fn forget_user(&self, user: &str) {
        self.call.forget(|profiles| profiles.forget_user(&self.issuer, user));
    }

    /// Drops the cached profiles of the users who have something to do with a group.
    pub(super) fn forget_group(&self, group: &str) {
        self.call.forget(|profiles| profiles.forget_group(&self.issuer, group));
    }
}

impl GroupCall {
    /// Drops something from the cached profiles: of the configuration that the call began with, and
    /// of the one in force, which a reload may have put in its place.
    pub(super) fn forget(&self, forget: impl Fn(&Profiles)) {
        let own = self.call.service.profiles();
        forget(own);
        self.authorizer.command(|snapshot| {
            let in_force = snapshot.service().profiles();
            if !Arc::ptr_eq(in_force, own) {
                forget(in_force);
            }
        });
    }
}

impl Deref for GroupCall {
    type Target = ServiceCall;

    fn deref(&self) -> &ServiceCall {
        &self.call
    }
}
