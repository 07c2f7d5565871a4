//! Whose tokens are trusted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shown::{public_keys, without_query};
use crate::{
    config::{Secret, Span},
    model::AuthLevel,
};

/// The kind of an issuer: it decides algorithms, claims and documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IssuerKind {
    /// Rownd's own tokens: EdDSA, audience `app:ID`.
    Rownd,
    /// SuperTokens sessions: RS256, keys that rotate, Rownd's claims where they are there.
    Supertokens,
    /// Any OpenID Connect issuer, its keys found by discovery.
    Oidc,
    /// Firebase Authentication: the ID tokens of one project.
    Firebase,
    /// Keys from a file or in place: nothing is fetched.
    Static,
}

impl IssuerKind {
    /// The word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rownd => "rownd",
            Self::Supertokens => "supertokens",
            Self::Oidc => "oidc",
            Self::Firebase => "firebase",
            Self::Static => "static",
        }
    }
}

/// A signature algorithm (RFC 7518, RFC 8037). There are no others here, symmetric ones least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum SigningAlgorithm {
    /// Ed25519.
    EdDSA,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 bits at least.
    RS256,
}

impl SigningAlgorithm {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::RS256, Self::ES256, Self::EdDSA];
}

/// Which kind of token an issuer's tokens have to be. They never stand in for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Accepts {
    /// Access tokens.
    Access,
    /// ID tokens (OpenID Connect Core section 2).
    Id,
}

/// Which claims become the identity: a claim's name, or the JSON pointer of one inside another
/// (`/realm_access/roles`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimMap {
    /// The user id; default `sub`. Not for `rownd` and `supertokens`, whose claims say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The auth level, one of its four words. Not for `rownd` and `supertokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_level: Option<String>,
    /// The app. Not for `rownd` and `supertokens`, whose audience says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The app variant. Not for `rownd` and `supertokens`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_variant: Option<String>,
    /// The session; default `sid`, with `supertokens` always `sessionHandle`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The tenant; with `supertokens` always `tId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The roles: a list of texts, or one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<String>,
    /// The groups: a list of texts, or one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<String>,
    /// The scopes: a list of texts, or one text with blanks between them; default `scope`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
}

impl ClaimMap {
    /// Every target and its source.
    #[must_use]
    pub fn entries(&self) -> [(&'static str, Option<&str>); 9] {
        [
            ("user_id", self.user_id.as_deref()),
            ("auth_level", self.auth_level.as_deref()),
            ("app_id", self.app_id.as_deref()),
            ("app_variant", self.app_variant.as_deref()),
            ("session_id", self.session_id.as_deref()),
            ("tenant", self.tenant.as_deref()),
            ("roles", self.roles.as_deref()),
            ("groups", self.groups.as_deref()),
            ("scopes", self.scopes.as_deref()),
        ]
    }
}

/// Somebody whose tokens are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The name in headers, metrics and logs: lower case, digits, `-` and `_`, at most 63.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub name: String,
    /// What kind of issuer it is.
    pub kind: IssuerKind,
    /// `rownd`: the API's base URL. `supertokens`: API domain and base path, as in
    /// `https://api.example.com/auth`. `oidc`: where its discovery document is, if not below its
    /// `issuer`. https, or http on a loopback host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "without_query")]
    pub base_url: Option<String>,
    /// The exact `iss` of its tokens. `oidc` and `static` need it. Default: the base URL; with
    /// `firebase` as its project says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "without_query")]
    pub issuer: Option<String>,
    /// The project id (`firebase` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Where its key set is. Default: as its metadata says, else where its kind has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "without_query")]
    pub jwks_url: Option<String>,
    /// Where the key set is looked for when the first place fails and has said nothing that may
    /// still be used (`keys.max_stale`): a copy that outlives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "without_query")]
    pub jwks_fallback_url: Option<String>,
    /// Keys that are trusted without being fetched: a JWKS or public keys in PEM, in place or
    /// `file:/path`. All there is for `static`; for the others it is used until a fetch succeeds,
    /// and again when the fetched keys have become too old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "public_keys")]
    pub key_set: Option<String>,
    /// The apps whose tokens are taken (`rownd`); for `supertokens` the app its sessions are for.
    #[serde(default)]
    pub apps: Vec<App>,
    /// Audiences: a token must name one of them in `aud`. `oidc` and `static` need one; for
    /// `supertokens`, without any, `aud` is not asked for; `rownd` and `firebase` know theirs.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// What it signs with. Default: `EdDSA` for `rownd`, which has no other; `RS256` for
    /// `supertokens` and `firebase`; all three for `oidc` and `static`.
    #[serde(default)]
    pub algorithms: Vec<SigningAlgorithm>,
    /// Which kind of token is taken. Default: access tokens, for `firebase` ID tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepts: Option<Accepts>,
    /// The auth level of users whose token says none (`oidc`, `static`): how far do you trust
    /// its sign-in? Default: `unverified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_level: Option<AuthLevel>,
    /// Which claims become the identity.
    #[serde(default)]
    pub claims: ClaimMap,
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

impl Issuer {
    /// An issuer of this kind with nothing but defaults.
    #[must_use]
    pub fn new(name: &str, kind: IssuerKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            base_url: None,
            issuer: None,
            project: None,
            jwks_url: None,
            jwks_fallback_url: None,
            key_set: None,
            apps: Vec::new(),
            audiences: Vec::new(),
            algorithms: Vec::new(),
            accepts: None,
            auth_level: None,
            claims: ClaimMap::default(),
            leeway: default_leeway(),
            required: yes(),
            allow_missing_exp: false,
            allow_insecure_http: false,
            keys: Keys::default(),
        }
    }

    /// Keys that were fetched for the one are the keys of the other, fetched by the same rules.
    /// Every setting is named, so that a new one has to be put on either side.
    #[must_use]
    pub fn keeps_keys_as(&self, other: &Self) -> bool {
        self.has_keys_of(other) && self.keys == other.keys
    }

    /// Keys that were fetched for the one are the keys of the other.
    #[must_use]
    pub fn has_keys_of(&self, other: &Self) -> bool {
        let Self {
            name,
            kind,
            base_url,
            issuer,
            project,
            jwks_url,
            jwks_fallback_url,
            key_set,
            apps: _,
            audiences: _,
            algorithms,
            accepts: _,
            auth_level: _,
            claims: _,
            leeway: _,
            required: _,
            allow_missing_exp: _,
            allow_insecure_http,
            keys: _,
        } = self;
        *name == other.name
            && *kind == other.kind
            && *base_url == other.base_url
            && *issuer == other.issuer
            && *project == other.project
            && *jwks_url == other.jwks_url
            && *jwks_fallback_url == other.jwks_fallback_url
            && *key_set == other.key_set
            && *algorithms == other.algorithms
            && *allow_insecure_http == other.allow_insecure_http
    }
}

/// One app of an issuer. Its id, or the key by which the id is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// Whether keys are fetched at all. Without it `key_set` is all there is, and nothing is ever
    /// asked of the issuer.
    pub fetch: bool,
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
            fetch: true,
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
