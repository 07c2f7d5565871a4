//! Where the service listens, and what a connection may use.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::span::Span;

/// Where the service listens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Listeners {
    /// gRPC: Envoy's external authorization and gRPC health.
    pub grpc: GrpcListener,
    /// Read-only HTTP: `/metrics`, `/livez`, `/readyz`, `/status`.
    pub ops: OpsListener,
    /// Commands that change state (revoke, forget keys, log level), on a Unix socket. Off unless
    /// it is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlListener>,
}

/// The least version of TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TlsVersion {
    /// TLS 1.2, the most that an Envoy asks for unless it is told otherwise.
    #[default]
    #[serde(rename = "tls1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "tls1.3")]
    Tls13,
}

/// TLS of a listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those that lead to its root, PEM.
    pub cert_file: PathBuf,
    /// The certificate's private key, PEM.
    pub key_file: PathBuf,
    /// Asks for a client certificate that leads to one of these, PEM. Without it, none is asked
    /// for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca_file: Option<PathBuf>,
    /// The least version.
    #[serde(default)]
    pub min_version: TlsVersion,
}

/// The gRPC listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrpcListener {
    /// `IP:PORT`, or `unix:/absolute/path`.
    pub address: String,
    /// Permission bits of a Unix socket, octal.
    #[schemars(regex(pattern = r"^0?[0-7]{3}$"))]
    pub socket_mode: String,
    /// Serves TLS (ALPN `h2`). The files are read again when they change. Default: plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Worker threads, each with a runtime of its own; 0 means one for each core.
    #[schemars(range(max = 256))]
    pub workers: usize,
    /// Serves gRPC reflection (v1 and v1alpha).
    pub reflection: bool,
    /// Connections at a time. Lowered to what the limit of open files allows. An Envoy opens one
    /// for each of its worker threads; a peer can make each hold up to 128 KiB of memory.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections: usize,
    /// Streams at a time on one connection. Envoy may open up to 1024 before it learns a lower
    /// limit, and a refused stream is an error to Envoy, so lower it only with Envoy's own setting.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_concurrent_streams: u32,
    /// Calls at a time over all connections, answers that wait for the peer included. One too many
    /// is a denial where it is a check, RESOURCE_EXHAUSTED where it is not. A connection
    /// finds room for a few, and beyond that for as many as it leaves to the others. Of those that
    /// are no checks there may be a quarter as many, and 128 that last (health's `Watch`,
    /// reflection).
    #[schemars(range(min = 8, max = 10_000_000))]
    pub max_streams: usize,
    /// Bytes of the request's gRPC metadata. Envoy may copy a caller's trace state into it.
    #[schemars(range(min = 8_192, max = 1_048_576))]
    pub max_header_list_bytes: u32,
    /// Bytes of one check. Keep it above Envoy's `max_request_headers_kb` plus the
    /// `max_request_bytes` of `with_request_body`: what is larger is denied unread. All unfinished
    /// messages together may announce 64 MiB, or four times this if that is more.
    #[schemars(range(min = 65_536, max = 268_435_456))]
    pub max_message_bytes: usize,
    /// How long a new connection may take to send the HTTP/2 preface, the TLS handshake included.
    #[schemars(extend("x-duration-range" = ["100ms", "1m"]))]
    pub first_byte_timeout: Span,
    /// How often a quiet connection is pinged.
    #[schemars(extend("x-duration-range" = ["1s", "1h"]))]
    pub keepalive_interval: Span,
    /// How long a ping may stay unanswered.
    #[schemars(extend("x-duration-range" = ["100ms", "1m"]))]
    pub keepalive_timeout: Span,
    /// A connection older than this (10 % jitter) is closed with GOAWAY, so that load spreads.
    #[schemars(extend("x-duration-range" = ["500ms", "1day"]))]
    pub max_connection_age: Span,
    /// How long an aged connection may still finish its checks.
    #[schemars(extend("x-duration-range" = ["100ms", "1h"]))]
    pub max_connection_age_grace: Span,
}

impl Default for GrpcListener {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:50051".to_owned(),
            socket_mode: "0660".to_owned(),
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
    pub address: String,
    /// Serves the same pages on a loopback address too, for `rownd-authz healthcheck --page`: a
    /// probe that others cannot keep from its answer, since nobody else reaches it. `IP:PORT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_address: Option<String>,
}

impl Default for OpsListener {
    fn default() -> Self {
        Self { address: "127.0.0.1:9464".to_owned(), probe_address: None }
    }
}

/// The listener for commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlListener {
    /// `unix:/absolute/path`; never a port.
    pub address: String,
    /// Permission bits of the socket, octal.
    #[serde(default = "owner_only")]
    #[schemars(regex(pattern = r"^0?[0-7]{3}$"))]
    pub socket_mode: String,
    /// User ids that may give commands, besides root and the one that the process runs as.
    #[serde(default)]
    pub allowed_uids: Vec<u32>,
    /// Group ids whose members by primary group may give commands.
    #[serde(default)]
    pub allowed_gids: Vec<u32>,
}

fn owner_only() -> String {
    "0600".to_owned()
}
