//! A user as the core knows one, in its own shapes.
//!
//! In: the core's JSON. Out: the account with its ways to sign in, and the metadata of each of its ids.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A user of the core.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CoreUser {
    /// The id: the one of Rownd for an imported user.
    pub(super) id: String,
    /// When the user came, in milliseconds since 1970.
    pub(super) time_joined: i64,
    #[serde(default)]
    pub(super) login_methods: Vec<LoginMethod>,
}

/// A way to sign in.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoginMethod {
    pub(super) recipe_id: String,
    pub(super) recipe_user_id: String,
    #[serde(default)]
    pub(super) tenant_ids: Vec<String>,
    pub(super) email: Option<String>,
    pub(super) phone_number: Option<String>,
    pub(super) third_party: Option<ThirdParty>,
    #[serde(default)]
    pub(super) verified: bool,
    pub(super) time_joined: i64,
}

/// The account at another provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ThirdParty {
    pub(super) id: String,
    pub(super) user_id: String,
}

/// The metadata under one id.
#[derive(Debug, Clone, Default)]
pub(super) struct Metadata {
    pub(super) id: String,
    pub(super) members: Map<String, Value>,
}

/// Everything about one user.
#[derive(Debug, Clone)]
pub(super) struct UserRecord {
    pub(super) user: CoreUser,
    /// The id of Rownd, where the core has another id of its own.
    pub(super) external_id: Option<String>,
    /// Under the core's own id: here the plugin writes.
    pub(super) primary: Metadata,
    /// Under the ids of other ways to sign in.
    pub(super) linked: Vec<Metadata>,
}

impl CoreUser {
    /// The ids of the ways to sign in.
    pub(super) fn recipe_ids(&self) -> impl Iterator<Item = &String> {
        self.login_methods.iter().map(|method| &method.recipe_user_id)
    }

    /// The other ids under which the plugin may have left metadata.
    pub(super) fn linked_ids(&self, primary: &str) -> Vec<String> {
        let ids = self.recipe_ids().filter(|id| *id != primary);
        let mut ids: Vec<String> = ids.cloned().collect();
        ids.sort();
        ids.dedup();
        ids
    }
}

/// The value, if it is an object; else one without members.
pub(super) fn object(value: Option<&Value>) -> Map<String, Value> {
    value.and_then(Value::as_object).cloned().unwrap_or_default()
}

impl Metadata {
    /// The profile of Rownd, as it was imported.
    pub(super) fn original(&self) -> Map<String, Value> {
        object(self.members.get(ORIGINAL))
    }

    /// The id in that profile.
    pub(super) fn original_id(&self) -> Option<String> {
        let data = object(self.original().get("data"));
        data.get("user_id").and_then(Value::as_str).map(str::to_owned)
    }
}

/// The member with the profile of Rownd.
pub(super) const ORIGINAL: &str = "original_rownd_user";
