//! The sections of the configuration file, field by field: plain settings, each with its check.
//!
//! The documentation of each field feeds `config schema` and `docs/configuration.md`. A
//! setting with `x-reload` may change without a restart, and so may all settings below it. All other
//! settings need a restart.

mod check;
mod credentials;
mod denial;
mod events;
mod guards;
mod hooks;
mod identity_headers;
mod inbound;
mod issuers;
mod key_snapshots;
mod listeners;
mod network;
mod outputs;
mod passport;
mod process;
mod profiles;
mod protected_resource;
mod redis_access;
mod requirement;
mod revocation;
mod rights;
mod routes;
mod rownd_auth;
mod shared;
mod trusted_origins;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    findings::Findings, origin::OriginPattern, places::Places, post_target::OtherServer,
    section::Section as _,
};
use crate::model::Warning;

pub use check::{Check, Unavailable};
use credentials::WrittenCredentials;
pub use credentials::{CookieFormat, Credentials, TokenSource};
use denial::WrittenDenial;
pub use denial::{DenialSettings, DenialTemplate};
use events::WrittenEvents;
pub use events::{
    EventPoll, EventSink, EventSource, EventSourceKind, Events, FileSink, HttpSink,
    RedisStreamSink, SinkKind, StdoutSink, StreamSink,
};
use guards::WrittenGuard;
pub use guards::{Guard, GuardedCallers};
use hooks::WrittenHooks;
pub use hooks::{ExchangeHook, HookReceiver, HookService, HookedGrant, Hooks, OnHookFailure};
pub use identity_headers::{IdentityHeaders, OnTooLarge, TooLarge, VendorHeaders};
use inbound::WrittenTokenValidator;
pub use inbound::{InboundCaller, TokenValidator, ValidatorClaim, ValidatorUserId};
pub use issuers::{
    AcceptedTokens, Accepts, AfterBound, ApiAnswers, App, AppKnownBy, AudienceClaim, Claim,
    ClaimMap, ClaimPlace, ClaimSettings, ClearingValue, FirebaseIssuer, Issuer, IssuerDetails,
    IssuerKind, KeyFetchHeader, KeyOrigin, KeyPlace, Keys, LogoPath, OidcIssuer, PatchOfMissing,
    Preset, PutEffect, RowndIssuer, SigningAlgorithm, StaticIssuer, SupertokensCore,
    SupertokensIssuer,
};
pub(super) use issuers::{NO_APP, SETTINGS_OF_KINDS, WrittenApp, WrittenIssuer};
pub use key_snapshots::KeySnapshots;
pub(super) use listeners::is_reached_from_elsewhere;
pub use listeners::{
    ControlListener, GrpcListener, HttpCors, HttpGroup, HttpListenerName, HttpSettings, Listeners,
    OpsListener, Tls, TlsVersion,
};
pub(super) use network::WrittenNetwork;
pub use network::{Network, OutboundTls};
pub use outputs::{
    MappedParameter, MappedValue, OnMissing, OutputHeader, QueryMap, RouteOutputs, ValueFormat,
    ValueSource,
};
use outputs::{OutputScope, check_header_map};
pub(super) use outputs::{WrittenHeader, WrittenQuery, reserved_headers};
pub(super) use passport::WrittenPassport;
pub use passport::{
    ClaimSource, IdentityPart, Passport, PassportFormat, PassportKey, PassportSubject, RulePassport,
};
pub use process::{Log, LogFormat, LogLevel, Shutdown};
pub use profiles::Profiles;
pub use protected_resource::ProtectedResource;
use protected_resource::WrittenProtectedResource;
pub use redis_access::{
    RedisAccess, RedisAddress, RedisCluster, RedisNode, RedisPlace, RedisSentinel, RedisWay,
};
pub use requirement::{
    IssuerNames, PathIdentity, Requirement, RequirementLeaf, RequirementNode, Scalar, TextRegex,
    Texts, ValuePlace, ValueTest, ValueTests,
};
pub(super) use requirement::{REQUIREMENT, WrittenRequirement};
pub use revocation::Revocation;
pub(super) use rights::WrittenRoleSource;
pub use rights::{
    MAX_NAME_BYTES, Role, RoleNaming, RolePlace, RoleSource, is_wildcard, permission_problem,
    role_problem,
};
pub(super) use routes::RouteMatch;
pub use routes::{
    AppliesTo, Auth, DefaultRoute, ExpiredCookie, Freshness, Match, Mode, NamedPart, OddPaths,
    PartValue, PathMatch, PathRegex, PathTemplate, PrincipalPattern, Route, TemplateSegment,
};
use routes::{WrittenDefault, WrittenRoute};
use rownd_auth::WrittenRowndAuth;
pub use rownd_auth::{Caller, ClientAuth, OidcClient, Right, RowndAuth};
use shared::WrittenShared;
pub use shared::{DeploymentKey, OnOutage, Shared};
use trusted_origins::TrustedOrigins;

