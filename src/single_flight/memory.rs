//! Single flight within one process: a table of the flights by key, and one task that does the
//! work. Both are bounded.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::{Instant, sleep, timeout_at},
};

use super::{Landed, Missed, SingleFlight, Work};

/// The bounds of a single flight. A caller above a bound is refused with [`Missed::Busy`].
#[derive(Debug, Clone, Copy)]
pub struct FlightBounds {
    /// Callers that wait for an answer.
    pub waiting: usize,
    /// Pieces of work that wait for their turn.
    pub queued: usize,
    /// Pieces of work under way.
    pub running: usize,
    /// Answers that are kept after those who waited have got them. Above it an answer is not kept.
    pub kept: usize,
    /// Work that has waited for its turn for longer than this is dropped if no caller waits for it
    /// any more. `None`: work that was handed in is always done.
    pub drop_after: Option<Duration>,
}

/// The result of a flight; `None` until there is one.
type Answer<V> = Option<Result<V, Missed>>;

/// Called with each answer.
type OnAnswer<K, V> = Box<dyn Fn(&K, &V) + Send + Sync>;

/// Work in the queue, and where its answer goes.
struct Job<K, V> {
    key: K,
    queued: Instant,
    work: Work<V>,
    answer: watch::Sender<Answer<V>>,
}

/// Work that has ended. `None`: it panicked.
struct Done<K, V> {
    key: K,
    landed: Option<Landed<V>>,
    answer: watch::Sender<Answer<V>>,
}

/// An answer that is kept no longer.
struct Kept<K, V> {
    key: K,
    answer: watch::Sender<Answer<V>>,
}

/// The flights of one process.
pub struct InMemory<K, V> {
    flights: Mutex<HashMap<K, watch::Receiver<Answer<V>>>>,
    queue: mpsc::Sender<Job<K, V>>,
    waiting: Semaphore,
}

/// Does the work. To be run for as long as there are callers.
pub struct FlightRunner<K, V> {
    flights: Arc<InMemory<K, V>>,
    jobs: mpsc::Receiver<Job<K, V>>,
    /// No work is queued, and none ever will be.
    drained: bool,
    running: FuturesUnordered<BoxFuture<'static, Done<K, V>>>,
    kept: FuturesUnordered<BoxFuture<'static, Kept<K, V>>>,
    bounds: FlightBounds,
    on_answer: OnAnswer<K, V>,
}

impl<K, V> fmt::Debug for InMemory<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemory").finish_non_exhaustive()
    }
}

impl<K, V> fmt::Debug for FlightRunner<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlightRunner").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl<K: Clone + Eq + Hash, V: Clone> InMemory<K, V> {
    /// No flights yet, and the task that does the work. `on_answer` is called once for each answer,
    /// before anybody gets it, unless the key was forgotten meanwhile. It must not wait.
    #[must_use]
    pub fn new(
        bounds: FlightBounds,
        on_answer: impl Fn(&K, &V) + Send + Sync + 'static,
    ) -> (Arc<Self>, FlightRunner<K, V>) {
        let (queue, jobs) = mpsc::channel(bounds.queued.max(1));
        let waiting = Semaphore::new(bounds.waiting.min(Semaphore::MAX_PERMITS));
        let flights = Arc::new(Self { flights: Mutex::default(), queue, waiting });
        let runner = FlightRunner {
            flights: flights.clone(),
            jobs,
            drained: false,
            running: FuturesUnordered::new(),
            kept: FuturesUnordered::new(),
            bounds: FlightBounds { running: bounds.running.max(1), ..bounds },
            on_answer: Box::new(on_answer),
        };
        (flights, runner)
    }

    /// The flight of this key, which begins now if there is none.
    fn board(&self, key: K, work: Work<V>) -> Result<watch::Receiver<Answer<V>>, Missed> {
        let mut flights = self.lock();
        if let Some(flight) = flights.get(&key) {
            return Ok(flight.clone());
        }
        let (answer, flight) = watch::channel(None);
        // A full queue is a refusal: nobody waits for a turn that would come too late.
        self.queue
            .try_send(Job { key: key.clone(), queued: Instant::now(), work, answer })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Missed::Busy,
                mpsc::error::TrySendError::Closed(_) => Missed::Stopped,
            })?;
        flights.insert(key, flight.clone());
        Ok(flight)
    }

    /// The job, unless it has waited for its turn for longer than `drop_after` and its callers have
    /// left: work that piled up behind an outage need not be done after it.
    fn still_wanted(&self, job: Job<K, V>, drop_after: Option<Duration>) -> Option<Job<K, V>> {
        let Some(drop_after) = drop_after else { return Some(job) };
        let mut flights = self.lock();
        let current = is_current(&flights, &job.key, &job.answer);
        // No caller can join while the table is locked. One receiver is the table's own.
        let waited_for = job.answer.receiver_count() > usize::from(current);
        if waited_for || job.queued.elapsed() <= drop_after {
            return Some(job);
        }
        if current {
            flights.remove(&job.key);
        }
        None
    }

    /// The flight is over, if it is still this one: another one of the same key may have begun.
    fn remove(&self, key: &K, answer: &watch::Sender<Answer<V>>) {
        let mut flights = self.lock();
        if is_current(&flights, key, answer) {
            flights.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, watch::Receiver<Answer<V>>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> SingleFlight<K, V> for InMemory<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn join(&self, key: K, work: Work<V>, deadline: Instant) -> BoxFuture<'_, Result<V, Missed>> {
        Box::pin(async move {
            let _place = self.waiting.try_acquire().map_err(|_full| Missed::Busy)?;
            let mut flight = self.board(key, work)?;
            match timeout_at(deadline, flight.wait_for(Option::is_some)).await {
                Ok(Ok(answer)) => answer.clone().unwrap_or(Err(Missed::Stopped)),
                Ok(Err(_runner_is_gone)) => Err(Missed::Stopped),
                Err(_elapsed) => Err(Missed::Late),
            }
        })
    }

    fn forget(&self, meant: &dyn Fn(&K) -> bool) {
        self.lock().retain(|key, _| !meant(key));
    }
}

