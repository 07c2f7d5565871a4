//! Logs: JSON off a terminal, text on it, written by a thread of their own. A sink that does
//! not keep up loses lines, which are counted; it never holds up a check.

use std::{
    io::{self, IsTerminal as _},
    panic,
    sync::OnceLock,
};

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, fmt, reload::Handle};

use crate::config::{Log, LogFormat, LogLevel};

/// Lines that may wait for the sink.
const BUFFERED_LINES: usize = 8192;

static LOST: OnceLock<ErrorCounter> = OnceLock::new();

type SetFilter = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

/// Replaces the filter of the log, once there is one.
static FILTER: OnceLock<SetFilter> = OnceLock::new();

/// Writes what is still buffered when dropped.
#[derive(Debug)]
#[must_use]
pub struct LogGuard {
    _worker: WorkerGuard,
}

/// Lines lost since the start because the sink did not keep up.
#[must_use]
pub fn lines_lost() -> usize {
    LOST.get().map_or(0, ErrorCounter::dropped_lines)
}

/// From now on this is the least level that is logged.
pub fn set_level(level: LogLevel) -> Result<(), String> {
    let set = FILTER.get().ok_or("the log of this process is not ours")?;
    set(filter(level)?)
}

/// Our own events by the setting; libraries only where something is wrong.
fn filter(level: LogLevel) -> Result<EnvFilter, String> {
    EnvFilter::try_new(format!("warn,rownd_authz={}", level.as_str()))
        .map_err(|error| error.to_string())
}

fn keep<S: 'static>(handle: Handle<EnvFilter, S>) {
    let set = move |filter| handle.reload(filter).map_err(|error| error.to_string());
    let _ = FILTER.set(Box::new(set));
}

/// Sends this process's logs to standard error from now on. To be called once.
pub fn install(log: &Log) -> Result<LogGuard, String> {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(BUFFERED_LINES)
        .lossy(true)
        .finish(io::stderr());
    let _ = LOST.set(writer.error_counter());
    let filter = filter(log.level)?;
    let text = match log.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let builder = fmt().with_env_filter(filter).with_writer(writer);
    let installed = if text {
        let builder = builder.with_ansi(io::stderr().is_terminal()).with_target(false);
        let builder = builder.with_filter_reloading();
        keep(builder.reload_handle());
        builder.try_init()
    } else {
        let builder = builder.json().flatten_event(true);
        let builder = builder.with_current_span(false).with_span_list(false);
        let builder = builder.with_filter_reloading();
        keep(builder.reload_handle());
        builder.try_init()
    };
    installed.map_err(|error| error.to_string())?;
    panic::set_hook(Box::new(|info| {
        // Only the place: a panic's message could hold what a client sent.
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic; if it was a check's, that check was denied");
    }));
    Ok(LogGuard { _worker: guard })
}
