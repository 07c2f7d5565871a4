//! The apps of the emulator, as the seed file writes them: names, keys, secrets, variants, the
//! schema of profiles, and the rules for tokens.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    clients::{AccessTokens, Client, ClientPut, Signing},
    people::{SeedGroup, SeedUser},
    users::User,
    validators::Validator,
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

/// An app of the seed file, or the demo app.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct App {
    /// The id, `app_...`.
    pub(crate) id: String,
    /// The publishable key, `key_...`.
    pub(crate) key: String,
    /// The secret that belongs to the key, `ras_...`.
    pub(crate) secret: String,
    /// The name for people.
    #[serde(default = "default_name")]
    pub(crate) name: String,
    /// Sub-brands, each with a key of its own.
    #[serde(default)]
    pub(crate) variants: Vec<Variant>,
    /// The fields of a profile, besides the identity fields that every app has.
    #[serde(default = "default_schema")]
    pub(crate) schema: BTreeMap<String, SchemaField>,
    /// Further entries of `aud`, after the app's own.
    #[serde(default)]
    pub(crate) audience: Vec<String>,
    /// Claims that are added to every access token.
    #[serde(default)]
    pub(crate) custom_claims: BTreeMap<String, CustomClaim>,
    /// The rules for refresh tokens.
    #[serde(default)]
    pub(crate) refresh_tokens: RefreshRules,
    /// The validators of tokens of other issuers, asked in this order.
    #[serde(default)]
    pub(crate) token_validators: Vec<Validator>,
    /// Whether SuperTokens' plugin serves this app; the demo app when no app says so.
    #[serde(default)]
    pub(crate) supertokens_plugin: bool,
    /// The algorithm of the app's OpenID provider.
    #[serde(default)]
    pub(crate) oidc_signing: Signing,
    /// The form of the access tokens of the app's OpenID provider: `opaque` or `jwt`.
    #[serde(default)]
    pub(crate) oidc_access_tokens: AccessTokens,
    /// The treatment of the members of `config` that a `PUT` of an OpenID client does not name:
    /// `replace` removes them, `merge` keeps them.
    #[serde(default)]
    pub(crate) oidc_client_put: ClientPut,
    /// The clients of the app's OpenID provider.
    #[serde(default)]
    pub(crate) oidc_clients: Vec<Client>,
    /// The users of the app.
    #[serde(default)]
    pub(crate) users: Vec<SeedUser>,
    /// The groups of the app.
    #[serde(default)]
    pub(crate) groups: Vec<SeedGroup>,
    /// The members of `config` that a platform operator wrote and that change nothing here.
    #[serde(skip)]
    pub(crate) patched_config: Map<String, Value>,
}

impl App {
    /// An app with these names and default settings.
    pub(crate) fn plain(id: &str, key: &str, secret: &str) -> Self {
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
            supertokens_plugin: false,
            oidc_signing: Signing::default(),
            oidc_access_tokens: AccessTokens::default(),
            oidc_client_put: ClientPut::default(),
            oidc_clients: Vec::new(),
            users: Vec::new(),
            groups: Vec::new(),
            patched_config: Map::new(),
        }
    }

    /// The schema as the app configuration shows it.
    pub(crate) fn schema_json(&self) -> Map<String, Value> {
        self.schema.iter().map(|(name, field)| (name.clone(), field.to_json(name))).collect()
    }

    /// Whether the app has a variant with this id.
    pub(crate) fn has_variant(&self, id: &str) -> bool {
        self.variants.iter().any(|variant| variant.id == id)
    }

    /// The claims that the configuration adds to access tokens of a user. A field without a value
    /// adds none, nor does any field of a user whom the app does not know.
    pub(crate) fn claims_of(&self, user: Option<&User>) -> Map<String, Value> {
        let value = |claim: &CustomClaim| match claim.source {
            ClaimSource::StaticValue => Some(claim.value.clone()),
            ClaimSource::UserProfile => user?.shown_data().get(claim.value.as_str()?).cloned(),
        };
        let claims = self.custom_claims.iter();
        claims.filter_map(|(name, claim)| Some((name.clone(), value(claim)?))).collect()
    }
}