impl<K, V> FlightRunner<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Does the work that is handed in, until `closing` says when the last of it has to be done.
    /// From then on no work is taken ([`Missed::Stopped`]); the work that was taken goes on to its
    /// end, at the latest until that instant. Returns the number of pieces of work that were cut
    /// off then. Work is cut off without being counted if this future is dropped.
    pub async fn run(mut self, closing: impl Future<Output = Instant>) -> usize {
        let mut closing = pin!(closing);
        let end = loop {
            tokio::select! {
                end = closing.as_mut() => break end,
                () = self.step() => {}
            }
        };
        self.jobs.close();
        let finished = async {
            while !(self.drained && self.running.is_empty()) {
                self.step().await;
            }
        };
        match timeout_at(end, finished).await {
            Ok(()) => 0,
            Err(_elapsed) => self.running.len() + self.jobs.len(),
        }
    }

    /// Begins or ends one piece of work, or removes an answer that is kept no longer. Loses nothing
    /// if it is dropped.
    async fn step(&mut self) {
        tokio::select! {
            job = self.jobs.recv(), if !self.drained && self.running.len() < self.bounds.running => {
                self.drained = job.is_none();
                let job = job.and_then(|job| self.flights.still_wanted(job, self.bounds.drop_after));
                self.running.extend(job.map(|job| work(job).boxed()));
            }
            Some(done) = self.running.next(), if !self.running.is_empty() => {
                let keep = self.land(done, self.kept.len() < self.bounds.kept);
                self.kept.extend(keep.map(|(kept, keep)| async move { sleep(keep).await; kept }.boxed()));
            }
            Some(Kept { key, answer }) = self.kept.next(), if !self.kept.is_empty() => {
                self.flights.remove(&key, &answer);
            }
        }
    }

    /// Hands the answer to those who wait for it. It stays in the table if it is to be kept.
    fn land(&self, done: Done<K, V>, may_keep: bool) -> Option<(Kept<K, V>, Duration)> {
        let Done { key, landed, answer } = done;
        let (result, keep, only_unheard) = match landed {
            Some(Landed { answer, keep, only_unheard }) => (Ok(answer), keep, only_unheard),
            None => (Err(Missed::Panicked), Duration::ZERO, false),
        };
        let mut flights = self.flights.lock();
        let current = is_current(&flights, &key, &answer);
        // No caller can join while the table is locked. One receiver is the table's own.
        let heard = answer.receiver_count() > usize::from(current);
        let keep = (may_keep && !keep.is_zero() && !(only_unheard && heard)).then_some(keep);
        if current && let Ok(value) = &result {
            (self.on_answer)(&key, value);
        }
        if current && keep.is_none() {
            flights.remove(&key);
        }
        drop(flights);
        answer.send_replace(Some(result));
        keep.filter(|_| current).map(|keep| (Kept { key, answer }, keep))
    }
}

/// Is the flight in the table this very one?
fn is_current<K: Eq + Hash, V>(
    flights: &HashMap<K, watch::Receiver<Answer<V>>>,
    key: &K,
    answer: &watch::Sender<Answer<V>>,
) -> bool {
    flights.get(key).is_some_and(|flight| flight.same_channel(&answer.subscribe()))
}

/// One piece of work to its end. A panic in it ends no other work.
async fn work<K, V>(job: Job<K, V>) -> Done<K, V> {
    let Job { key, work, answer, .. } = job;
    let landed = AssertUnwindSafe(work).catch_unwind().await.ok();
    Done { key, landed, answer }
}
