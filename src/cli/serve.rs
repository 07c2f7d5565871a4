//! `serve`: the service itself.

use std::process::ExitCode;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use super::{ConfigArgs, Failure, NO, Outcome, block_on};
use crate::{
    app::{self, ReloadHandle, telemetry},
    config::{self, Source},
};

pub(super) fn run(args: &ConfigArgs) -> Outcome {
    let source = Source::new(args.config.clone(), config::environment());
    let config = source.load(app::problems).map_err(Failure::bad_input)?;
    let _logs = telemetry::install(&config.log).map_err(Failure::bad_input)?;
    block_on(async {
        let mut signals = StopSignals::listen().map_err(Failure::bad_input)?;
        let hangup = signal(SignalKind::hangup()).map_err(Failure::bad_input)?;
        let mut bound = app::build(config).await.map_err(Failure::bad_input)?;
        bound.follow(source);
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            grpc = %bound.grpc_address(),
            ops = %bound.ops_address(),
            "listening"
        );
        let reloads = reload_at(hangup, bound.reload_handle());
        let (stop, stopped) = oneshot::channel();
        let twice = async {
            signals.next().await;
            let _ = stop.send(());
            signals.next().await;
        };
        tokio::select! {
            ended = bound.run(async { stopped.await.unwrap_or(()) }) => {
                ended.map_err(Failure::bad_input)?;
                Ok(ExitCode::SUCCESS)
            }
            () = twice => {
                tracing::warn!("told twice to end: ends at once, what is in flight is lost");
                Ok(ExitCode::from(NO))
            }
            never = reloads => never,
        }
    })?
}

/// Asks for a reload at each SIGHUP.
async fn reload_at(mut hangup: Signal, handle: ReloadHandle) -> Outcome {
    loop {
        match hangup.recv().await {
            Some(()) => drop(handle.reload().await),
            None => std::future::pending().await,
        }
    }
}

/// SIGTERM and SIGINT.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> std::io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ends with SIGTERM or SIGINT.
#[cfg(feature = "dev")]
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut signals = StopSignals::listen()?;
    Ok(async move { signals.next().await })
}