/// The whole configuration as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "rownd-authz configuration")]
#[derive(Default)]
pub(in crate::config) struct WrittenConfig {
    /// Where the service listens.
    pub listeners: Listeners,
    /// The issuers whose tokens are trusted, at most 32. Without any, Rownd itself by
    /// `ROWND_APP_KEY` or `ROWND_APP_ID`.
    #[schemars(extend("x-reload" = true), length(max = 32))]
    pub issuers: Vec<WrittenIssuer>,
    /// How the servers of issuers are reached: the proxy, and the authorities that sign for them.
    #[schemars(extend("x-reload" = true))]
    pub network: WrittenNetwork,
    /// Where the issuers' key sets, and the ids of apps that are known by their keys, are kept on
    /// disk, for a start during an outage. Default: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_snapshots: Option<KeySnapshots>,
    /// Where to look for a credential, in this order. Two that differ are a denial.
    #[schemars(extend("x-reload" = true))]
    pub credentials: WrittenCredentials,
    /// Origins of other sites of yours whose pages may use a cookie credential:
    /// `https://app.example.com`, `https://*.example.com` for every name below it, or `http://` for
    /// this machine alone (`http://localhost:3000`).
    #[schemars(extend("x-reload" = true))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_origins: Vec<String>,
    /// Rules that every request has to pass, whatever the routes say. They can only deny.
    #[schemars(extend("x-reload" = true))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<WrittenGuard>,
    /// The roles by their names, at most 512: what a user with each of them may do. A role that is
    /// not here can be asked for by its name too, and has no permissions.
    #[schemars(extend("x-reload" = true))]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Role>,
    /// Where it is written which user has which roles, at most 64 places; all of them count. Default:
    /// where only one issuer is configured, the roles of its claim map (`issuers[].claims.roles`),
    /// and of SuperTokens sessions the roles and permissions; else none (docs/policy-roles.md).
    #[schemars(extend("x-reload" = true), length(max = 64))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub role_sources: Vec<WrittenRoleSource>,
    /// The rules, in order: the first that matches decides.
    #[schemars(extend("x-reload" = true))]
    pub routes: Vec<WrittenRoute>,
    /// The requirements of requests that match no route.
    #[schemars(extend("x-reload" = true))]
    pub default: WrittenDefault,
    /// How a check is carried out.
    #[schemars(extend("x-reload" = true))]
    pub check: Check,
    /// The forms of denials for browsers, where a route has none of its own. Without it, every client
    /// gets JSON.
    #[schemars(extend("x-reload" = true))]
    #[serde(skip_serializing_if = "WrittenDenial::is_empty")]
    pub denial: WrittenDenial,
    /// The published metadata of the service behind (RFC 9728). Challenges name its address in
    /// `resource_metadata`.
    #[schemars(extend("x-reload" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protected_resource: Option<WrittenProtectedResource>,
    /// The gRPC service `rownd.auth.v1.RowndAuth`, for backends.
    #[schemars(extend("x-reload" = true))]
    pub rownd_auth: WrittenRowndAuth,
    /// The answer to Rownd's token validator, at `/token-validator` of the listener `http`, group
    /// `token_validator`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_validator: Option<WrittenTokenValidator>,
    /// Events about tokens, users and this service, for programs of yours; and events of other servers, such
    /// as Rownd's webhooks. Default: none.
    #[serde(skip_serializing_if = "WrittenEvents::is_empty")]
    pub events: WrittenEvents,
    /// Services of yours that are asked before something happens.
    #[schemars(extend("x-reload" = true))]
    pub hooks: WrittenHooks,
    /// How the profiles of users are fetched and kept.
    #[schemars(extend("x-reload" = true))]
    pub profiles: Profiles,
    /// The list of revocations.
    pub revocation: Revocation,
    /// The state that several replicas have in common, in Redis or Valkey. Default: each process
    /// has its own, in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<WrittenShared>,
    /// Which identity headers reach the service behind.
    #[schemars(extend("x-reload" = true))]
    pub identity_headers: IdentityHeaders,
    /// Headers that the service behind gets with each request that may pass, beside the identity
    /// headers. A route's header of the same name replaces one of these.
    #[schemars(extend("x-reload" = true), length(max = 64))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<WrittenHeader>,
    /// Headers that the client gets with the response to each request that may pass. A route's header
    /// of the same name replaces one of these.
    #[schemars(extend("x-reload" = true), length(max = 64))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_headers: Vec<WrittenHeader>,
    /// Signed tokens for the services behind, so that they need not trust a bare header. Default: none.
    #[schemars(extend("x-reload" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passport: Option<WrittenPassport>,
    /// The log of the process.
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
    /// The issuers whose tokens are trusted, at most 32. Without any, Rownd itself by
    /// `ROWND_APP_KEY` or `ROWND_APP_ID`.
    pub issuers: Vec<Issuer>,
    /// How the servers of issuers are reached: the proxy, and the authorities that sign for them.
    pub network: Network,
    /// Where the issuers' key sets, and the ids of apps that are known by their keys, are kept on
    /// disk, for a start during an outage. Default: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_snapshots: Option<KeySnapshots>,
    /// Where to look for a credential, in this order. Two that differ are a denial.
    pub credentials: Credentials,
    /// Origins of other sites of yours whose pages may use a cookie credential:
    /// `https://app.example.com`, `https://*.example.com` for every name below it, or `http://` for
    /// this machine alone (`http://localhost:3000`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_origins: Vec<OriginPattern>,
    /// Rules that every request has to pass, whatever the routes say. They can only deny.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
    /// The roles by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Role>,
    /// Where it is written which user has which roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub role_sources: Vec<RoleSource>,
    /// The rules, in order: the first that matches decides.
    pub routes: Vec<Route>,
    /// The requirements of requests that match no route.
    pub default: DefaultRoute,
    /// How a check is carried out.
    pub check: Check,
    /// The forms of denials for browsers, where a route has none of its own.
    pub denial: DenialTemplate,
    /// The published metadata of the service behind (RFC 9728).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protected_resource: Option<ProtectedResource>,
    /// The gRPC service `rownd.auth.v1.RowndAuth`, for backends.
    pub rownd_auth: RowndAuth,
    /// The answer to Rownd's token validator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_validator: Option<TokenValidator>,
    /// Events for programs of others, and events of other servers.
    pub events: Events,
    /// Services of the operator that are asked before something happens.
    pub hooks: Hooks,
    /// How the profiles of users are fetched and kept.
    pub profiles: Profiles,
    /// The list of revocations.
    pub revocation: Revocation,
    /// The state that several replicas have in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<Shared>,
    /// Which identity headers reach the service behind.
    pub identity_headers: IdentityHeaders,
    /// Headers that the service behind gets with each request that may pass, beside the identity
    /// headers. A route's header of the same name replaces one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<OutputHeader>,
    /// Headers that the client gets with the response to each request that may pass. A route's header
    /// of the same name replaces one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_headers: Vec<OutputHeader>,
    /// Signed tokens for the services behind, so that they need not trust a bare header. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passport: Option<Passport>,
    /// The log of the process.
    pub log: Log,
    /// How the process ends.
    pub shutdown: Shutdown,
    /// The warnings about the variables of the environment and about rules that never decide.
    #[serde(skip)]
    pub warnings: Vec<Warning>,
    /// Where each setting was written.
    #[serde(skip)]
    pub places: Places,
}

