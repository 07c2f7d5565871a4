//! The service for backends: who may call it, and what it trades tokens with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{secret::Secret, shown::without_queries, span::Span};

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// `Verify`.
    Verify,
    /// `GetUser` of the user of a token.
    GetOwnUser,
    /// `GetUser` of any user, by id.
    GetUser,
    /// `Exchange` of tokens and codes, and `BuildAuthorizationUrl`.
    Exchange,
    /// `Exchange` of nothing: new instant users and guests.
    CreateGuest,
}

impl Right {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Verify, Self::GetOwnUser, Self::GetUser, Self::Exchange, Self::CreateGuest];

    /// The word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::GetOwnUser => "get_own_user",
            Self::GetUser => "get_user",
            Self::Exchange => "exchange",
            Self::CreateGuest => "create_guest",
        }
    }
}

/// The service `rownd.auth.v1.RowndAuth`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RowndAuth {
    /// Who may call what. Nobody needs to stand here to call `Verify`, and `GetUser` of a token's
    /// user, on a loopback address or a Unix socket; everything else has to be allowed.
    #[schemars(length(max = 256))]
    pub callers: Vec<Caller>,
    /// Takes the secrets of callers over a network without TLS, for a mesh that encrypts by itself.
    /// Anybody on the way can read a secret that is sent so.
    pub allow_plaintext_secrets: bool,
    /// The OpenID clients that authorization codes can be traded for.
    #[schemars(length(max = 256))]
    pub oidc_clients: Vec<OidcClient>,
    /// How long a call may take, what is asked of an issuer included.
    #[schemars(extend("x-duration-range" = ["100ms", "2m"]))]
    pub timeout: Span,
    /// Calls at a time; more are told to come again. Three quarters of them may be others than
    /// `Verify`: an issuer that hangs keeps nobody from verifying.
    #[schemars(range(min = 1, max = 65_536))]
    pub max_in_flight: usize,
    /// How often in a second one caller's `GetUser` may ask Rownd for a younger profile than
    /// `profiles.ttl` allows, by `max_age`; more are told to come again. Callers without a name
    /// count as one.
    #[schemars(range(min = 1, max = 10000))]
    pub max_age_per_second: u32,
    /// For how long after a refresh the same refresh token still gets the same answer, so that
    /// callers who hold one token do not sign each other out.
    #[schemars(extend("x-duration-range" = ["0s", "1m"]))]
    pub refresh_grace: Span,
}

impl Default for RowndAuth {
    fn default() -> Self {
        Self {
            callers: Vec::new(),
            allow_plaintext_secrets: false,
            oidc_clients: Vec::new(),
            timeout: Span::from_secs(10),
            max_in_flight: 1024,
            max_age_per_second: 20,
            refresh_grace: Span::from_secs(10),
        }
    }
}

/// A caller, known by any one of what stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// The name in the log: lower case, digits, `-` and `_`, at most 63.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub name: String,
    /// What it may do.
    pub allow: Vec<Right>,
    /// Its secret, which it sends as `authorization: Bearer SECRET`; at least 16 characters, or
    /// `file:/path`. Needs `listeners.grpc.tls`, or a listener that only this machine reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// URIs of its client certificate, such as a SPIFFE id; exactly these. Needs
    /// `listeners.grpc.tls.client_ca_file`.
    #[serde(default)]
    pub uris: Vec<String>,
    /// DNS names of its client certificate; exactly these.
    #[serde(default)]
    pub dns_names: Vec<String>,
    /// Users of this machine that call over the Unix socket.
    #[serde(default)]
    pub uids: Vec<u32>,
    /// The ids of the apps that it may do this for, as under `issuers[].apps`; what belongs to no
    /// app is then out of its bounds. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apps: Option<Vec<String>>,
    /// The names of the issuers that it may do this for, as under `issuers`. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuers: Option<Vec<String>>,
}

/// How an OpenID client proves itself at the token endpoint (OpenID Connect Core section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// Its secret in `Authorization: Basic`.
    Basic,
    /// Its secret in the body.
    Post,
    /// It has no secret, and needs PKCE.
    None,
}

/// An OpenID client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcClient {
    /// The name by which callers speak of it: lower case, digits, `-` and `_`, at most 63.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub name: String,
    /// The name of its issuer among `issuers`, of kind `oidc`.
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// The client secret, or `file:/path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// How it proves itself. Default: `basic` with a secret, else `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<ClientAuthMethod>,
    /// Where browsers may come back to, exactly; the first where a call names none.
    #[serde(serialize_with = "without_queries")]
    pub redirect_uris: Vec<String>,
    /// What is asked for where a call names no scopes.
    #[serde(default = "openid")]
    pub scopes: Vec<String>,
    /// Whether codes are bound to a verifier (RFC 7636).
    #[serde(default = "yes")]
    pub pkce: bool,
}

fn openid() -> Vec<String> {
    vec!["openid".to_owned()]
}

const fn yes() -> bool {
    true
}
