//! Logs: JSON off a terminal, text on it, written by a thread of their own. A sink that does
//! not keep up, or that takes nothing (a full disk, a closed pipe), loses lines, which are counted; it
//! never holds up a check and never ends the process.

use std::{
    io::{self, IsTerminal as _, Write},
    panic,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::filter_fn,
    fmt,
    layer::{Context, SubscriberExt as _},
    reload::{self, Handle},
    util::SubscriberInitExt as _,
};

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

/// Lines that the sink refused.
static REFUSED: AtomicU64 = AtomicU64::new(0);

/// Lines lost since the start because the sink refused them: a full disk, a closed pipe.
#[must_use]
pub fn lines_refused() -> u64 {
    REFUSED.load(Ordering::Relaxed)
}

/// Counts the lines that the sink below it refuses. The thread that writes drops such errors.
struct CountedSink<W>(W);

impl<W: Write> Write for CountedSink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    /// Gets one line at a time.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        let outcome = self.0.write_all(line);
        if outcome.is_err() {
            REFUSED.fetch_add(1, Ordering::Relaxed);
        }
        outcome
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// HTTP/2 calls that were reset since the start because their headers are malformed: an RPC error to
/// their caller.
static MALFORMED: AtomicU64 = AtomicU64::new(0);

/// Calls that the HTTP/2 library has refused since the start, before this program saw them.
#[must_use]
pub fn calls_malformed() -> u64 {
    MALFORMED.load(Ordering::Relaxed)
}

/// Counts the refusals of the HTTP/2 library. Its events are the only sign of them.
struct MalformedCalls;

impl MalformedCalls {
    /// The events that are counted: `h2::server` emits one for each malformed call, and hardly
    /// any other.
    const TARGET: &str = "h2::server";
    const WORDS: &str = "malformed headers";
}

impl<S: tracing::Subscriber> Layer<S> for MalformedCalls {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut found = false;
        event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            // The text holds what the peer sent, so it is not logged.
            found |= field.name() == "message" && format!("{value:?}").contains(Self::WORDS);
        });
        if found {
            MALFORMED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Sets the least level that is logged from now on.
///
/// # Errors
///
/// Fails where [`install`] was not called in this process.
pub fn set_level(level: LogLevel) -> Result<(), String> {
    let set = FILTER.get().ok_or("the log of this process belongs to another program")?;
    set(filter(level)?)
}

/// The events of this program by the setting; those of libraries only where something is wrong.
fn filter(level: LogLevel) -> Result<EnvFilter, String> {
    EnvFilter::try_new(format!("warn,rownd_authz={}", level.as_str()))
        .map_err(|error| error.to_string())
}

fn keep_filter(handle: Handle<EnvFilter, Registry>) {
    let set = move |filter| handle.reload(filter).map_err(|error| error.to_string());
    let _ = FILTER.set(Box::new(set));
}

/// Sends the logs of this process to standard error from now on. To be called once.
///
/// # Errors
///
/// Fails where the process has a log already.
pub fn install(log: &Log) -> Result<LogGuard, String> {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(BUFFERED_LINES)
        .lossy(true)
        .finish(CountedSink(io::stderr()));
    let _ = LOST.set(writer.error_counter());
    let (filter, handle) = reload::Layer::new(filter(log.level)?);
    let text = match log.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let lines = fmt::layer().with_writer(writer);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = if text {
        Box::new(lines.with_ansi(io::stderr().is_terminal()).with_target(false))
    } else {
        let lines = lines.json().flatten_event(true);
        Box::new(lines.with_current_span(false).with_span_list(false))
    };
    let malformed = MalformedCalls.with_filter(
        filter_fn(|about| {
            about.target() == MalformedCalls::TARGET && *about.level() == tracing::Level::DEBUG
        })
        .with_max_level_hint(LevelFilter::DEBUG),
    );
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter)).with(malformed);
    subscriber.try_init().map_err(|error| error.to_string())?;
    keep_filter(handle);
    panic::set_hook(Box::new(|info| {
        // Only the place: the message of a panic could hold what a client sent.
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic; if it was a check's, that check was denied");
    }));
    Ok(LogGuard { _worker: guard })
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write as _};

    use super::{CountedSink, lines_refused};

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_counted_by_line_and_a_good_one_is_not() {
        let mut good = CountedSink(Vec::new());
        good.write_all(b"a line\n").unwrap();
        assert_eq!((good.0.as_slice(), lines_refused()), (&b"a line\n"[..], 0));
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut sink = CountedSink(full);
        for lines in 1..4 {
            assert!(sink.write_all(b"a line\n").is_err());
            assert_eq!(lines_refused(), lines);
        }
    }
}
