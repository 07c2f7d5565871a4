//! `serve`: the service itself.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::{ConfigArgs, Failure, Outcome, block_on, config};
use crate::app::{self, telemetry};

pub(super) fn run(args: &ConfigArgs) -> Outcome {
    let config = config::load(args)?;
    let _logs = telemetry::install(&config.log).map_err(Failure::bad_input)?;
    block_on(async {
        let stop = stop_signal().map_err(Failure::bad_input)?;
        let bound = app::build(config).await.map_err(Failure::bad_input)?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            grpc = %bound.grpc_address(),
            ops = %bound.ops_address(),
            "listening"
        );
        bound.run(stop).await.map_err(Failure::bad_input)?;
        Ok(ExitCode::SUCCESS)
    })?
}

/// Ends with SIGTERM or SIGINT.
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
