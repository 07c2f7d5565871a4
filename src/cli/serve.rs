//! `serve`: the service itself.

use std::{process::ExitCode, sync::mpsc, thread, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use super::{
    ConfigArgs, ExitResult, Failure, NO, block_on,
    config::{TellWarnings, judged},
    output,
};
use crate::{
    app::{self, ReloadHandle, process, telemetry},
    config::{self, ConfigSource},
};

/// A drain that is not over this long after its grace is cut off.
const BEYOND_GRACE: Duration = Duration::from_secs(1);

pub(super) fn run(args: &ConfigArgs) -> ExitResult {
    let asked = [process::keep_memory_private(), process::use_small_pages()];
    let source = ConfigSource::new(args.config.clone(), config::environment());
    let config = judged(source.judge(app::problems, app::warnings), TellWarnings::OfBad)?;
    let _logs = telemetry::install(&config.log).map_err(Failure::bad_input)?;
    for error in asked.into_iter().filter_map(Result::err) {
        tracing::warn!(%error, "the memory of this process cannot be protected: other processes of this user may read secrets");
    }
    // Dropped last, so that the rest of the way out is cut off too where it hangs.
    let mut cut_offs = Vec::new();
    block_on(async {
        let mut signals = StopSignals::listen().map_err(Failure::bad_input)?;
        let hangup = signal(SignalKind::hangup()).map_err(Failure::bad_input)?;
        let built = tokio::select! {
            built = app::build(config) => built,
            // No client is served yet.
            () = signals.next() => return Ok(ExitCode::SUCCESS),
        };
        let mut bound = built.map_err(Failure::bad_input)?;
        bound.follow(source);
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            revision = env!("BUILD_REVISION"),
            grpc = %bound.grpc_address(),
            ops = %bound.ops_address(),
            "listening"
        );
        if let Some(http) = bound.http_address() {
            tracing::info!(address = %http, "serving over HTTP what listeners.http.serve names");
        }
        if let Some(http) = bound.public_http_address() {
            tracing::info!(
                address = %http,
                "serving over HTTP what listeners.public_http.serve names"
            );
        }
        let reloads = reload_on_hangup(hangup, bound.reload_handle());
        let times = bound.shutdown_times();
        let (stop, stopped) = oneshot::channel();
        let second_signal = async {
            signals.next().await;
            let times = times();
            let patience = times.drain_delay.get() + times.grace.get() + BEYOND_GRACE;
            cut_offs.push(CutOff::arm(patience).map_err(Failure::bad_input)?);
            let _ = stop.send(());
            signals.next().await;
            cut_offs.push(CutOff::arm(BEYOND_GRACE).map_err(Failure::bad_input)?);
            Ok::<_, Failure>(())
        };
        tokio::select! {
            ended = bound.run(async { stopped.await.unwrap_or(()) }) => {
                ended.map_err(Failure::bad_input)?;
                Ok(ExitCode::SUCCESS)
            }
            second = second_signal => {
                second?;
                tracing::warn!("second signal: exiting now, requests in flight are lost");
                Ok(ExitCode::from(NO))
            }
            never = reloads => never,
        }
    })?
}

/// Ends the process where its drain does not: a disk that hangs can hold up every thread that
/// touches it. Disarmed when dropped.
struct CutOff {
    _disarm: mpsc::Sender<()>,
}

impl CutOff {
    fn arm(patience: Duration) -> std::io::Result<Self> {
        let (disarm, disarmed) = mpsc::channel();
        #[expect(clippy::disallowed_methods, reason = "it must not depend on what may hang")]
        thread::Builder::new().name("cut-off".to_owned()).spawn(move || {
            if disarmed.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
                // Not to the log, which may be what hangs.
                output::tell("rownd-authz: the drain did not end in time: exiting now");
                #[expect(clippy::disallowed_methods, reason = "the drain is over its time")]
                std::process::exit(i32::from(NO));
            }
        })?;
        Ok(Self { _disarm: disarm })
    }
}

/// Requests a reload at each SIGHUP.
async fn reload_on_hangup(mut hangup: Signal, handle: ReloadHandle) -> ExitResult {
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