impl Config {
    /// The servers that are no issuers'.
    #[must_use]
    pub fn other_servers(&self) -> Vec<OtherServer<'_>> {
        let hook = self.hooks.before_exchange.as_ref().map(ExchangeHook::server);
        hook.into_iter().chain(self.events.servers()).collect()
    }
}

impl WrittenConfig {
    /// Checks every section. The result may lack the settings that have a problem. Sections that
    /// are handed on as they are have no bounds but those of the schema.
    pub(super) fn check(self, found: &mut Findings) -> Config {
        Config {
            listeners: self.listeners.check("/listeners", found),
            issuers: self.issuers.check("/issuers", found),
            network: self.network.check("/network", found),
            key_snapshots: self.key_snapshots.map(|kept| kept.check("/key_snapshots", found)),
            credentials: self.credentials.check("/credentials", found),
            trusted_origins: TrustedOrigins(self.trusted_origins).check("/trusted_origins", found),
            guards: self.guards.check("/guards", found),
            roles: self.roles.check("/roles", found),
            role_sources: self.role_sources.check("/role_sources", found),
            routes: self.routes.check("/routes", found),
            default: self.default.check("/default", found),
            check: self.check.check("/check", found),
            denial: self.denial.check("/denial", found),
            protected_resource: self
                .protected_resource
                .and_then(|resource| resource.check("/protected_resource", found)),
            rownd_auth: self.rownd_auth.check("/rownd_auth", found),
            token_validator: self
                .token_validator
                .and_then(|validator| validator.check("/token_validator", found)),
            events: self.events.check("/events", found),
            hooks: self.hooks.check("/hooks", found),
            profiles: self.profiles,
            revocation: self.revocation,
            shared: self.shared.and_then(|shared| shared.check("/shared", found)),
            identity_headers: self.identity_headers,
            headers: check_header_map(&self.headers, "/headers", OutputScope::EveryRule, found),
            response_headers: check_header_map(
                &self.response_headers,
                "/response_headers",
                OutputScope::EveryRule,
                found,
            ),
            passport: self.passport.and_then(|written| written.check("/passport", found)),
            log: self.log,
            shutdown: self.shutdown,
            warnings: Vec::new(),
            places: Places::default(),
        }
    }
}
