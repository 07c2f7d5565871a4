//! Delivery to a receiver that misbehaves: what it gets, in which order, and what is left on disk.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

use super::{metric, metrics, told};
use crate::{
    blocking::BlockingRunner,
    events::{
        cloud_event::ToldEvent,
        sinks::{Answer, Courier, for_test},
    },
    metrics::Metrics,
    model::EventType,
};

/// A receiver that does what the test says, and keeps what it has taken.
#[derive(Default)]
struct Receiver {
    taken: Mutex<Vec<String>>,
    attempts: Mutex<Vec<String>>,
    /// The answers to come for one id; without any, it takes the event.
    answers: Mutex<HashMap<String, Vec<Answer>>>,
    /// It is down.
    down: Mutex<bool>,
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

impl Courier for Receiver {
    fn post<'a>(&'a self, id: &'a str, body: Bytes) -> BoxFuture<'a, Answer> {
        async move {
            let json: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(json["id"], id);
            self.attempts.lock().unwrap().push(id.to_owned());
            tokio::task::yield_now().await;
            if *self.down.lock().unwrap() {
                return Answer::Down("down".to_owned(), None);
            }
            let planned = self.answers.lock().unwrap().get_mut(id).and_then(Vec::pop);
            let answer = planned.unwrap_or(Answer::Taken);
            if answer == Answer::Taken {
                self.taken.lock().unwrap().push(id.to_owned());
            }
            answer
        }
        .boxed()
    }
}

/// A delivery that runs.
struct Rig {
    receiver: Arc<Receiver>,
    events: mpsc::Sender<Arc<ToldEvent>>,
    closing: watch::Sender<bool>,
    task: JoinHandle<()>,
    metrics: Arc<Metrics>,
}

impl Rig {
    fn start(directory: &Path, receiver: Arc<Receiver>, give_up_after: Duration) -> Self {
        Self::with_room(directory, receiver, give_up_after, 1 << 20)
    }

    #[expect(clippy::disallowed_methods, reason = "a test has no `app` that runs its tasks")]
    fn with_room(
        directory: &Path,
        receiver: Arc<Receiver>,
        give_up_after: Duration,
        max_bytes: u64,
    ) -> Self {
        let (events, inbox) = mpsc::channel(8192);
        let (closing, follow) = watch::channel(false);
        let metrics = metrics();
        let bounds = (max_bytes, give_up_after);
        let delivery = for_test(directory, bounds, receiver.clone(), &metrics).unwrap();
        let inbox = crate::events::sinks::Inbox::new(inbox, follow);
        let task = tokio::spawn(delivery.run(inbox, BlockingRunner::new()));
        Self { receiver, events, closing, task, metrics }
    }

    async fn tell(&self, number: u64, user: Option<&str>) {
        self.events.send(told(number, EventType::UserUpdated, user)).await.unwrap();
    }

    fn taken(&self) -> Vec<String> {
        self.receiver.taken.lock().unwrap().clone()
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let wait = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("{what}"));
    }

    /// The ordinary end of the process.
    async fn end(self) {
        self.closing.send(true).unwrap();
        timeout(Duration::from_secs(60), self.task).await.unwrap().unwrap();
    }
}

const DAY: Duration = Duration::from_secs(86_400);

fn id(number: u64) -> String {
    format!("p-{number}")
}

#[tokio::test]
async fn every_event_is_delivered_once_and_leaves_the_disk() {
    let directory = TempDir::new().unwrap();
    let rig = Rig::start(directory.path(), Arc::default(), DAY);
    for number in 1..=500 {
        rig.tell(number, Some(&format!("u{}", number % 7))).await;
    }
    rig.until("all are taken", |rig| rig.taken().len() == 500).await;
    let unique: HashSet<String> = rig.taken().into_iter().collect();
    assert_eq!(unique.len(), 500);
    let waiting = |rig: &Rig| metric(&rig.metrics, "events_waiting", "sink=\"sink\"");
    rig.until("the disk is empty", |rig| waiting(rig) == 0.0).await;
    assert_eq!(metric(&rig.metrics, "events_sent_total", "sink=\"sink\""), 500.0);
    rig.end().await;
    let receiver: Arc<Receiver> = Arc::default();
    let again = Rig::start(directory.path(), receiver, DAY);
    assert_eq!(waiting(&again), 0.0, "nothing is sent after another start");
    again.end().await;
}

