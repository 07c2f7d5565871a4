//! One refresh for a refresh token, however many ask: the first asks the issuer, the others get
//! its answer, and so do those who come shortly after. Of a no they do so for a second only, and
//! what may end otherwise next time is not kept at all.
//!
//! In: a key made of the whole token, and the work. Out: its outcome. The work belongs to a task of
//! its own, so that it goes on when whoever asked first has left: a refresh token that was sent may
//! be used up, and the answer is all there is. Nothing is tried twice.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, timeout_at},
};

use super::{Error, Granted};
use crate::digest::{Sha256, sha256_of_parts};

/// Refreshes that may be under way.
const MAX_FLYING: usize = 1024;
/// Answers that may be kept at a time; above it they are given to those who wait, and forgotten.
const MAX_KEPT: usize = 8192;

/// For how long a no is kept: long enough for those who came at the same time.
const REFUSED: Duration = Duration::from_secs(1);

/// What a refresh came to.
pub(super) type Outcome = Result<Granted, Error>;
type Flight = watch::Receiver<Option<Outcome>>;

/// The SHA-256 of everything that decides about the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key(Sha256);

impl Key {
    /// Each part with its length before it, so that no two lists of parts are one.
    pub(super) fn of(parts: &[&str]) -> Self {
        let lengths: Vec<[u8; 8]> =
            parts.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
        let pairs = lengths.iter().zip(parts);
        Self(sha256_of_parts(pairs.flat_map(|(length, part)| [&length[..], part.as_bytes()])))
    }
}

/// Why there is no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// Not in time. The work goes on.
    Late,
    /// Too much is under way.
    Busy,
}

struct Job {
    key: Key,
    work: BoxFuture<'static, Outcome>,
    outcome: watch::Sender<Option<Outcome>>,
    grace: Duration,
}

/// The board of refreshes.
#[derive(Debug)]
pub struct Flights {
    board: Mutex<HashMap<Key, Flight>>,
    queue: mpsc::Sender<Job>,
}

/// Carries refreshes out. To be run for as long as the board is used.
pub struct FlightTask {
    flights: Arc<Flights>,
    jobs: mpsc::Receiver<Job>,
}

impl std::fmt::Debug for FlightTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlightTask").finish_non_exhaustive()
    }
}

impl Flights {
    /// An empty board, and the task that carries out what is put on it.
    #[must_use]
    pub fn new() -> (Arc<Self>, FlightTask) {
        let (queue, jobs) = mpsc::channel(MAX_FLYING);
        let flights = Arc::new(Self { board: Mutex::default(), queue });
        (flights.clone(), FlightTask { flights, jobs })
    }

    /// The outcome of the work of this key: of that which is under way or ended less than `grace`
    /// ago, else of this work. Waits until `deadline` at the longest.
    pub(super) async fn join(
        &self,
        key: Key,
        grace: Duration,
        work: impl FnOnce() -> BoxFuture<'static, Outcome>,
        deadline: Instant,
    ) -> Result<Outcome, Miss> {
        let mut flight = self.board(key, grace, work)?;
        match timeout_at(deadline, flight.wait_for(Option::is_some)).await {
            Ok(Ok(landed)) => landed.clone().ok_or(Miss::Late),
            // The process ends.
            Ok(Err(_gone)) => Err(Miss::Late),
            Err(_elapsed) => Err(Miss::Late),
        }
    }

    fn board(
        &self,
        key: Key,
        grace: Duration,
        work: impl FnOnce() -> BoxFuture<'static, Outcome>,
    ) -> Result<Flight, Miss> {
        let mut board = self.lock();
        if let Some(flight) = board.get(&key) {
            return Ok(flight.clone());
        }
        let (outcome, flight) = watch::channel(None);
        let place = self.queue.try_reserve().map_err(|_full| Miss::Busy)?;
        place.send(Job { key, work: work(), outcome, grace });
        board.insert(key, flight.clone());
        Ok(flight)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Flight>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, key: Key) {
        self.lock().remove(&key);
    }
}

impl FlightTask {
    /// Ends only by being dropped.
    pub async fn run(mut self) {
        let mut flying = FuturesUnordered::new();
        let mut kept = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(job) = self.jobs.recv(), if flying.len() < MAX_FLYING => flying.push(fly(job)),
                Some(landed) = flying.next(), if !flying.is_empty() => {
                    let Landed { key, outcome, to, grace } = landed;
                    let grace = match &outcome {
                        Ok(_) => grace,
                        Err(Error::Rejected(_)) => grace.min(REFUSED),
                        Err(_) => Duration::ZERO,
                    };
                    let keep = !grace.is_zero() && kept.len() < MAX_KEPT;
                    let grace = Some(grace).filter(|_| keep);
                    match grace {
                        Some(grace) => kept.push(async move { sleep(grace).await; key }),
                        None => self.flights.leave(key),
                    }
                    to.send_replace(Some(outcome));
                }
                Some(key) = kept.next(), if !kept.is_empty() => self.flights.leave(key),
            }
        }
    }
}

struct Landed {
    key: Key,
    outcome: Outcome,
    to: watch::Sender<Option<Outcome>>,
    grace: Duration,
}

/// Whatever one does to us, the others are carried out all the same.
async fn fly(job: Job) -> Landed {
    let Job { key, work, outcome: to, grace } = job;
    let outcome = AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(Error::Shape));
    Landed { key, outcome, to, grace }
}
