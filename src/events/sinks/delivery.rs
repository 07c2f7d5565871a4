//! Events to a receiver: kept on disk, tried until the receiver has taken them, in the order of
//! each user.
//!
//! In: batches of events. Out: one POST, or one entry of a stream, for each, at least once. An event is
//! removed from the disk when the receiver has taken it, or when it is given up. A receiver that is down is asked more and
//! more rarely; one that refuses a single event gets the others.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until};

use super::{
    backoff::Backoff,
    dead_letters::{DeadLetters, Rename},
    disk_queue::{DiskQueue, KeptEvent, unix_ms},
    inbox::Inbox,
    next_events::NextEvents,
    order::{Attempt, Order, Waiting},
};
use crate::{
    blocking::BlockingRunner,
    events::cloud_event::ToldEvent,
    health::{Part, PartHealth, Parts},
    log_throttle::LogThrottle,
    metrics::{Metrics, SinkLabel},
    model::EventType,
};

/// The most requests at the same time.
const AT_ONCE: usize = 16;
/// The pauses of a receiver that is down.
const DOWN: Backoff = Backoff { first: Duration::from_millis(500), most: Duration::from_secs(60) };
/// The pauses of one event after failures of a receiver that is down.
const UNDELIVERED: Backoff =
    Backoff { first: Duration::from_secs(1), most: Duration::from_secs(300) };
/// The pauses of one event that the receiver refuses.
const REFUSED: Backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(3600) };
/// Events that were delivered are removed from the disk at the latest after this time.
const REMOVE_AFTER: Duration = Duration::from_millis(100);
/// The pause after the disk has refused.
const DISK_PAUSE: Duration = Duration::from_secs(1);
/// After so many failures in a row all events that are too old are given up, and not only one that was
/// tried: a receiver that answers badly once loses nothing.
const FAILURES_FOR_ALL: u32 = 2;
/// The most events that are given up by one write.
const GIVEN_UP_TOGETHER: usize = 256;
/// The time between two lines in the log about one sink.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The end of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::events) enum Answer {
    /// The receiver has taken the event.
    Taken,
    /// The receiver refuses this event: the others are sent still.
    Refused(String),
    /// The receiver is down or asks for fewer requests; it may say when to come back.
    Down(String, Option<Duration>),
}

/// Sends one event.
pub(in crate::events) trait Courier: std::fmt::Debug + Send + Sync {
    /// Sends this body under this id, once.
    fn post<'a>(&'a self, id: &'a str, body: Bytes) -> BoxFuture<'a, Answer>;
}

/// The delivery to one receiver.
#[derive(Debug)]
pub(in crate::events) struct Delivery {
    courier: Arc<dyn Courier>,
    queue: Arc<DiskQueue>,
    order: Order,
    next_events: NextEvents,
    next_number: u64,
    settings: DeliverySettings,
    metrics: Arc<Metrics>,
    /// The failures of the receiver in a row, and until when it is not asked.
    down: (u32, Option<Instant>),
    /// Delivered, and still on disk.
    delivered: Vec<Waiting>,
    remove_at: Option<Instant>,
    health: DeliveryHealth,
    /// Of the line about events that find no room.
    no_room: LogThrottle,
}

/// The faults of a delivery: those of its receiver, and those of its disk.
#[derive(Debug)]
struct DeliveryHealth {
    receiver: PartHealth,
    disk: PartHealth,
}

impl DeliveryHealth {
    fn new(parts: &Parts, name: &str) -> Self {
        Self {
            receiver: parts.part(Part::EventSink, name),
            disk: parts.part(Part::EventQueue, name),
        }
    }
}

/// The bounds and the names of one delivery.
#[derive(Debug, Clone)]
pub(super) struct DeliverySettings {
    pub(super) name: String,
    pub(super) label: SinkLabel,
    pub(super) directory: PathBuf,
    pub(super) max_bytes: u64,
    pub(super) give_up_after: Duration,
}

/// An attempt that has ended, with the event if it is to be given up.
struct Ended {
    attempt: Attempt,
    kept: Option<KeptEvent>,
    answer: Answer,
}

