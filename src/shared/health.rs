//! Whether the store answers: for the readiness, `/status`, the log and the metrics.
//!
//! In: the end of each exchange with the store. Out: one page, and a mark at the readiness while the
//! store does not answer.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{Position, SharedError};
use crate::{
    health::{Degradation, Readiness},
    metrics::Metrics,
};

/// The name of the degradation.
const WITHOUT_STORE: &str = "the shared state does not answer: revocations are those this process \
                             knows, see docs/scaling.md";
const TOO_MANY: &str = "the list of revocations is full: some of the other replicas' are not obeyed \
                        here, raise revocation.max_entries";

/// The health of the store, as this process sees it.
#[derive(Debug)]
pub struct SharedHealth {
    readiness: Readiness,
    metrics: Arc<Metrics>,
    replica: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answered: Option<Instant>,
    last_error: Option<String>,
    position: Position,
    unsent: usize,
    left_out: usize,
    without_store: Option<Degradation>,
    too_many: Option<Degradation>,
}

/// The page about the store.
#[derive(Debug, Serialize)]
pub struct SharedPage {
    /// It answered the last question.
    pub connected: bool,
    /// The name of this replica.
    pub replica: String,
    /// How long ago it answered, in seconds; absent: it never did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_seconds_ago: Option<u64>,
    /// Why it does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// The set of revocations that was read last, and how far.
    pub generation: String,
    /// The number of the last change that was read.
    pub change: u64,
    /// Revocations that only this replica has.
    pub unsent: usize,
}

impl SharedHealth {
    /// The store has not been asked yet.
    #[must_use]
    pub fn new(readiness: &Readiness, metrics: &Arc<Metrics>, replica: &str) -> Arc<Self> {
        metrics.shared_state(false, 0, 0);
        Arc::new(Self {
            readiness: readiness.clone(),
            metrics: metrics.clone(),
            replica: replica.to_owned(),
            state: Mutex::default(),
        })
    }

    /// The store answered. This process has read up to the position; this many of its revocations
    /// are not in the store, and this many of the store's found no room here.
    pub fn answered(&self, position: &Position, unsent: usize, left_out: usize) {
        let mut state = self.lock();
        if state.without_store.take().is_some() || state.answered.is_none() {
            tracing::info!(replica = self.replica, "the shared state answers");
        }
        if left_out == 0 {
            state.too_many = None;
        } else if state.too_many.is_none() {
            tracing::error!(left_out, "{TOO_MANY}");
            state.too_many = Some(self.readiness.degrade(TOO_MANY));
        }
        state.answered = Some(Instant::now());
        state.last_error = None;
        state.position = position.clone();
        (state.unsent, state.left_out) = (unsent, left_out);
        self.metrics.shared_state(true, unsent, left_out);
    }

    /// The store did not answer. This many revocations are not in it.
    pub fn failed(&self, error: &SharedError, unsent: usize) {
        let mut state = self.lock();
        if state.without_store.is_none() {
            tracing::error!(%error, "{WITHOUT_STORE}");
            state.without_store = Some(self.readiness.degrade(WITHOUT_STORE));
        }
        state.last_error = Some(error.to_string());
        state.unsent = unsent;
        self.metrics.shared_state(false, unsent, state.left_out);
    }

    /// The page about the store.
    #[must_use]
    pub fn page(&self) -> SharedPage {
        let state = self.lock();
        SharedPage {
            connected: state.answered.is_some() && state.last_error.is_none(),
            replica: self.replica.clone(),
            answered_seconds_ago: state.answered.map(|at| seconds(at.elapsed())),
            last_error: state.last_error.clone(),
            generation: state.position.generation.clone(),
            change: state.position.number,
            unsent: state.unsent,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn seconds(time: Duration) -> u64 {
    time.as_secs()
}
