//! TLS of a listener, as the configuration writes it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The lowest version of TLS that is accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TlsVersion {
    /// TLS 1.2, the highest version that Envoy uses by default.
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
    /// The file with the certificate and its chain, PEM.
    pub cert_file: PathBuf,
    /// The file with the private key of the certificate, PEM.
    pub key_file: PathBuf,
    /// The file with the authorities that client certificates have to be signed by, PEM. Without it,
    /// no client certificate is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca_file: Option<PathBuf>,
    /// The lowest version of TLS that is accepted.
    #[serde(default)]
    pub min_version: TlsVersion,
}
