//! `healthcheck`: asks the gRPC health service of a running server, as an orchestrator would.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tower::service_fn;

use super::{ConfigArgs, Failure, Outcome, block_on};
use crate::config;

/// Ask a running server whether it is ready.
#[derive(Args, Clone, Debug)]
pub(super) struct HealthcheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Where it listens: IP:PORT or unix:/path [default: as configured]
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// The service to ask about; empty for the whole process
    #[arg(long, value_name = "NAME", default_value = "")]
    service: String,
    /// How long to wait for the answer
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

pub(super) fn run(args: &HealthcheckArgs) -> Outcome {
    let address = match &args.address {
        Some(address) => address.clone(),
        None => config::grpc_address(args.config.config.as_deref(), &config::environment())
            .map_err(Failure::bad_input)?,
    };
    let status = block_on(async {
        let asked = ask(&address, args.service.clone(), args.timeout);
        tokio::time::timeout(args.timeout, asked)
            .await
            .unwrap_or_else(|_| Err(format!("no answer from {address} in time")))
    })?;
    match status.map_err(Failure::no)? {
        ServingStatus::Serving => Ok(ExitCode::SUCCESS),
        status => Err(Failure::no(format!("{address} says {}", status.as_str_name()))),
    }
}

async fn ask(address: &str, service: String, timeout: Duration) -> Result<ServingStatus, String> {
    let failed = |error: &dyn std::error::Error| format!("cannot ask {address}: {error}");
    let channel = connect(address, timeout).await.map_err(|error| failed(&error))?;
    let answer = HealthClient::new(channel)
        .check(HealthCheckRequest { service })
        .await
        .map_err(|status| format!("cannot ask {address}: {}", status.message()))?;
    Ok(answer.into_inner().status())
}

async fn connect(address: &str, timeout: Duration) -> Result<Channel, tonic::transport::Error> {
    if let Some(path) = address.strip_prefix("unix:") {
        let path = PathBuf::from(path);
        let connect = service_fn(move |_: Uri| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        return Endpoint::from_static("http://localhost").connect_with_connector(connect).await;
    }
    // A server that listens on every address is asked on this machine's own.
    let address = address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:");
    Endpoint::from_shared(format!("http://{address}"))?.connect_timeout(timeout).connect().await
}