fn default_name() -> String {
    "Demo app".to_owned()
}

/// The schema of the demo app, and of every app without a schema of its own.
pub(crate) fn default_schema() -> BTreeMap<String, SchemaField> {
    [("email", "Email"), ("first_name", "First name"), ("last_name", "Last name")]
        .into_iter()
        .map(|(name, title)| (name.to_owned(), SchemaField::text(title)))
        .collect()
}

/// A field of the profile.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SchemaField {
    /// Its name for people; the field's own when left out.
    #[serde(default)]
    pub(crate) display_name: Option<String>,
    /// The kind of value: `string`, `number`, `boolean`, `array`, `object`, `image`, `document` or
    /// `any`.
    #[serde(default, rename = "type")]
    pub(crate) kind: FieldType,
    /// Whether a profile has to have it.
    #[serde(default)]
    pub(crate) required: bool,
}

impl SchemaField {
    fn text(title: &str) -> Self {
        Self { display_name: Some(title.to_owned()), kind: FieldType::String, required: false }
    }

    /// The field as the app configuration shows it.
    pub(crate) fn to_json(&self, name: &str) -> Value {
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

/// The kind of value of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FieldType {
    /// Any text.
    #[default]
    String,
    /// A number, whole or not.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of any values.
    Array,
    /// A map of any values.
    Object,
    /// A picture: an address, or a file as a `data:` URL.
    Image,
    /// A file: an address, or a `data:` URL.
    Document,
    /// Any value.
    Any,
}

impl FieldType {
    pub(crate) fn fits(self, value: &Value) -> bool {
        match self {
            Self::String | Self::Image | Self::Document => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
            Self::Any => true,
        }
    }

    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Self::String => "must be a string",
            Self::Number => "must be a number",
            Self::Boolean => "must be true or false",
            Self::Array => "must be a list",
            Self::Object => "must be an object",
            Self::Image | Self::Document => "must be a file or an address",
            Self::Any => "can be anything",
        }
    }

    /// A value of the kind, for the sample profile.
    pub(crate) fn sample(self) -> Value {
        match self {
            Self::String | Self::Any => json!("sample"),
            Self::Number => json!(42),
            Self::Boolean => json!(true),
            Self::Array => json!(["sample"]),
            Self::Object => json!({ "sample": true }),
            Self::Image => json!("https://example.com/sample.png"),
            Self::Document => json!("https://example.com/sample.pdf"),
        }
    }
}

/// A claim that is added to access tokens.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomClaim {
    /// Where the value comes from.
    pub(crate) source: ClaimSource,
    /// The value itself, or the name of a field of the profile.
    pub(crate) value: Value,
}

/// Where a custom claim's value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClaimSource {
    /// From the field of the profile that `value` names.
    UserProfile,
    /// `value` itself.
    StaticValue,
}

/// How refresh tokens behave.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RefreshRules {
    /// `disabled`: each works once. `enabled`: until it expires.
    pub(crate) allow_reuse: RefreshReuse,
    /// Whether expired ones are accepted.
    pub(crate) dangerously_ignore_expiration: bool,
    /// Their lifetime in days, written like `30d`.
    #[schemars(regex(pattern = r"^[1-9][0-9]{0,3}d$"))]
    pub(crate) ttl: String,
}

impl Default for RefreshRules {
    fn default() -> Self {
        Self {
            allow_reuse: RefreshReuse::Disabled,
            dangerously_ignore_expiration: false,
            ttl: "30d".to_owned(),
        }
    }
}

impl RefreshRules {
    pub(crate) fn seconds(&self) -> i64 {
        let days = self.ttl.trim_end_matches('d').parse().unwrap_or(30_i64);
        days.saturating_mul(24 * 3_600)
    }
}

/// Whether a refresh token works more than once.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefreshReuse {
    /// Each works once.
    Disabled,
    /// Each works until it expires.
    Enabled,
}
