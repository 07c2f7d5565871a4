//! Where the profiles of an issuer are read, and the key of one user's profile.

use std::sync::Arc;

use crate::{issuer_api, verify::AppSlot};

/// Names the user of a profile. A struct, so that no two users can share a key, whatever
/// characters their ids have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ProfileKey {
    pub(super) issuer: usize,
    pub(super) app: String,
    pub(super) user: String,
}

/// The API of one issuer, and its apps.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) remote: issuer_api::Remote,
    pub(super) apps: Vec<Arc<AppSlot>>,
}

impl Source {
    /// The API that reads the users of this app, and what proves the app to it. `None`: the API
    /// has no profiles, the app is unknown, or it has no key and secret.
    pub(super) fn api_of(&self, app: &str) -> Option<(&issuer_api::Client, issuer_api::App<'_>)> {
        let api = self.remote.rownd()?;
        let mut meant = self.apps.iter().filter(|slot| slot.id() == Some(app));
        meant.find_map(|slot| {
            let (id, key, secret) = (slot.id()?, slot.key()?, slot.secret()?);
            Some((api, issuer_api::App { id, key, secret }))
        })
    }
}
