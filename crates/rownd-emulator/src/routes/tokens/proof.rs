//! The proof of an exchange: what a validator found in a token of another issuer, or a guest.

use serde_json::{Map, Value};

use crate::data::{
    records::AppRecords,
    users::{AuthLevel, User},
};

/// The result of a validator for a token of another issuer.
pub(crate) struct Proof {
    /// The id for a new user; `None` for a random one.
    pub(crate) user_id: Option<String>,
    /// The proved values, by field of the profile.
    pub(crate) verified: Map<String, Value>,
    /// Further values. Only fields of the schema are kept.
    pub(crate) data: Map<String, Value>,
    /// The value of `last_sign_in_method`.
    pub(crate) method: &'static str,
    /// For a guest: the name of the device, which may be empty.
    pub(crate) anonymous_id: Option<String>,
}

impl Proof {
    /// A guest, who proved nothing.
    pub(crate) fn anonymous(device: Option<&str>) -> Self {
        Self {
            user_id: None,
            verified: Map::new(),
            data: Map::new(),
            method: "anonymous",
            anonymous_id: Some(device.unwrap_or_default().to_owned()),
        }
    }

    pub(crate) fn level(&self) -> AuthLevel {
        if self.anonymous_id.is_some() {
            AuthLevel::Guest
        } else if self.verified.is_empty() {
            AuthLevel::Unverified
        } else {
            AuthLevel::Verified
        }
    }

    /// The user of the app, if it has one: by id, else by device, else by a proved value.
    pub(crate) fn user<'a>(&self, app_records: &'a AppRecords) -> Option<&'a User> {
        if let Some(id) = &self.user_id {
            return app_records.users.get(id);
        }
        if let Some(device) = self.anonymous_id.as_deref().filter(|device| !device.is_empty()) {
            return app_records.users.values().find(|user| {
                user.auth_level.is_anonymous()
                    && user.data.get("anonymous_id").is_some_and(|known| known == device)
            });
        }
        self.verified
            .values()
            .filter_map(Value::as_str)
            .find_map(|value| app_records.find_by_proved_value(value))
    }
}
