//! Events as lines of JSON: to a file or to standard output.
//!
//! In: batches of events. Out: whole lines, in order. Where a write fails, it goes on at the byte where
//! it stopped, after a pause; meanwhile events wait in the queue, and are lost and counted when that is
//! full.

use std::{
    fmt::Debug,
    io::{self, ErrorKind, Stdout, Write},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use tokio::time::{sleep, timeout};

use super::{backoff::Backoff, inbox::Inbox};
use crate::{
    blocking::BlockingRunner,
    events::cloud_event::ToldEvent,
    health::{Part, PartHealth, Parts},
    log_throttle::LogThrottle,
    metrics::{Metrics, SinkLabel},
};

const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(100), most: Duration::from_secs(10) };
/// A write that takes longer is a fault of the sink, such as a pipe that nobody reads.
const HANGS_AFTER: Duration = Duration::from_secs(5);
/// The same while the process ends, when what cannot be written is lost.
const HANGS_AT_THE_END: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(500);
const HANGS: &str = "a write has taken longer than 5 s: the disk hangs, or nobody reads the pipe";
/// The time between two lines in the log about one sink.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// A place for lines. Its functions block.
pub(in crate::events) trait LineWriter: Debug + Send + 'static {
    /// A batch of so many bytes begins.
    fn begin(&mut self, bytes: usize) -> io::Result<()>;

    /// Writes some of these bytes; the number of those that were written.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// The batch is written.
    fn end(&mut self) -> io::Result<()>;
}

/// Standard output.
#[derive(Debug)]
pub(super) struct StandardOutput(pub(super) Stdout);

