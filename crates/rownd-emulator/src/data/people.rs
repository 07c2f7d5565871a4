//! The users and groups of an app, as the seed file writes them.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    groups::Admission,
    users::{AccountState, AuthLevel, User},
};

/// A user of the seed file.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedUser {
    /// The user id: any text.
    #[schemars(length(min = 1))]
    pub(crate) id: String,
    /// A short name, for `token --user` and `token mint --user`.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// The `sub` of tokens, if it is not the id: accounts of 2022 have such a one.
    #[serde(default)]
    pub(crate) sub: Option<String>,
    /// The auth level: how strongly the user proved who they are.
    #[serde(default = "verified")]
    pub(crate) auth_level: AuthLevel,
    /// Whether the account may be used.
    #[serde(default)]
    pub(crate) state: AccountState,
    /// The profile's fields.
    #[serde(default)]
    pub(crate) data: Map<String, Value>,
    /// The proved fields. A verified user without them has proved the e-mail address and the phone
    /// number of `data`.
    #[serde(default)]
    pub(crate) verified_data: Option<Map<String, Value>>,
    /// Lists of strings by `namespace:key`.
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
    /// The groups of the user.
    #[serde(default)]
    pub(crate) groups: Vec<SeedMembership>,
    /// Members of `meta` to set in place of the default ones: `tokens_valid_since` and
    /// `access_token_ttl: never` among them.
    #[serde(default)]
    pub(crate) meta: Map<String, Value>,
}

fn verified() -> AuthLevel {
    AuthLevel::Verified
}

/// A membership of the seed file.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedMembership {
    /// The id of the group, which stands under `groups` of the app.
    pub(crate) group: String,
    /// The roles: any texts.
    #[serde(default)]
    pub(crate) roles: Vec<String>,
}

/// A group of the seed file.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedGroup {
    /// The id, `group_...`.
    pub(crate) id: String,
    /// The name for people.
    pub(crate) name: String,
    /// The users who may join.
    #[serde(default)]
    pub(crate) admission_policy: Admission,
}

impl SeedUser {
    /// The user that this entry describes.
    pub(crate) fn user(&self) -> User {
        let mut user = User::new(self.id.clone(), self.auth_level);
        user.name.clone_from(&self.name);
        user.state = self.state;
        user.subject.clone_from(&self.sub);
        user.data.clone_from(&self.data);
        user.data.remove("user_id");
        user.attributes.clone_from(&self.attributes);
        user.verified = self.verified_data.clone().unwrap_or_else(|| self.proved());
        let method = if self.auth_level.is_anonymous() { "anonymous" } else { "email" };
        user.signed_in(method);
        user.meta.extend(self.meta.clone());
        user
    }

    fn proved(&self) -> Map<String, Value> {
        if self.auth_level != AuthLevel::Verified {
            return Map::new();
        }
        let proved = |field: &str| self.data.get(field).map(|v| (field.to_owned(), v.clone()));
        ["email", "phone_number"].into_iter().filter_map(proved).collect()
    }
}