/// One user's event is refused for a while: the user's next ones wait, all others do not.
#[tokio::test]
async fn an_event_that_is_refused_holds_up_its_user_alone() {
    let directory = TempDir::new().unwrap();
    let receiver: Arc<Receiver> = Arc::default();
    let refusals = vec![Answer::Refused("400".to_owned()); 2];
    receiver.answers.lock().unwrap().insert(id(1), refusals);
    let rig = Rig::start(directory.path(), receiver, DAY);
    rig.tell(1, Some("ann")).await;
    for number in 2..=40 {
        rig.tell(number, Some(if number % 2 == 0 { "ann" } else { "bob" })).await;
    }
    rig.tell(41, None).await;
    rig.until("bob's are taken", |rig| rig.taken().len() >= 20).await;
    let early: HashSet<String> = rig.taken().into_iter().collect();
    let bob: HashSet<String> = (3..=41).step_by(2).map(id).collect();
    assert_eq!(early, bob, "ann waits");
    rig.until("all are taken", |rig| rig.taken().len() == 41).await;
    let ann = rig.taken().into_iter().filter(|taken| !bob.contains(taken));
    let expected: Vec<String> = std::iter::once(1).chain((2..=40).step_by(2)).map(id).collect();
    assert_eq!(ann.collect::<Vec<_>>(), expected, "in their order");
    assert_eq!(metric(&rig.metrics, "event_attempts_failed_total", "sink=\"sink\""), 2.0);
    rig.end().await;
}

/// The receiver is down, the process ends in the middle without saying so, and another one takes up.
#[tokio::test]
async fn nothing_is_lost_when_the_receiver_and_the_process_end_in_the_middle() {
    let directory = TempDir::new().unwrap();
    let receiver: Arc<Receiver> = Arc::default();
    *receiver.down.lock().unwrap() = true;
    let rig = Rig::start(directory.path(), receiver.clone(), DAY);
    for number in 1..=300 {
        rig.tell(number, Some("ann")).await;
    }
    let waiting = |rig: &Rig| metric(&rig.metrics, "events_waiting", "sink=\"sink\"");
    rig.until("all are on disk", |rig| waiting(rig) == 300.0).await;
    assert!(rig.taken().is_empty());
    // It ends at any point: nothing is flushed.
    rig.task.abort();
    assert!(rig.task.await.unwrap_err().is_cancelled());
    let attempts = receiver.attempts.lock().unwrap().len();
    assert!(attempts < 20, "a receiver that is down is asked rarely: {attempts}");
    *receiver.down.lock().unwrap() = false;
    let rig = Rig::start(directory.path(), receiver, DAY);
    rig.until("all are taken", |rig| rig.taken().len() >= 300).await;
    let mut taken = rig.taken();
    taken.dedup();
    assert_eq!(taken, (1..=300).map(id).collect::<Vec<_>>(), "in their order");
    rig.end().await;
}

/// Many attempts that fail at the same moment are one failure: the receiver is asked again soon.
#[tokio::test]
async fn a_receiver_that_was_down_for_a_moment_is_asked_again_soon() {
    let directory = TempDir::new().unwrap();
    let receiver: Arc<Receiver> = Arc::default();
    *receiver.down.lock().unwrap() = true;
    let rig = Rig::start(directory.path(), receiver.clone(), DAY);
    for number in 1..=100 {
        rig.tell(number, None).await;
    }
    let attempts = |rig: &Rig| rig.receiver.attempts.lock().unwrap().len();
    rig.until("some were tried", |rig| attempts(rig) >= 16).await;
    *receiver.down.lock().unwrap() = false;
    let since = std::time::Instant::now();
    rig.until("all are taken", |rig| rig.taken().len() == 100).await;
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
    rig.end().await;
}

#[tokio::test]
async fn an_event_that_is_given_up_is_a_dead_letter_and_the_next_one_follows() {
    let directory = TempDir::new().unwrap();
    let receiver: Arc<Receiver> = Arc::default();
    let refusals = vec![Answer::Refused("the receiver answered 400".to_owned()); 100];
    receiver.answers.lock().unwrap().insert(id(1), refusals);
    let rig = Rig::start(directory.path(), receiver, Duration::from_millis(10));
    rig.tell(1, Some("ann")).await;
    rig.tell(2, Some("ann")).await;
    rig.until("the next one is taken", |rig| rig.taken() == [id(2)]).await;
    let text = std::fs::read_to_string(directory.path().join("dead-letters.jsonl")).unwrap();
    let letter: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!((&letter["id"], &letter["event"]["id"]), (&id(1).into(), &id(1).into()));
    assert_eq!(letter["last_error"], "the receiver answered 400");
    assert_eq!(metric(&rig.metrics, "events_dead_total", "sink=\"sink\""), 1.0);
    rig.end().await;
}

