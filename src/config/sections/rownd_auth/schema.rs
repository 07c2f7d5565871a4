//! The section `rownd_auth` as it is written, and its callers.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::oidc_client::{OidcClient, WrittenOidcClient};
use crate::config::{secret::Secret, span::Span};

/// A right of a caller.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
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
    /// Lists users and reads their files.
    ReadUsers,
    /// Creates and changes users, their files and their state.
    WriteUsers,
    /// Deletes users.
    DeleteUsers,
    /// Signs users out everywhere.
    SignOutUsers,
    /// Makes links that sign in as any user.
    CreateSignInLinks,
    /// Reads groups, their members and invites.
    ReadGroups,
    /// Creates, changes and deletes groups, their members and invites.
    WriteGroups,
    /// Reads, creates, changes and deletes OpenID clients.
    ManageOidcClients,
    /// Reads the configuration of apps.
    ReadApps,
    /// Changes the configuration of apps.
    ManageApp,
    /// Reads the events of all that happens, by `StreamEvents`.
    ReadEvents,
}

impl Right {
    /// All rights.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The service `rownd.auth.v1.RowndAuth`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct WrittenRowndAuth {
    /// The callers and their rights. On a loopback address or a Unix socket, `Verify` and `GetUser`
    /// of a token's user need no entry here; everything else has to be allowed.
    #[schemars(length(max = 256))]
    pub callers: Vec<Caller>,
    /// Takes the secrets of callers over a network without TLS, for a mesh that encrypts by itself.
    /// Without such a mesh, anybody on the way can read them.
    pub allow_plaintext_secrets: bool,
    /// The OpenID clients that authorization codes can be traded for.
    #[schemars(length(max = 256))]
    pub oidc_clients: Vec<WrittenOidcClient>,
    /// The longest time that a call may take, requests to an issuer included.
    #[schemars(extend("x-duration-range" = ["100ms", "2m"]))]
    pub timeout: Span,
    /// The most calls at a time; further ones are refused with a retry delay. Three quarters of them
    /// may be other calls than `Verify`, so that an issuer that hangs keeps nobody from verifying.
    #[schemars(range(min = 1, max = 65_536))]
    pub max_in_flight: usize,
    /// How often in a second one caller's `GetUser` may have Rownd asked, by `max_age`, for a
    /// younger profile than `profiles.ttl` allows; further calls are refused with a retry delay.
    /// Callers without a name count as one.
    #[schemars(with = "u32", range(min = 1, max = 10000))]
    pub max_age_per_second: NonZeroU32,
    /// For how long after a refresh the same refresh token still gets the same answer, so that
    /// callers with the same token do not sign each other out.
    #[schemars(extend("x-duration-range" = ["0s", "1m"]))]
    pub refresh_grace: Span,
}

impl Default for WrittenRowndAuth {
    fn default() -> Self {
        Self {
            callers: Vec::new(),
            allow_plaintext_secrets: false,
            oidc_clients: Vec::new(),
            timeout: Span::from_secs(10),
            max_in_flight: 1024,
            max_age_per_second: const { NonZeroU32::MIN.saturating_add(19) },
            refresh_grace: Span::from_secs(10),
        }
    }
}

/// The service for backends, as it holds after the check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowndAuth {
    /// The callers and their rights.
    pub callers: Vec<Caller>,
    /// Whether the secrets of callers are taken over a network without TLS.
    pub allow_plaintext_secrets: bool,
    /// The OpenID clients that authorization codes can be traded for.
    pub oidc_clients: Vec<OidcClient>,
    /// The longest time that a call may take.
    pub timeout: Span,
    /// The most calls at a time.
    pub max_in_flight: usize,
    /// How often in a second one caller may have Rownd asked for a younger profile.
    pub max_age_per_second: NonZeroU32,
    /// For how long after a refresh the same refresh token gets the same answer.
    pub refresh_grace: Span,
}

impl Default for RowndAuth {
    fn default() -> Self {
        WrittenRowndAuth::default().with(Vec::new(), Vec::new())
    }
}

impl WrittenRowndAuth {
    /// The section with these callers and clients.
    pub(super) fn with(&self, callers: Vec<Caller>, oidc_clients: Vec<OidcClient>) -> RowndAuth {
        RowndAuth {
            callers,
            allow_plaintext_secrets: self.allow_plaintext_secrets,
            oidc_clients,
            timeout: self.timeout,
            max_in_flight: self.max_in_flight,
            max_age_per_second: self.max_age_per_second,
            refresh_grace: self.refresh_grace,
        }
    }
}

/// A caller. Any one of its secret, its certificate's names and its user ids is enough to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// The name in the log: lower case, digits, `-` and `_`, at most 63.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub name: String,
    /// The calls that it may make.
    pub allow: Vec<Right>,
    /// Its secret, which it sends as `authorization: Bearer SECRET`; at least 16 characters, or
    /// `file:/path`. Needs `listeners.grpc.tls`, or a listener that only this machine reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// The exact URIs of its client certificate, such as a SPIFFE id. Needs
    /// `listeners.grpc.tls.client_ca_file`.
    #[serde(default)]
    pub uris: Vec<String>,
    /// The exact DNS names of its client certificate. Needs `listeners.grpc.tls.client_ca_file`.
    #[serde(default)]
    pub dns_names: Vec<String>,
    /// The ids of users of this machine who call over the Unix socket.
    #[serde(default)]
    pub uids: Vec<u32>,
    /// The ids of the apps that it may act for, as under `issuers[].apps`. With it, the caller may
    /// not act where no app is known. Default: all apps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apps: Option<Vec<String>>,
    /// The names of the issuers that it may act for, as under `issuers`. Default: all issuers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuers: Option<Vec<String>>,
}
