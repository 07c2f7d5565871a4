//! Where the profiles of an issuer are read, and the key of one user's profile.

use std::sync::Arc;

use crate::{
    issuer_api::{AppCredentials, IssuerApi, UserProfiles},
    model::IssuerIndex,
    verify::AppSlot,
};

/// Names the user of a profile. A struct, so that no two users can share a key, whatever
/// characters their ids have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ProfileKey {
    pub(super) issuer: IssuerIndex,
    pub(super) app: String,
    pub(super) user: String,
}

/// The API that reads the users of an app.
#[derive(Debug)]
pub(super) struct ApiOfApp<'a> {
    pub(super) api: &'a dyn UserProfiles,
    pub(super) app: AppCredentials<'a>,
}

/// The API of one issuer, and its apps.
#[derive(Debug)]
pub(super) struct ProfileSource {
    pub(super) api: IssuerApi,
    pub(super) apps: Vec<Arc<AppSlot>>,
}

impl ProfileSource {
    /// The API that reads the users of this app, and what proves the app to it. `None`: the API
    /// has no profiles, the app is unknown, or it has no key and secret.
    pub(super) fn api_of(&self, app: &str) -> Option<ApiOfApp<'_>> {
        let api = self.api.user_profiles.as_deref()?;
        let mut meant = self.apps.iter().filter(|slot| slot.id() == Some(app));
        meant.find_map(|slot| {
            let (id, key, secret) = (slot.id()?, slot.key()?, slot.secret()?);
            Some(ApiOfApp { api, app: AppCredentials { id, key, secret } })
        })
    }
}
