//! The apps that the emulator knows, as the seed file writes them.
//!
//! In: settings or YAML. Out: names, keys, secrets, variants, schema and token rules of
//! each app.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    oidc::{Client, Signing},
    tokens::validator::Validator,
};

/// A sub-brand of an app ("app variant"): its key leads to the base app's id.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// The id that stands in `aud` as `app_variant:ID`.
    pub id: String,
    /// Its publishable key.
    pub key: String,
    /// Its name for people.
    pub name: String,
}

impl std::fmt::Debug for Variant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variant").finish_non_exhaustive()
    }
}

/// One app.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct App {
    /// The id, `app_...`.
    pub(super) id: String,
    /// The publishable key, `key_...`.
    pub(super) key: String,
    /// The secret that goes with the key where profiles are read, `ras_...`.
    pub(super) secret: String,
    /// The name for people.
    #[serde(default = "default_name")]
    pub(super) name: String,
    /// Sub-brands, each with a key of its own.
    #[serde(default)]
    pub(super) variants: Vec<Variant>,
    /// The fields of a profile, beside the identity fields every app has.
    #[serde(default = "default_schema")]
    pub(super) schema: BTreeMap<String, Field>,
    /// Further entries of `aud`, behind the app's own.
    #[serde(default)]
    pub(super) audience: Vec<String>,
    /// Claims that every access token gets.
    #[serde(default)]
    pub(super) custom_claims: BTreeMap<String, CustomClaim>,
    /// The rules for refresh tokens.
    #[serde(default)]
    pub(super) refresh_tokens: RefreshRules,
    /// Who vouches for the tokens of others, asked in this order.
    #[serde(default)]
    pub(super) token_validators: Vec<Validator>,
    /// How the app's OpenID provider signs.
    #[serde(default)]
    pub(super) oidc_signing: Signing,
    /// The clients of the app's OpenID provider.
    #[serde(default)]
    pub(super) oidc_clients: Vec<Client>,
    /// The people of the app.
    #[serde(default)]
    pub(super) users: Vec<super::seed::Person>,
    /// The groups of the app.
    #[serde(default)]
    pub(super) groups: Vec<super::seed::GroupSeed>,
}

fn default_name() -> String {
    "Demo app".to_owned()
}

/// The schema of the demo app, and of any app that names none.
pub(super) fn default_schema() -> BTreeMap<String, Field> {
    [("email", "Email"), ("first_name", "First name"), ("last_name", "Last name")]
        .into_iter()
        .map(|(name, title)| (name.to_owned(), Field::text(title)))
        .collect()
}

/// A field of the profile.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    /// Its name for people; the field's own when left out.
    #[serde(default)]
    pub(super) display_name: Option<String>,
    /// The kind of value.
    #[serde(default, rename = "type")]
    pub(super) kind: FieldType,
    /// A profile cannot be without it.
    #[serde(default)]
    pub(super) required: bool,
}

impl Field {
    fn text(title: &str) -> Self {
        Self { display_name: Some(title.to_owned()), kind: FieldType::String, required: false }
    }

    /// As the app configuration shows it.
    pub(super) fn document(&self, name: &str) -> Value {
        json!({
            "display_name": self.display_name.as_deref().unwrap_or(name),
            "type": self.kind,
            "data_category": "pii_basic",
            "required": self.required,
            "owned_by": "user",
            "user_visible": true,
            "revoke_after": "1 month",
            "required_retention": "none",
            "collection_justification": "",
            "opt_out_warning": "",
        })
    }
}

/// What a field holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FieldType {
    /// Text.
    #[default]
    String,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    Array,
    /// A map.
    Object,
}

impl FieldType {
    pub(super) fn fits(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }

    pub(super) fn wanted(self) -> &'static str {
        match self {
            Self::String => "must be a string",
            Self::Number => "must be a number",
            Self::Boolean => "must be true or false",
            Self::Array => "must be a list",
            Self::Object => "must be an object",
        }
    }

    /// A value of the kind, for the sample profile.
    pub(super) fn sample(self) -> Value {
        match self {
            Self::String => json!("sample"),
            Self::Number => json!(42),
            Self::Boolean => json!(true),
            Self::Array => json!(["sample"]),
            Self::Object => json!({ "sample": true }),
        }
    }
}

/// A claim that access tokens get beside Rownd's own.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomClaim {
    /// Where the value comes from.
    pub(super) source: ClaimSource,
    /// The value itself, or the name of a field of the profile.
    pub(super) value: Value,
}

/// Where a custom claim's value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClaimSource {
    /// From the field of the profile that `value` names.
    UserProfile,
    /// `value` itself.
    StaticValue,
}

/// How refresh tokens behave.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RefreshRules {
    /// `disabled`: each works once. `enabled`: until it expires.
    pub(super) allow_reuse: Reuse,
    /// Take expired ones as well.
    pub(super) dangerously_ignore_expiration: bool,
    /// Their lifetime in days, written like `30d`.
    #[schemars(regex(pattern = r"^[1-9][0-9]{0,3}d$"))]
    pub(super) ttl: String,
}

impl Default for RefreshRules {
    fn default() -> Self {
        Self {
            allow_reuse: Reuse::Disabled,
            dangerously_ignore_expiration: false,
            ttl: "30d".to_owned(),
        }
    }
}

impl RefreshRules {
    pub(super) fn seconds(&self) -> i64 {
        let days = self.ttl.trim_end_matches('d').parse().unwrap_or(30_i64);
        days.saturating_mul(24 * 3_600)
    }
}

/// Whether a refresh token works more than once.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reuse {
    /// Once.
    Disabled,
    /// Until it expires.
    Enabled,
}

impl App {
    /// An app of these names and nothing else set.
    pub(super) fn plain(id: &str, key: &str, secret: &str) -> Self {
        Self {
            id: id.to_owned(),
            key: key.to_owned(),
            secret: secret.to_owned(),
            name: default_name(),
            variants: Vec::new(),
            schema: default_schema(),
            audience: Vec::new(),
            custom_claims: BTreeMap::new(),
            refresh_tokens: RefreshRules::default(),
            token_validators: Vec::new(),
            oidc_signing: Signing::default(),
            oidc_clients: Vec::new(),
            users: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// The schema as the app configuration shows it.
    pub(super) fn schema_document(&self) -> Map<String, Value> {
        self.schema.iter().map(|(name, field)| (name.clone(), field.document(name))).collect()
    }
}
