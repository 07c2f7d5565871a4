//! The options of `dev`: the ports of all servers that it starts, and the emulator's seed.

use std::path::PathBuf;

use clap::Args;

/// The options of `dev`.
#[derive(Args, Clone, Debug)]
pub(super) struct DevArgs {
    /// Envoy program to start in front
    #[arg(long, value_name = "PATH")]
    pub(super) envoy: Option<PathBuf>,
    /// Port of Envoy
    #[arg(long, value_name = "PORT", default_value_t = 10000, env = "ROWND_AUTHZ_DEV_ENVOY_PORT")]
    pub(super) envoy_port: u16,
    /// Port of Envoy's admin pages
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 9901,
        env = "ROWND_AUTHZ_DEV_ENVOY_ADMIN_PORT"
    )]
    pub(super) envoy_admin_port: u16,
    /// Port of the emulator
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 8787,
        env = "ROWND_AUTHZ_DEV_EMULATOR_PORT"
    )]
    pub(super) emulator_port: u16,
    /// YAML file with further apps and users for the emulator (docs/emulator.md describes it)
    #[arg(long, value_name = "FILE", env = "ROWND_AUTHZ_DEV_SEED")]
    pub(super) seed: Option<PathBuf>,
    /// File with a caller's secret for all of RowndAuth; a missing file is made. Without the option
    /// a random secret is printed
    #[arg(long, value_name = "FILE", env = "ROWND_AUTHZ_DEV_CALLER_SECRET_FILE")]
    pub(super) caller_secret_file: Option<PathBuf>,
    /// Port of the echo, the service behind the proxy
    #[arg(long, value_name = "PORT", default_value_t = 8788, env = "ROWND_AUTHZ_DEV_ECHO_PORT")]
    pub(super) echo_port: u16,
    /// Port of the server's gRPC
    #[arg(long, value_name = "PORT", default_value_t = 50051, env = "ROWND_AUTHZ_DEV_GRPC_PORT")]
    pub(super) grpc_port: u16,
    /// Port of the server's ops pages
    #[arg(long, value_name = "PORT", default_value_t = 9464, env = "ROWND_AUTHZ_DEV_OPS_PORT")]
    pub(super) ops_port: u16,
}
