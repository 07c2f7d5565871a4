//! Where the service listens, and what a connection may use.

use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    http::{HttpListener, PublicHttpListener},
    tls::Tls,
};
use crate::config::{
    listen_address::{ListenAddress, SocketMode, SocketPath},
    span::Span,
};

/// Where the service listens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Listeners {
    /// gRPC: Envoy's external authorization and gRPC health.
    pub grpc: GrpcListener,
    /// Read-only HTTP: `/metrics`, `/livez`, `/readyz`, `/status`.
    pub ops: OpsListener,
    /// The listener for commands that change state (revoke, forget keys, log level): a Unix socket.
    /// Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlListener>,
    /// The listener for other programs over HTTP: the services for backends in JSON, the keys of
    /// passports. It serves only what `serve` names. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpListener>,
    /// A second listener over HTTP, for the groups that everybody may reach, so that the port of the
    /// backends stays closed to the outside. It serves only what its own `serve` names. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_http: Option<PublicHttpListener>,
}

/// The gRPC listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrpcListener {
    /// `IP:PORT`, or `unix:/absolute/path`.
    #[schemars(with = "String", extend("x-listen-address" = "any"))]
    pub address: ListenAddress,
    /// Permission bits of a Unix socket, octal.
    #[schemars(with = "String", regex(pattern = r"^0?[0-7]{3}$"))]
    pub socket_mode: SocketMode,
    /// The TLS settings (ALPN `h2`). The files are read again when they change. Default: plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Worker threads, each with a runtime of its own; 0 means one for each core.
    #[schemars(range(max = 256))]
    pub workers: usize,
    /// Serves gRPC reflection (v1 and v1alpha).
    pub reflection: bool,
    /// The most connections at a time, lowered to what the limit of open files allows. An Envoy opens one
    /// for each of its worker threads; a peer can make each hold up to 128 KiB of memory.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections: usize,
    /// The most streams at a time on one connection. Envoy may open up to 1024 before it learns a lower
    /// limit, and a refused stream is an error to Envoy, so lower it only with Envoy's own setting.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_concurrent_streams: u32,
    /// The most calls at a time over all connections, answers that wait for the peer included. A
    /// further check is denied; any other further call is answered RESOURCE_EXHAUSTED. Each connection
    /// has room for a few calls, and beyond that for as many as it leaves to the others. Calls that are
    /// not checks may be a quarter as many, and 128 that last (health's `Watch`, reflection).
    #[schemars(range(min = 8, max = 10_000_000))]
    pub max_streams: usize,
    /// The most bytes of a request's gRPC metadata. Envoy may copy a caller's trace state into it.
    #[schemars(range(min = 8_192, max = 1_048_576))]
    pub max_header_list_bytes: u32,
    /// The most bytes of one check. Keep it above Envoy's `max_request_headers_kb` plus the
    /// `max_request_bytes` of `with_request_body`: a larger check is denied unread. All unfinished
    /// messages together may announce 64 MiB, or four times this number if that is more.
    #[schemars(range(min = 65_536, max = 268_435_456))]
    pub max_message_bytes: usize,
    /// The longest time that a new connection may take to send the HTTP/2 preface, the TLS handshake included.
    #[schemars(extend("x-duration-range" = ["100ms", "1m"]))]
    pub first_byte_timeout: Span,
    /// How often a connection without traffic is pinged.
    #[schemars(extend("x-duration-range" = ["1s", "1h"]))]
    pub keepalive_interval: Span,
    /// The longest time that a ping may stay unanswered.
    #[schemars(extend("x-duration-range" = ["100ms", "1m"]))]
    pub keepalive_timeout: Span,
    /// The age at which a connection is closed with GOAWAY (10 % jitter), so that load spreads.
    #[schemars(extend("x-duration-range" = ["500ms", "1day"]))]
    pub max_connection_age: Span,
    /// The longest time that an aged connection may take to finish its checks.
    #[schemars(extend("x-duration-range" = ["100ms", "1h"]))]
    pub max_connection_age_grace: Span,
}

impl Default for GrpcListener {
    fn default() -> Self {
        Self {
            address: ListenAddress::Tcp((Ipv4Addr::LOCALHOST, 50_051).into()),
            socket_mode: SocketMode::new(0o660),
            tls: None,
            workers: 0,
            reflection: false,
            max_connections: 1024,
            max_concurrent_streams: 1024,
            max_streams: 8192,
            max_header_list_bytes: 65_536,
            max_message_bytes: 4_194_304,
            first_byte_timeout: Span::from_secs(5),
            keepalive_interval: Span::from_secs(30),
            keepalive_timeout: Span::from_secs(10),
            max_connection_age: Span::from_secs(1800),
            max_connection_age_grace: Span::from_secs(30),
        }
    }
}

/// The read-only HTTP listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpsListener {
    /// `IP:PORT`.
    #[schemars(with = "String", extend("x-listen-address" = "ip"))]
    pub address: SocketAddr,
    /// A loopback address, `IP:PORT`, that serves the same pages for `rownd-authz healthcheck --page`.
    /// No other machine reaches it, so that none can keep a probe from its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("x-listen-address" = "ip"))]
    pub probe_address: Option<SocketAddr>,
}

impl Default for OpsListener {
    fn default() -> Self {
        Self { address: (Ipv4Addr::LOCALHOST, 9464).into(), probe_address: None }
    }
}

/// The listener for commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlListener {
    /// `unix:/absolute/path`; never a port.
    #[schemars(with = "String", extend("x-listen-address" = "unix"))]
    pub address: SocketPath,
    /// Permission bits of the socket, octal.
    #[serde(default = "owner_only")]
    #[schemars(with = "String", regex(pattern = r"^0?[0-7]{3}$"))]
    pub socket_mode: SocketMode,
    /// User ids that may give commands, besides root and the one that the process runs as.
    #[serde(default)]
    pub allowed_uids: Vec<u32>,
    /// Group ids whose members by primary group may give commands.
    #[serde(default)]
    pub allowed_gids: Vec<u32>,
}

const fn owner_only() -> SocketMode {
    SocketMode::new(0o600)
}