impl Delivery {
    /// The delivery of these settings. The events that wait on disk are the first.
    ///
    /// # Errors
    ///
    /// The reason, where the directory cannot be used.
    pub(super) fn open(
        settings: DeliverySettings,
        courier: Arc<dyn Courier>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, String> {
        let (queue, waiting) = DiskQueue::open(&settings.directory)?;
        let next_number = waiting.last().map_or(1, |last| last.number + 1);
        let mut order = Order::default();
        waiting.into_iter().for_each(|event| order.push(event));
        let health = DeliveryHealth::new(&Parts::default(), &settings.name);
        Ok(Self {
            health,
            courier,
            queue: Arc::new(queue),
            order,
            next_events: NextEvents::default(),
            next_number,
            settings,
            metrics: metrics.clone(),
            down: (0, None),
            delivered: Vec::new(),
            remove_at: None,
            no_room: LogThrottle::once_per(LOG_EVERY),
        })
    }

    /// Its faults are told here.
    pub(super) fn report_to(&mut self, parts: &Parts) {
        self.health = DeliveryHealth::new(parts, &self.settings.name);
    }

    /// Delivers until the process ends. Then everything that is in memory goes to the disk.
    pub(in crate::events) async fn run(mut self, mut inbox: Inbox, blocking: BlockingRunner) {
        let throttle = LogThrottle::once_per(LOG_EVERY);
        let mut in_flight = FuturesUnordered::new();
        self.measure();
        loop {
            while let Some(attempt) = self.next(in_flight.len()) {
                let kept = self.event(attempt.event.number, &blocking).await;
                in_flight.push(self.try_once(attempt, kept));
            }
            let wake = self.wake(in_flight.len());
            tokio::select! {
                batch = inbox.next() => {
                    if batch.is_empty() {
                        break;
                    }
                    self.keep(batch, &mut inbox, &blocking, &throttle).await;
                }
                Some(ended) = in_flight.next(), if !in_flight.is_empty() => {
                    self.ended(ended, &blocking, &throttle).await;
                }
                () = async { match wake {
                    Some(wake) => sleep_until(wake).await,
                    None => std::future::pending().await,
                } } => {}
            }
            if self.remove_at.is_some_and(|due| due <= Instant::now()) {
                self.change(Vec::new(), &blocking, &throttle).await;
            }
            self.measure();
        }
        let (metrics, label) = (&self.metrics, self.settings.label);
        inbox.lose(&[], |kind| metrics.event_dropped(label, kind));
        // Events in flight are on disk, and are sent again after the next start.
        self.change(Vec::new(), &blocking, &throttle).await;
    }

    fn measure(&self) {
        let (events, bytes) = (self.order.events(), self.order.bytes());
        self.metrics.events_waiting(self.settings.label, events, bytes);
        self.health.receiver.waits(events as u64, Some(bytes));
    }

    /// The next attempt, if one may begin now. A receiver that was down is asked once at a time.
    fn next(&mut self, in_flight: usize) -> Option<Attempt> {
        let (failures, paused) = self.down;
        let most = if failures == 0 { AT_ONCE } else { 1 };
        let now = Instant::now();
        if in_flight >= most || paused.is_some_and(|until| now < until) {
            return None;
        }
        self.order.next(now)
    }

    /// The time at which there is something to do without an event or an answer.
    fn wake(&self, in_flight: usize) -> Option<Instant> {
        let (failures, paused) = self.down;
        let most = if failures == 0 { AT_ONCE } else { 1 };
        let attempt = if in_flight >= most {
            None
        } else if self.order.has_ready() {
            paused.or(Some(Instant::now()))
        } else {
            self.order.next_due().map(|due| paused.map_or(due, |until| due.max(until)))
        };
        [attempt, self.remove_at].into_iter().flatten().min()
    }

    /// The event of this number; `None` if the disk has none. Where it is not in memory, those after it are
    /// read as well.
    ///
    /// # Errors
    ///
    /// The disk cannot be read.
    async fn event(
        &mut self,
        number: u64,
        blocking: &BlockingRunner,
    ) -> Result<Option<KeptEvent>, String> {
        if let Some(kept) = self.next_events.take(number) {
            return Ok(Some(kept));
        }
        let queue = self.queue.clone();
        let read = blocking.run(move || queue.read_from(number)).await;
        let events = read
            .map_err(|error| error.to_string())?
            .map_err(|error| format!("the disk: {error}"))?;
        self.next_events.replace(events);
        Ok(self.next_events.take(number))
    }

    fn try_once(
        &self,
        attempt: Attempt,
        kept: Result<Option<KeptEvent>, String>,
    ) -> impl Future<Output = Ended> + Send + use<> {
        let courier = self.courier.clone();
        async move {
            let (kept, answer) = match kept {
                Ok(Some(kept)) => {
                    let answer = courier.post(&kept.id, kept.json.clone()).await;
                    (Some(kept), answer)
                }
                // An entry that cannot be read is no event.
                Ok(None) => (None, Answer::Taken),
                Err(problem) => (None, Answer::Down(problem, None)),
            };
            Ended { attempt, kept, answer }
        }
    }

    async fn ended(
        &mut self,
        Ended { attempt, kept, answer }: Ended,
        blocking: &BlockingRunner,
        throttle: &LogThrottle,
    ) {
        let event = attempt.event;
        let (error, pause, wait) = match answer {
            Answer::Taken if kept.is_none() => {
                let (sink, number) = (&self.settings.name, event.number);
                tracing::error!(sink, number, "an event on disk is damaged, and is removed");
                return self.remove(event);
            }
            Answer::Taken => {
                self.down = (0, None);
                self.health.receiver.works();
                self.metrics.events_sent(self.settings.label, 1);
                return self.remove(event);
            }
            Answer::Refused(error) => {
                // It answers, so it is not down.
                self.down = (0, None);
                (error, REFUSED, None)
            }
            Answer::Down(error, wait) => {
                self.pause(wait);
                (error, UNDELIVERED, wait)
            }
        };
        let failures = attempt.failures.saturating_add(1);
        self.metrics.event_attempt_failed(self.settings.label);
        self.health.receiver.failed(&error);
        if let Some(dropped) = throttle.admit() {
            let sink = &self.settings.name;
            tracing::warn!(sink, error, attempt = failures, dropped, "an event was not delivered");
        }
        let again = Instant::now() + wait.unwrap_or(Duration::ZERO).max(pause.after(failures));
        self.order.failed(&event, again);
        // Without the event the disk has failed, and not the receiver.
        if kept.is_some() {
            self.give_up(Attempt { event, failures }, &error, blocking, throttle).await;
        }
    }

    /// The receiver is down. Attempts that began before it was known are one failure together.
    fn pause(&mut self, wait: Option<Duration>) {
        let now = Instant::now();
        let (failures, paused) = self.down;
        let known = paused.filter(|until| now < *until);
        let failures = if known.is_some() { failures } else { failures.saturating_add(1) };
        let own = known.unwrap_or_else(|| now + DOWN.after(failures));
        self.down = (failures, Some(own.max(now + wait.unwrap_or(Duration::ZERO))));
    }

    /// The event is delivered or given up: its user's next one may follow.
    fn remove(&mut self, event: Waiting) {
        self.order.ended(&event);
        self.delivered.push(event);
        self.remove_at.get_or_insert_with(|| Instant::now() + REMOVE_AFTER);
    }

    /// Gives up the event whose attempt has failed if it is too old, and, while the receiver is down, all
    /// others that are: each would wait long for an attempt of its own, and take the place of new ones.
    async fn give_up(
        &mut self,
        tried: Attempt,
        error: &str,
        blocking: &BlockingRunner,
        throttle: &LogThrottle,
    ) {
        let age = u64::try_from(self.settings.give_up_after.as_millis()).unwrap_or(u64::MAX);
        let Some(than) = unix_ms(SystemTime::now()).checked_sub(age) else { return };
        let old = if self.down.0 >= FAILURES_FOR_ALL {
            self.order.older(than)
        } else if tried.event.at <= than {
            vec![tried]
        } else {
            Vec::new()
        };
        let mut rename = Rename::Allowed;
        for events in old.chunks(GIVEN_UP_TOGETHER) {
            let dead = DeadLetters {
                queue: self.queue.clone(),
                directory: self.settings.directory.clone(),
                attempts: events.iter().map(|old| (old.event.number, old.failures)).collect(),
                last_error: error.to_owned(),
                rename,
            };
            let written = blocking.run(move || dead.write()).await;
            match written.map_err(|error| error.to_string()).flatten() {
                Ok(dead) => self.metrics.events_dead(self.settings.label, dead),
                Err(problem) => {
                    self.health.disk.failed(&problem);
                    if throttle.admit().is_some() {
                        let sink = &self.settings.name;
                        tracing::warn!(sink, problem, "a dead letter cannot be written");
                    }
                    return;
                }
            }
            rename = Rename::No;
            self.order.given_up(events);
            self.delivered.extend(events.iter().map(|attempt| attempt.event));
            self.remove_at.get_or_insert_with(|| Instant::now() + REMOVE_AFTER);
        }
    }

    /// Puts a batch on the disk, and then in the order of delivery. While the disk refuses, it is tried
    /// again, and other events wait in memory.
    async fn keep(
        &mut self,
        batch: Vec<Arc<ToldEvent>>,
        inbox: &mut Inbox,
        blocking: &BlockingRunner,
        throttle: &LogThrottle,
    ) {
        let mut add = Vec::with_capacity(batch.len());
        let mut with_room = Vec::with_capacity(batch.len());
        let mut bytes = self.order.bytes();
        for told in batch {
            let kept = KeptEvent::of(&told);
            // The events of operators have a half of their own.
            let frequent = told.event.kind.is_frequent();
            let most = self.settings.max_bytes / if frequent { 2 } else { 1 };
            if bytes + kept.bytes() > most {
                self.drop_event(told.event.kind);
                continue;
            }
            bytes += kept.bytes();
            add.push((self.next_number, kept));
            with_room.push(told);
            self.next_number += 1;
        }
        let waiting: Vec<Waiting> =
            add.iter().map(|(number, kept)| kept.waiting(*number)).collect();
        while !self.change(add.clone(), blocking, throttle).await {
            if inbox.is_closing() {
                let (metrics, label) = (&self.metrics, self.settings.label);
                inbox.lose(&with_room, |kind| metrics.event_dropped(label, kind));
                return;
            }
            tokio::select! {
                () = sleep_until(Instant::now() + DISK_PAUSE) => {}
                () = inbox.closed() => {}
            }
        }
        waiting.into_iter().for_each(|event| self.order.push(event));
        add.into_iter().for_each(|(number, kept)| self.next_events.add(number, kept));
    }

    /// There is no room for an event of this type.
    fn drop_event(&self, kind: EventType) {
        self.metrics.event_dropped(self.settings.label, kind);
        if let Some(dropped) = self.no_room.admit() {
            let (sink, kind) = (&self.settings.name, kind.word());
            let what = "an event was dropped: the queue on disk has no room for its type";
            tracing::warn!(sink, kind, bytes = self.order.bytes(), dropped, "{what}");
        }
    }

    /// Removes what was delivered and adds events, all or nothing; whether the disk has done so.
    async fn change(
        &mut self,
        add: Vec<(u64, KeptEvent)>,
        blocking: &BlockingRunner,
        throttle: &LogThrottle,
    ) -> bool {
        if add.is_empty() && self.delivered.is_empty() {
            self.remove_at = None;
            return true;
        }
        let remove: Vec<u64> = self.delivered.iter().map(|event| event.number).collect();
        let queue = self.queue.clone();
        let changed = blocking.run(move || queue.change(&remove, &add)).await;
        let problem = match changed {
            Ok(Ok(())) => {
                self.health.disk.works();
                self.delivered.clear();
                self.remove_at = None;
                return true;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        self.health.disk.failed(&problem);
        // Otherwise the next turn would come at once.
        self.remove_at = Some(Instant::now() + DISK_PAUSE);
        if let Some(dropped) = throttle.admit() {
            let sink = &self.settings.name;
            tracing::warn!(sink, problem, dropped, "the queue of events cannot be written");
        }
        false
    }
}

/// A delivery with another courier: room in bytes, and the age at which an event is given up.
#[cfg(test)]
pub(in crate::events) fn for_test(
    directory: &std::path::Path,
    (max_bytes, give_up_after): (u64, Duration),
    courier: Arc<dyn Courier>,
    metrics: &Arc<Metrics>,
) -> Result<Delivery, String> {
    let settings = DeliverySettings {
        name: "sink".to_owned(),
        label: SinkLabel(0),
        directory: directory.to_owned(),
        max_bytes,
        give_up_after,
    };
    Delivery::open(settings, courier, metrics)
}
