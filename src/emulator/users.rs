//! The people of the demo app: one per auth level, and one who was disabled.
//!
//! In: a name or an id. Out: who that is, and the profile as Rownd's API gives it to a
//! backend.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How strongly a user proved who they are, in Rownd's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Known by a device only.
    Instant,
    /// A guest.
    Guest,
    /// Gave an e-mail address or a phone number, proved none.
    Unverified,
    /// Proved one.
    Verified,
}

impl Level {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::Guest => "guest",
            Self::Unverified => "unverified",
            Self::Verified => "verified",
        }
    }

    /// Rownd says `true` for guests too: that is the trap this claim holds.
    pub(super) fn is_verified_user(self) -> bool {
        matches!(self, Self::Guest | Self::Verified)
    }

    pub(super) fn is_anonymous(self) -> bool {
        matches!(self, Self::Guest | Self::Instant)
    }
}

/// A seeded user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct User {
    /// The short word for it, what `token mint --user` takes.
    pub(super) name: &'static str,
    pub(super) id: &'static str,
    pub(super) auth_level: Level,
    pub(super) state: &'static str,
    #[serde(skip)]
    email: Option<&'static str>,
}

/// Everybody, in the order of the auth levels.
pub(super) const SEEDED: [User; 5] = [
    User {
        name: "verified",
        id: "user_verified",
        auth_level: Level::Verified,
        state: "enabled",
        email: Some("vera@example.com"),
    },
    User {
        name: "unverified",
        id: "user_unverified",
        auth_level: Level::Unverified,
        state: "enabled",
        email: Some("uma@example.com"),
    },
    User {
        name: "guest",
        id: "user_guest",
        auth_level: Level::Guest,
        state: "enabled",
        email: None,
    },
    User {
        name: "instant",
        id: "user_instant",
        auth_level: Level::Instant,
        state: "enabled",
        email: None,
    },
    User {
        name: "disabled",
        id: "user_disabled",
        auth_level: Level::Verified,
        state: "disabled",
        email: Some("dora@example.com"),
    },
];

/// Finds a seeded user by short name or id.
pub(super) fn find(name_or_id: &str) -> Option<&'static User> {
    SEEDED.iter().find(|user| user.name == name_or_id || user.id == name_or_id)
}

const CREATED: &str = "2026-01-05T09:00:00.000Z";
const SEEN: &str = "2026-06-01T12:30:00.000Z";

impl User {
    /// The profile, with `data` cut down to `fields` if any are named.
    pub(super) fn profile(&self, app_id: &str, fields: Option<&str>) -> Value {
        let mut data = self.data();
        if let Some(fields) = fields {
            let wanted: Vec<&str> = fields.split(',').map(str::trim).collect();
            data.retain(|name, _| wanted.contains(&name.as_str()));
        }
        json!({
            "rownd_user": self.id,
            "state": self.state,
            "auth_level": self.auth_level.as_str(),
            "attributes": self.attributes(),
            "data": data,
            "verified_data": self.verified_data(),
            "groups": self.groups(app_id),
            "meta": self.meta(),
            "connection_map": {},
        })
    }

    fn data(&self) -> Map<String, Value> {
        let mut data = Map::new();
        data.insert("user_id".to_owned(), json!(self.id));
        if let Some(email) = self.email {
            data.insert("email".to_owned(), json!(email));
            data.insert("first_name".to_owned(), json!("Demo"));
            data.insert("last_name".to_owned(), json!(self.name));
        }
        if self.auth_level.is_anonymous() {
            data.insert("anonymous_id".to_owned(), json!(format!("anon_{}", self.name)));
        }
        data
    }

    fn verified_data(&self) -> Value {
        match (self.auth_level, self.email) {
            (Level::Verified, Some(email)) => json!({ "email": email }),
            _ => json!({}),
        }
    }

    fn attributes(&self) -> Value {
        match self.name {
            "verified" => json!({ "demo:tags": ["premium"] }),
            _ => json!({}),
        }
    }

    /// One group with one role, for rules that ask about them later.
    fn groups(&self, app_id: &str) -> Value {
        if self.name != "verified" {
            return json!([]);
        }
        json!([{
            "group": {
                "id": "group_demo",
                "name": "Demo group",
                "member_count": 0,
                "app_id": app_id,
                "admission_policy": "invite_only",
                "meta": null,
                "created_at": CREATED,
                "updated_at": CREATED,
            },
            "member": {
                "id": "member_demo",
                "user_id": self.id,
                "roles": ["owner", "editor"],
                "state": "active",
                "invited_by": null,
                "added_by": null,
                "group_id": "group_demo",
            },
        }])
    }

    fn meta(&self) -> Value {
        let method = if self.auth_level.is_anonymous() { "anonymous" } else { "email" };
        json!({
            "created": CREATED,
            "modified": SEEN,
            "first_sign_in": CREATED,
            "first_sign_in_method": method,
            "last_sign_in": SEEN,
            "last_sign_in_method": method,
            "last_active": SEEN,
        })
    }
}
