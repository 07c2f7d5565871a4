//! A user of an app: account, profile and what was proved.

use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::time::timestamp;

/// The auth level: how strongly a user proved who they are, in Rownd's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthLevel {
    /// The user is known by a device only.
    Instant,
    /// The user is a guest.
    Guest,
    /// The user gave an e-mail address or a phone number and proved neither.
    Unverified,
    /// The user proved an e-mail address or a phone number.
    Verified,
}

impl AuthLevel {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::Guest => "guest",
            Self::Unverified => "unverified",
            Self::Verified => "verified",
        }
    }

    /// The claim `is_verified_user`. Rownd says `true` for guests as well.
    pub(crate) fn is_verified_user(self) -> bool {
        matches!(self, Self::Guest | Self::Verified)
    }

    pub(crate) fn is_anonymous(self) -> bool {
        matches!(self, Self::Guest | Self::Instant)
    }
}

/// The state of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccountState {
    /// The account works.
    #[default]
    Enabled,
    /// The account is disabled: its tokens are genuine, and are not accepted.
    Disabled,
}

/// A user of one app.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct User {
    /// A short name, for `token --user` and `token mint --user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) id: String,
    pub(crate) auth_level: AuthLevel,
    pub(crate) state: AccountState,
    /// The `sub` of tokens, if it is not the id: accounts of 2022 have such a one.
    #[serde(skip)]
    pub(crate) subject: Option<String>,
    #[serde(skip)]
    pub(crate) data: Map<String, Value>,
    #[serde(skip)]
    pub(crate) verified: Map<String, Value>,
    #[serde(skip)]
    pub(crate) attributes: Map<String, Value>,
    #[serde(skip)]
    pub(crate) meta: Map<String, Value>,
}

/// The members of `meta` that a user may not write.
const OWN_META: [&str; 11] = [
    "created",
    "modified",
    "first_sign_in",
    "first_sign_in_method",
    "last_sign_in",
    "last_sign_in_method",
    "last_active",
    "last_token_refresh",
    "tokens_valid_since",
    "access_token_ttl",
    "app_variants",
];

impl User {
    /// A new user.
    pub(crate) fn new(id: String, auth_level: AuthLevel) -> Self {
        let mut meta = Map::new();
        meta.insert("created".to_owned(), json!(timestamp()));
        meta.insert("modified".to_owned(), json!(timestamp()));
        Self {
            name: None,
            id,
            auth_level,
            state: AccountState::Enabled,
            subject: None,
            data: Map::new(),
            verified: Map::new(),
            attributes: Map::new(),
            meta,
        }
    }

    /// Adds to `meta` what the user may write there.
    pub(crate) fn write_meta(&mut self, written: Map<String, Value>) {
        let own = written.into_iter().filter(|(name, _)| !OWN_META.contains(&name.as_str()));
        self.meta.extend(own);
    }

    /// Writes the time now into a member of `meta`.
    pub(crate) fn stamp(&mut self, what: &str) {
        self.meta.insert(what.to_owned(), json!(timestamp()));
    }

    /// Writes a sign-in by `method` into `meta`.
    pub(crate) fn signed_in(&mut self, method: &str) {
        if !self.meta.contains_key("first_sign_in") {
            self.stamp("first_sign_in");
            self.meta.insert("first_sign_in_method".to_owned(), json!(method));
        }
        self.stamp("last_sign_in");
        self.meta.insert("last_sign_in_method".to_owned(), json!(method));
        self.stamp("last_active");
    }

    /// Whether the access tokens of the user never expire.
    pub(crate) fn has_tokens_without_end(&self) -> bool {
        self.meta.get("access_token_ttl").and_then(Value::as_str) == Some("never")
    }

    /// Makes all tokens issued so far invalid.
    pub(crate) fn sign_out_everywhere(&mut self) {
        self.stamp("tokens_valid_since");
    }

    /// Whether a token issued at `issued_at` (seconds since 1970) is older than the last sign-out. A
    /// time that cannot be read counts as later than every token.
    pub(crate) fn signed_out_since(&self, issued_at: u64) -> bool {
        match self.meta.get("tokens_valid_since") {
            None | Some(Value::Null) => false,
            Some(since) => since
                .as_str()
                .and_then(|text| humantime::parse_rfc3339(text).ok())
                .and_then(|since| since.duration_since(SystemTime::UNIX_EPOCH).ok())
                .is_none_or(|since| u128::from(issued_at) * 1_000 < since.as_millis()),
        }
    }

    /// `data` as Rownd shows it: with the id in it.
    pub(crate) fn shown_data(&self) -> Map<String, Value> {
        let mut data = Map::new();
        data.insert("user_id".to_owned(), json!(self.id));
        data.extend(self.data.clone());
        data
    }

    /// The profile, with only these `fields` (separated by commas) of `data` if they are given.
    pub(crate) fn profile(&self, groups: &Value, fields: Option<&str>) -> Value {
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
