//! The listener for other programs over HTTP.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tls::Tls;
use crate::config::{
    listen_address::{ListenAddress, SocketMode},
    span::Span,
};

/// The listener for other programs over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpListener {
    /// `IP:PORT`, or `unix:/absolute/path`.
    #[serde(default = "http_address")]
    #[schemars(with = "String", extend("x-listen-address" = "any"))]
    pub address: ListenAddress,
    /// Permission bits of a Unix socket, octal.
    #[serde(default = "owner_and_group")]
    #[schemars(with = "String", regex(pattern = r"^0?[0-7]{3}$"))]
    pub socket_mode: SocketMode,
    /// The TLS settings (ALPN `http/1.1`). The files are read again when they change. Default: plain
    /// text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// The groups of paths that are served; every other path is answered 404.
    pub serve: Vec<HttpGroup>,
    /// The names of this listener, without port: a request for any other host is answered 421.
    /// Required with `rpc`. Default: every host is served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub hosts: Vec<String>,
    /// Web pages that may make the calls of `rpc`, and send the callbacks of `browser_callbacks`.
    /// Default: none of calls; of callbacks, pages of the host that a request is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<HttpCors>,
    /// The most connections at a time. Each carries one request at a time. Where all are taken, idle
    /// ones are closed for new ones.
    #[serde(default = "http_connections")]
    #[schemars(range(min = 1, max = 65_536))]
    pub max_connections: usize,
}

/// The listener over HTTP for what everybody may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicHttpListener {
    /// `IP:PORT`, or `unix:/absolute/path`.
    #[serde(default = "public_address")]
    #[schemars(with = "String", extend("x-listen-address" = "any"))]
    pub address: ListenAddress,
    /// Permission bits of a Unix socket, octal.
    #[serde(default = "owner_and_group")]
    #[schemars(with = "String", regex(pattern = r"^0?[0-7]{3}$"))]
    pub socket_mode: SocketMode,
    /// The TLS settings (ALPN `http/1.1`). The files are read again when they change. Default: plain
    /// text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// The groups of paths that are served; every other path is answered 404. Never `rpc`, which is for
    /// backends, and no group that `listeners.http` serves.
    pub serve: Vec<HttpGroup>,
    /// The names of this listener, without port: a request for any other host is answered 421.
    /// Default: every host is served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub hosts: Vec<String>,
    /// The most connections at a time. Each carries one request at a time. Where all are taken, idle
    /// ones are closed for new ones.
    #[serde(default = "http_connections")]
    #[schemars(range(min = 1, max = 65_536))]
    pub max_connections: usize,
}

/// Web pages that may make calls from a browser (CORS).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpCors {
    /// Origins whose pages may call: `https://admin.example.com`, or `https://*.example.com` for every
    /// name below a domain. A page shows the secret of a caller as any other program does: everybody
    /// who may see the page can read it.
    #[schemars(length(max = 64))]
    pub allowed_origins: Vec<String>,
    /// For how long a browser may keep the answer to a preflight.
    #[serde(default = "ten_minutes")]
    #[schemars(extend("x-duration-range" = ["0s", "1day"]))]
    pub max_age: Span,
}

/// A group of paths of the listeners `http` and `public_http`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HttpGroup {
    /// The public keys of passports and their OpenID discovery: `/.well-known/jwks.json` and
    /// `/.well-known/openid-configuration`.
    PassportKeys,
    /// The metadata of the service behind (RFC 9728), from the section `protected_resource`:
    /// `/.well-known/oauth-protected-resource`, with the path of the service after it.
    ResourceMetadata,
    /// The services for backends, in JSON (Connect) and as gRPC-Web: `/rownd.auth.v1.RowndAuth/Verify`
    /// and every other method; `/openapi.json` describes them. Every call needs the secret or the
    /// certificate of a caller of `rownd_auth.callers`, also from this machine. Not on `public_http`.
    Rpc,
    /// The question of Rownd's token validator, from the section `token_validator`:
    /// `/token-validator`.
    TokenValidator,
    /// Events from other servers, from `events.sources`: `/webhooks/NAME`.
    Webhooks,
}

impl HttpGroup {
    /// The word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PassportKeys => "passport_keys",
            Self::ResourceMetadata => "resource_metadata",
            Self::Rpc => "rpc",
            Self::TokenValidator => "token_validator",
            Self::Webhooks => "webhooks",
        }
    }
}

const fn http_address() -> ListenAddress {
    on_loopback(8085)
}

const fn public_address() -> ListenAddress {
    on_loopback(8086)
}

const fn on_loopback(port: u16) -> ListenAddress {
    ListenAddress::Tcp(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)))
}

const fn owner_and_group() -> SocketMode {
    SocketMode::new(0o660)
}

const fn http_connections() -> usize {
    256
}

const fn ten_minutes() -> Span {
    Span::from_secs(600)
}
