//! The configuration file, field by field. Plain settings: no room's types stand here.
//!
//! The documentation of each field feeds `config schema` and `docs/configuration.md`. What may
//! change without a restart bears `x-reload`; below a section that bears it, everything does
//! unless it says otherwise. What is not marked needs a restart.

mod check;
mod fresh;
mod issuer;
mod listener;
mod process;
mod route;
mod route_match;
mod rownd_auth;
mod shown;
mod snapshots;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::{Check, IdentityHeaders, Unavailable, VendorHeaders};
pub use fresh::{Profiles, Revocation};
pub use issuer::{Accepts, App, ClaimMap, Issuer, IssuerKind, Keys, SigningAlgorithm};
pub use listener::{ControlListener, GrpcListener, Listeners, OpsListener, Tls, TlsVersion};
pub use process::{Log, LogFormat, LogLevel, Shutdown};
pub use route::{
    Auth, Credentials, DefaultRoute, ExpiredCookie, Freshness, OddPaths, Route, TokenSource,
};
pub use route_match::{Match, PathMatch, RouteMatch};
pub use rownd_auth::{Caller, ClientAuthMethod, OidcClient, Right, RowndAuth};
pub use snapshots::KeySnapshots;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "rownd-authz configuration")]
#[derive(Default)]
pub struct Config {
    /// Where the service listens.
    pub listeners: Listeners,
    /// Whose tokens are trusted. Without any, Rownd itself by `ROWND_APP_KEY` or `ROWND_APP_ID`.
    #[schemars(extend("x-reload" = true))]
    pub issuers: Vec<Issuer>,
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