/// The receiver stays down: no event waits for an attempt of its own to be given up.
#[tokio::test]
async fn all_events_that_are_too_old_are_dead_letters_while_the_receiver_is_down() {
    const ALL: u64 = 600;
    let directory = TempDir::new().unwrap();
    let receiver: Arc<Receiver> = Arc::default();
    *receiver.down.lock().unwrap() = true;
    let rig = Rig::start(directory.path(), receiver.clone(), Duration::from_millis(10));
    for number in 1..=ALL {
        let user = format!("u{}", number % 50);
        rig.tell(number, (number % 3 > 0).then_some(&*user)).await;
    }
    let waiting = |rig: &Rig| metric(&rig.metrics, "events_waiting", "sink=\"sink\"");
    let dead = |rig: &Rig| metric(&rig.metrics, "events_dead_total", "sink=\"sink\"");
    rig.until("all are given up", |rig| dead(rig) >= 600.0 && waiting(rig) == 0.0).await;
    let attempts = receiver.attempts.lock().unwrap().len();
    assert!(attempts < 100, "the receiver is asked rarely: {attempts}");
    let text = std::fs::read_to_string(directory.path().join("dead-letters.jsonl")).unwrap();
    let letters: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut ids: Vec<&str> = letters.iter().map(|letter| letter["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    let mut expected: Vec<String> = (1..=ALL).map(id).collect();
    expected.sort_unstable();
    assert_eq!(ids, expected, "each once");
    assert!(
        letters.iter().all(|letter| {
            letter["event"]["id"] == letter["id"] && letter["last_error"] == "down"
        })
    );
    assert!(letters.iter().any(|letter| letter["attempts"] == 0), "most were never tried");
    // A later event is delivered when the receiver is up.
    *receiver.down.lock().unwrap() = false;
    rig.tell(ALL + 1, Some("u1")).await;
    rig.until("the next one is taken", |rig| rig.taken() == [id(ALL + 1)]).await;
    rig.until("the disk is empty", |rig| waiting(rig) == 0.0).await;
    rig.end().await;
}

/// A receiver that fails once, long after the events happened, gets them.
#[tokio::test]
async fn one_failure_gives_up_the_event_that_was_tried_and_no_other() {
    let directory = TempDir::new().unwrap();
    let receiver: Arc<Receiver> = Arc::default();
    let fails = vec![Answer::Down("503".to_owned(), None)];
    receiver.answers.lock().unwrap().insert(id(1), fails);
    let rig = Rig::start(directory.path(), receiver.clone(), Duration::ZERO);
    for number in 1..=20 {
        rig.tell(number, Some("ann")).await;
    }
    rig.until("the others are taken", |rig| rig.taken().len() == 19).await;
    assert_eq!(rig.taken(), (2..=20).map(id).collect::<Vec<_>>());
    rig.end().await;
}

#[tokio::test]
async fn a_full_disk_queue_drops_and_counts_and_frequent_types_have_half_of_it() {
    let directory = TempDir::new().unwrap();
    let receiver: Arc<Receiver> = Arc::default();
    *receiver.down.lock().unwrap() = true;
    let rig = Rig::with_room(directory.path(), receiver, DAY, 64 << 10);
    let send = async |kind, numbers: std::ops::RangeInclusive<u64>| {
        for number in numbers {
            rig.events.send(told(number, kind, None)).await.unwrap();
        }
    };
    send(EventType::CheckDenied, 1..=1_000).await;
    let dropped = |kind: EventType| {
        let labels = format!("sink=\"sink\",type=\"{}\"", kind.word());
        metric(&rig.metrics, "events_dropped_total", &labels)
    };
    let bytes = || metric(&rig.metrics, "event_queue_bytes", "sink=\"sink\"");
    let waiting = || metric(&rig.metrics, "events_waiting", "sink=\"sink\"");
    let all = |kind| dropped(kind) + waiting();
    rig.until("each is kept or dropped", |_| all(EventType::CheckDenied) == 1_000.0).await;
    assert!(bytes() <= f64::from(32 << 10), "{}", bytes());
    let before = waiting();
    send(EventType::UserDeleted, 1_001..=2_000).await;
    let kind = EventType::UserDeleted;
    rig.until("each is kept or dropped", |_| all(kind) - before == 1_000.0).await;
    assert!(waiting() > before && bytes() <= f64::from(64 << 10));
    rig.end().await;
}

/// Events that are still in memory when the process ends go to the disk.
#[tokio::test]
async fn an_ordinary_end_keeps_what_is_in_memory() {
    let directory = TempDir::new().unwrap();
    let receiver: Arc<Receiver> = Arc::default();
    *receiver.down.lock().unwrap() = true;
    let rig = Rig::start(directory.path(), receiver.clone(), DAY);
    for number in 1..=2_000 {
        rig.events.try_send(told(number, EventType::UserUpdated, None)).unwrap();
    }
    rig.end().await;
    *receiver.down.lock().unwrap() = false;
    let rig = Rig::start(directory.path(), receiver, DAY);
    rig.until("all are taken", |rig| rig.taken().len() >= 2_000).await;
    let unique: HashSet<String> = rig.taken().into_iter().collect();
    assert_eq!(unique.len(), 2_000);
    rig.end().await;
}