impl LineWriter for StandardOutput {
    fn begin(&mut self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn end(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A sink of lines.
#[derive(Debug)]
pub(super) struct LineSink<W> {
    writer: W,
    name: String,
    label: SinkLabel,
    metrics: Arc<Metrics>,
    health: PartHealth,
}

/// A batch that is being written.
struct Batch {
    text: Vec<u8>,
    /// The number of bytes that are written.
    written: usize,
}

impl<W: LineWriter> LineSink<W> {
    pub(super) fn new(writer: W, name: String, label: SinkLabel, metrics: &Arc<Metrics>) -> Self {
        let health = Parts::default().part(Part::EventSink, name.clone());
        Self { writer, name, label, metrics: metrics.clone(), health }
    }

    /// Its faults are told here.
    pub(super) fn report_to(&mut self, parts: &Parts) {
        self.health = parts.part(Part::EventSink, self.name.clone());
    }

    /// Writes until the process ends. Then the rest is tried once.
    pub(super) async fn run(self, mut inbox: Inbox, blocking: BlockingRunner) {
        let Self { mut writer, name, label, metrics, health } = self;
        let throttle = LogThrottle::once_per(LOG_EVERY);
        loop {
            let events = inbox.next().await;
            if events.is_empty() {
                return;
            }
            let mut batch = Batch { text: lines(&events), written: 0 };
            let mut failures = 0;
            loop {
                let writing = blocking.run(move || write(writer, batch));
                let hangs = || {
                    health.failed(&HANGS);
                    health.waits((events.len() + inbox.waiting()) as u64, None);
                    if let Some(dropped) = throttle.admit() {
                        tracing::warn!(
                            sink = name,
                            error = HANGS,
                            dropped,
                            "events cannot be written"
                        );
                    }
                };
                let Some((ended, has_hung)) = watched(writing, &inbox, hangs).await else {
                    inbox.lose(&events, |kind| metrics.event_dropped(label, kind));
                    return;
                };
                let Ok((back, rest, result)) = ended else {
                    tracing::error!(sink = name, "the writer of events failed");
                    inbox.lose(&events, |kind| metrics.event_dropped(label, kind));
                    return;
                };
                (writer, batch) = (back, rest);
                if has_hung && result.is_ok() {
                    health.works();
                }
                let Err(error) = result else { break };
                failures += 1;
                metrics.event_attempt_failed(label);
                health.failed(&error);
                health.waits((events.len() + inbox.waiting()) as u64, None);
                if let Some(dropped) = throttle.admit() {
                    tracing::warn!(sink = name, %error, dropped, "events cannot be written");
                }
                if inbox.is_closing() {
                    inbox.lose(&events, |kind| metrics.event_dropped(label, kind));
                    return;
                }
                tokio::select! {
                    () = sleep(BACKOFF.after(failures)) => {}
                    () = inbox.closed() => {}
                }
            }
            if failures > 0 {
                health.works();
            }
            metrics.events_sent(label, events.len());
        }
    }
}

/// Waits for a write, and tells when it hangs. The end, and whether it has hung; `None`: it hangs, and the
/// process ends.
async fn watched<T>(
    writing: impl Future<Output = T>,
    inbox: &Inbox,
    hangs: impl Fn(),
) -> Option<(T, bool)> {
    let mut writing = pin!(writing);
    let mut waited = Duration::ZERO;
    loop {
        if let Ok(ended) = timeout(LOOK_EVERY, writing.as_mut()).await {
            return Some((ended, waited >= HANGS_AFTER));
        }
        waited += LOOK_EVERY;
        if waited >= HANGS_AFTER {
            hangs();
        }
        if inbox.is_closing() && waited >= HANGS_AT_THE_END {
            return None;
        }
    }
}

fn lines(events: &[Arc<ToldEvent>]) -> Vec<u8> {
    let mut text = Vec::with_capacity(events.iter().map(|event| event.json().len() + 1).sum());
    for event in events {
        text.extend_from_slice(event.json());
        text.push(b'\n');
    }
    text
}

/// Writes a text as one batch.
///
/// # Errors
///
/// The writer refuses it.
pub(in crate::events) fn write_all(writer: &mut impl LineWriter, text: &str) -> io::Result<()> {
    write_rest(writer, &mut Batch { text: text.as_bytes().to_vec(), written: 0 })
}

fn write<W: LineWriter>(mut writer: W, mut batch: Batch) -> (W, Batch, io::Result<()>) {
    let result = write_rest(&mut writer, &mut batch);
    (writer, batch, result)
}

fn write_rest(writer: &mut impl LineWriter, batch: &mut Batch) -> io::Result<()> {
    if batch.written == 0 {
        writer.begin(batch.text.len())?;
    }
    while let Some(rest) = batch.text.get(batch.written..).filter(|rest| !rest.is_empty()) {
        match writer.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => batch.written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    writer.end()
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
    };

    use tokio::sync::{mpsc, watch};

    use super::{Batch, Inbox, LineSink, LineWriter, SinkLabel, write_rest};
    use crate::{
        blocking::BlockingRunner,
        events::tests::{metric, metrics, told},
        model::EventType,
    };

    /// The disk is full.
    #[derive(Debug)]
    struct Full;

    impl LineWriter for Full {
        fn begin(&mut self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn end(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn at_the_end_every_event_that_could_not_be_written_is_counted() {
        let (events, inbox) = mpsc::channel(1024);
        let (closing, follow) = watch::channel(false);
        let (metrics, lost) = (metrics(), Arc::new(AtomicU64::new(0)));
        for number in 0..300 {
            events.try_send(told(number, EventType::UserUpdated, None)).unwrap();
        }
        let inbox = Inbox::new(inbox, follow).counting(lost.clone());
        let sink = LineSink::new(Full, "sink".to_owned(), SinkLabel(0), &metrics);
        closing.send_replace(true);
        sink.run(inbox, BlockingRunner::new()).await;
        assert_eq!(lost.load(Ordering::Relaxed), 300);
        let labels = "sink=\"sink\",type=\"user.updated\"";
        assert_eq!(metric(&metrics, "events_dropped_total", labels), 300.0);
    }

    /// A pipe that nobody reads, until this is dropped.
    #[derive(Debug)]
    struct Unread(std::sync::mpsc::Receiver<()>);

    impl LineWriter for Unread {
        fn begin(&mut self, _: usize) -> io::Result<()> {
            let _ = self.0.recv();
            Ok(())
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn end(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_write_that_hangs_at_the_end_is_counted_as_lost() {
        let (events, inbox) = mpsc::channel(1024);
        let (closing, follow) = watch::channel(true);
        let (metrics, lost) = (metrics(), Arc::new(AtomicU64::new(0)));
        for number in 0..300 {
            events.try_send(told(number, EventType::UserUpdated, None)).unwrap();
        }
        let inbox = Inbox::new(inbox, follow).counting(lost.clone());
        let (reader, unread) = std::sync::mpsc::channel();
        let sink = LineSink::new(Unread(unread), "sink".to_owned(), SinkLabel(0), &metrics);
        sink.run(inbox, BlockingRunner::new()).await;
        assert_eq!(lost.load(Ordering::Relaxed), 300);
        drop((reader, closing));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_hangs_is_told_and_waited_for() {
        let (_events, inbox) = mpsc::channel(1);
        let (_closing, follow) = watch::channel(false);
        let inbox = Inbox::new(inbox, follow);
        let told = AtomicU64::new(0);
        let hangs = || _ = told.fetch_add(1, Ordering::Relaxed);
        for (seconds, expected) in [(1, false), (7, true)] {
            told.store(0, Ordering::Relaxed);
            let writing = tokio::time::sleep(std::time::Duration::from_secs(seconds));
            let ended = super::watched(writing, &inbox, hangs).await;
            assert_eq!(ended, Some(((), expected)), "{seconds} s");
            assert_eq!(told.load(Ordering::Relaxed) > 0, expected, "{seconds} s");
        }
    }

    /// Takes three bytes at a time, and fails on every other call.
    #[derive(Debug, Default)]
    struct Stubborn {
        taken: Vec<u8>,
        calls: usize,
    }

    impl LineWriter for Stubborn {
        fn begin(&mut self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.calls += 1;
            if self.calls.is_multiple_of(2) {
                return Err(io::Error::other("no room"));
            }
            let some = &bytes[..bytes.len().min(3)];
            self.taken.extend_from_slice(some);
            Ok(some.len())
        }

        fn end(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_write_goes_on_where_it_stopped() {
        let text = b"{\"id\":1}\n{\"id\":2}\n".to_vec();
        let mut batch = Batch { text: text.clone(), written: 0 };
        let mut writer = Stubborn::default();
        let tries = (0..20).find(|_| write_rest(&mut writer, &mut batch).is_ok());
        assert!(tries.is_some_and(|tries| tries > 2));
        assert_eq!(writer.taken, text, "no byte is written twice");
    }
}
