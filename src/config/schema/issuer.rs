//! Whose tokens are trusted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Secret, Span};

/// The kind of an issuer: it decides algorithms, claims and documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IssuerKind {
    /// Rownd's own tokens: EdDSA, audience `app:ID`.
    Rownd,
}

/// Somebody whose tokens are trusted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The name in headers, metrics and logs: lower case, digits, `-` and `_`, at most 63.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub name: String,
    /// What kind of issuer it is.
    pub kind: IssuerKind,
    /// The API's base URL. https, or http on a loopback host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The exact `iss` of its tokens. Default: the base URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Where its key set is. Default: as its metadata says, else `BASE_URL/hub/auth/keys`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// The apps whose tokens are taken.
    #[serde(default)]
    pub apps: Vec<App>,
    /// Clock skew allowed on `exp`, `nbf` and `iat`; at most 60 s.
    #[serde(default = "default_leeway")]
    pub leeway: Span,
    /// Readiness waits for its keys and app ids.
    #[serde(default = "yes")]
    pub required: bool,
    /// Takes tokens without `exp` (Rownd mints them for users with `access_token_ttl: never`).
    #[serde(default)]
    pub allow_missing_exp: bool,
    /// Allows http to hosts that are not loopback. For a mesh that encrypts by itself.
    #[serde(default)]
    pub allow_insecure_http: bool,
    /// How its keys are kept.
    #[serde(default)]
    pub keys: Keys,
}

/// One app of an issuer. Its id, or the key by which the id is asked.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct App {
    /// The app id, `app_...`. With it, nothing needs to be asked of Rownd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The app key, `key_...`, or `file:/path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
    /// The app secret, `ras_...`, or `file:/path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// If not empty, tokens made through another app variant are refused.
    pub variants: Vec<String>,
}

/// How an issuer's keys are kept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// How often the key set is fetched where the answer has no `Cache-Control: max-age`;
    /// what it says is held between 30 s and 1 h.
    pub refresh_interval: Span,
    /// At most one extra fetch in this time for an unknown key.
    pub cooldown: Span,
    /// How long the last good keys are used while the issuer cannot be reached.
    pub max_stale: Span,
    /// How long one fetch may take.
    pub fetch_timeout: Span,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            refresh_interval: Span::from_secs(600),
            cooldown: Span::from_secs(10),
            max_stale: Span::from_secs(86_400),
            fetch_timeout: Span::from_secs(5),
        }
    }
}

const fn default_leeway() -> Span {
    Span::from_secs(30)
}

const fn yes() -> bool {
    true
}
