//! The users of an app, and what Rownd's API says and does about them.
//!
//! In: requests of a backend (by key and secret) or of a user (by bearer token). Out:
//! profiles and lists in Rownd's shapes, written back into the emulator's world.

pub(super) mod account;
pub(super) mod data;
pub(super) mod fields;
pub(super) mod ids;
pub(super) mod lists;
pub(super) mod me;

use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How strongly a user proved who they are, in Rownd's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
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

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// It may.
    #[default]
    Enabled,
    /// Its tokens are genuine and worth nothing.
    Disabled,
}

/// A user of one app.
#[derive(Clone, Debug, Serialize)]
pub(super) struct User {
    /// The short word for it, what `token mint --user` takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) id: String,
    pub(super) auth_level: Level,
    pub(super) state: Standing,
    /// What stands in `sub` where that is not the id, as on accounts of 2022.
    #[serde(skip)]
    pub(super) subject: Option<String>,
    #[serde(skip)]
    pub(super) data: Map<String, Value>,
    #[serde(skip)]
    pub(super) verified: Map<String, Value>,
    #[serde(skip)]
    pub(super) attributes: Map<String, Value>,
    #[serde(skip)]
    pub(super) meta: Map<String, Value>,
}

impl User {
    /// A user who was not there before.
    pub(super) fn new(id: String, auth_level: Level) -> Self {
        let mut meta = Map::new();
        meta.insert("created".to_owned(), json!(now()));
        meta.insert("modified".to_owned(), json!(now()));
        Self {
            name: None,
            id,
            auth_level,
            state: Standing::Enabled,
            subject: None,
            data: Map::new(),
            verified: Map::new(),
            attributes: Map::new(),
            meta,
        }
    }

    /// Notes a time in `meta`.
    pub(super) fn stamp(&mut self, what: &str) {
        self.meta.insert(what.to_owned(), json!(now()));
    }

    /// Notes a sign-in by `method`.
    pub(super) fn signed_in(&mut self, method: &str) {
        if !self.meta.contains_key("first_sign_in") {
            self.stamp("first_sign_in");
            self.meta.insert("first_sign_in_method".to_owned(), json!(method));
        }
        self.stamp("last_sign_in");
        self.meta.insert("last_sign_in_method".to_owned(), json!(method));
        self.stamp("last_active");
    }

    /// From now on the tokens made so far are dead.
    pub(super) fn sign_out_everywhere(&mut self) {
        self.stamp("tokens_valid_since");
    }

    /// Whether a token made at `issued_at` (Unix seconds) is from before the last
    /// sign-out. What cannot be read counts as after every token.
    pub(super) fn signed_out_since(&self, issued_at: u64) -> bool {
        match self.meta.get("tokens_valid_since") {
            None | Some(Value::Null) => false,
            Some(since) => since
                .as_str()
                .and_then(|text| humantime::parse_rfc3339(text).ok())
                .and_then(|since| since.duration_since(SystemTime::UNIX_EPOCH).ok())
                .is_none_or(|since| u128::from(issued_at) * 1_000 < since.as_millis()),
        }
    }

    /// Whether one of the proved values is this one.
    pub(super) fn proved(&self, value: &str) -> bool {
        self.verified.iter().any(|(field, proof)| match proof {
            Value::String(proof) => proof == value,
            // Some records only say that the field's value is proved.
            Value::Bool(true) => self.data.get(field).is_some_and(|data| data == value),
            _ => false,
        })
    }

    /// `data` as Rownd gives it: with the id in it.
    pub(super) fn shown_data(&self) -> Map<String, Value> {
        let mut data = Map::new();
        data.insert("user_id".to_owned(), json!(self.id));
        data.extend(self.data.clone());
        data
    }

    /// The profile, with `data` cut down to `fields` if any are named.
    pub(super) fn profile(&self, groups: &Value, fields: Option<&str>) -> Value {
        let mut data = self.shown_data();
        if let Some(fields) = fields {
            let wanted: Vec<&str> = fields.split(',').map(str::trim).collect();
            data.retain(|name, _| wanted.contains(&name.as_str()));
        }
        json!({
            "rownd_user": self.id,
            "state": self.state,
            "auth_level": self.auth_level.as_str(),
            "attributes": self.attributes,
            "data": data,
            "verified_data": self.verified,
            "groups": groups,
            "meta": self.meta,
            "connection_map": {},
        })
    }
}

/// Now as Rownd writes times: ISO 8601 with milliseconds.
pub(super) fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}
