//! Who somebody proved to be, and which user of the app that is.
//!
//! In: a [`Proof`]. Out: the user it means, found or made.

use serde_json::{Map, Value};

use crate::{
    users::{Level, User},
    world::Tenant,
};

/// What a validator found in a foreign token.
pub(crate) struct Proof {
    /// The id to adopt; one is generated when `None`.
    pub(super) user_id: Option<String>,
    /// What is proved, by field of the profile.
    pub(super) verified: Map<String, Value>,
    /// What else it said. Only what the schema knows is kept.
    pub(super) data: Map<String, Value>,
    /// A word for `last_sign_in_method`.
    pub(super) method: &'static str,
    /// A guest, by the name of a device.
    pub(super) anonymous_id: Option<String>,
}

impl Proof {
    /// A guest: nobody proved anything.
    pub(super) fn anonymous(device: Option<&str>) -> Self {
        Self {
            user_id: None,
            verified: Map::new(),
            data: Map::new(),
            method: "anonymous",
            anonymous_id: Some(device.unwrap_or_default().to_owned()),
        }
    }

    pub(super) fn level(&self) -> Level {
        if self.anonymous_id.is_some() {
            Level::Guest
        } else if self.verified.is_empty() {
            Level::Unverified
        } else {
            Level::Verified
        }
    }

    /// The user whom this means, if the app has them: by id, else by a proved value.
    pub(super) fn user<'a>(&self, tenant: &'a Tenant) -> Option<&'a User> {
        if let Some(id) = &self.user_id {
            return tenant.users.get(id);
        }
        if let Some(device) = self.anonymous_id.as_deref().filter(|device| !device.is_empty()) {
            return tenant.users.values().find(|user| {
                user.auth_level.is_anonymous()
                    && user.data.get("anonymous_id").is_some_and(|known| known == device)
            });
        }
        self.verified.values().filter_map(Value::as_str).find_map(|value| tenant.who_proved(value))
    }
}
