//! The configuration file, field by field. Plain settings: no room's types stand here.
//!
//! The documentation of each field feeds `config schema` and `docs/configuration.md`. What may
//! change without a restart bears `x-reload`; below a section that bears it, everything does
//! unless it says otherwise. What is not marked needs a restart.

mod check;
mod fresh;
mod issuers;
mod listener;
mod process;
mod route;
mod route_match;
mod rownd_auth;
mod snapshots;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::findings::Findings;

pub use check::{Check, IdentityHeaders, Unavailable, VendorHeaders};
pub use fresh::{Profiles, Revocation};
pub use issuers::{
    AcceptedTokens, Accepts, App, AppKnownBy, ClaimMap, FirebaseIssuer, Issuer, IssuerDetails,
    IssuerKind, KeyOrigin, KeyPlace, Keys, OidcIssuer, RowndIssuer, SigningAlgorithm, StaticIssuer,
    SupertokensIssuer,
};
pub(super) use issuers::{WrittenApp, WrittenIssuer};
pub use listener::{ControlListener, GrpcListener, Listeners, OpsListener, Tls, TlsVersion};
pub use process::{Log, LogFormat, LogLevel, Shutdown};
pub use route::{
    Auth, Credentials, DefaultRoute, ExpiredCookie, Freshness, OddPaths, Route, TokenSource,
};
pub use route_match::{Match, PathMatch, RouteMatch};
pub use rownd_auth::{Caller, ClientAuthMethod, OidcClient, Right, RowndAuth};
pub use snapshots::KeySnapshots;

/// The whole configuration as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "rownd-authz configuration")]
#[derive(Default)]
pub(in crate::config) struct WrittenConfig {
    /// Where the service listens.
    pub listeners: Listeners,
    /// Whose tokens are trusted. Without any, Rownd itself by `ROWND_APP_KEY` or `ROWND_APP_ID`.
    #[schemars(extend("x-reload" = true), length(max = 32))]
    pub issuers: Vec<WrittenIssuer>,
    /// Keeps the issuers' key sets on disk, for a start during an outage. Default: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_snapshots: Option<KeySnapshots>,
    /// Where to look for a credential, in this order. Two that differ are a denial.
    #[schemars(extend("x-reload" = true))]
    pub credentials: Credentials,
    /// Origins of other sites of yours whose pages may use a cookie credential:
    /// `https://app.example.com`, `https://*.example.com` for every name below it, or `http://` for
    /// this machine alone (`http://localhost:3000`).
    #[schemars(extend("x-reload" = true))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_origins: Vec<String>,
    /// Rules, in order: the first that matches decides.
    #[schemars(extend("x-reload" = true))]
    pub routes: Vec<Route>,
    /// What holds where no route matches.
    #[schemars(extend("x-reload" = true))]
    pub default: DefaultRoute,
    /// How a check is carried out.
    #[schemars(extend("x-reload" = true))]
    pub check: Check,
    /// The service `rownd.auth.v1.RowndAuth`, for backends.
    #[schemars(extend("x-reload" = true))]
    pub rownd_auth: RowndAuth,
    /// How the profiles of users are read and kept.
    #[schemars(extend("x-reload" = true))]
    pub profiles: Profiles,
    /// The list of revocations.
    pub revocation: Revocation,
    /// Which identity headers reach the service behind.
    #[schemars(extend("x-reload" = true))]
    pub identity_headers: IdentityHeaders,
    /// Logging.
    pub log: Log,
    /// How the process ends.
    #[schemars(extend("x-reload" = true))]
    pub shutdown: Shutdown,
}

/// The configuration as it holds: checked, and with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Config {
    /// Where the service listens.
    pub listeners: Listeners,
    /// Whose tokens are trusted. Without any, Rownd itself by `ROWND_APP_KEY` or `ROWND_APP_ID`.
    pub issuers: Vec<Issuer>,
    /// Keeps the issuers' key sets on disk, for a start during an outage. Default: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_snapshots: Option<KeySnapshots>,
    /// Where to look for a credential, in this order. Two that differ are a denial.
    pub credentials: Credentials,
    /// Origins of other sites of yours whose pages may use a cookie credential:
    /// `https://app.example.com`, `https://*.example.com` for every name below it, or `http://` for
    /// this machine alone (`http://localhost:3000`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_origins: Vec<String>,
    /// Rules, in order: the first that matches decides.
    pub routes: Vec<Route>,
    /// What holds where no route matches.
    pub default: DefaultRoute,
    /// How a check is carried out.
    pub check: Check,
    /// The service `rownd.auth.v1.RowndAuth`, for backends.
    pub rownd_auth: RowndAuth,
    /// How the profiles of users are read and kept.
    pub profiles: Profiles,
    /// The list of revocations.
    pub revocation: Revocation,
    /// Which identity headers reach the service behind.
    pub identity_headers: IdentityHeaders,
    /// Logging.
    pub log: Log,
    /// How the process ends.
    pub shutdown: Shutdown,
}

impl WrittenConfig {
    /// Checks every section. What has a problem may be missing from the result.
    pub(super) fn check(self, found: &mut Findings) -> Config {
        Config {
            listeners: self.listeners,
            issuers: issuers::check_issuers(self.issuers, found),
            key_snapshots: self.key_snapshots,
            credentials: self.credentials,
            trusted_origins: self.trusted_origins,
            routes: self.routes,
            default: self.default,
            check: self.check,
            rownd_auth: self.rownd_auth,
            profiles: self.profiles,
            revocation: self.revocation,
            identity_headers: self.identity_headers,
            log: self.log,
            shutdown: self.shutdown,
        }
    }
}
