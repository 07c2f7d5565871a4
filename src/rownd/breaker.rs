//! Leaves a failing host alone: after several failures in a row nobody asks it for a while, then
//! one request tries, and the others follow once it succeeds.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rand::RngExt as _;
use tokio::time::Instant;

/// Failures in a row after which the host is left alone.
const MAX_FAILURES: u32 = 5;
/// For how long: the first time, and at most, doubling in between.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// A host that says itself when to come again is left alone for at most this long.
const MAX_ASKED: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// How often in a row it was left alone.
    pauses: u32,
    until: Option<Instant>,
    trying: bool,
    /// Counts the pauses: what was asked before one says nothing about the time after.
    generation: u64,
}

/// One host's.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

/// Leave to ask once. Dropped without an end (the caller gave up), it counts as nothing.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    trial: bool,
    generation: u64,
}

/// How a request ended, to the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The host answers.
    Good,
    /// It does not.
    Failed,
    /// It asks to be left alone for so long.
    Asked(Duration),
}

impl Breaker {
    /// May the host be asked? Else: how long it is left alone.
    pub(super) fn admit(&self) -> Result<Pass<'_>, Duration> {
        let mut state = self.lock();
        let pass =
            |trial, state: &State| Pass { breaker: self, trial, generation: state.generation };
        let Some(until) = state.until else { return Ok(pass(false, &state)) };
        let now = Instant::now();
        if now < until {
            return Err(until - now);
        }
        if state.trying {
            return Err(PAUSE.0);
        }
        state.trying = true;
        Ok(pass(true, &state))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The request has ended.
    pub(super) fn ended(self, end: End) {
        let mut state = self.breaker.lock();
        if self.generation != state.generation {
            return;
        }
        match end {
            End::Good => *state = State { generation: state.generation, ..State::default() },
            End::Asked(wait) => {
                state.until = Some(Instant::now() + wait.min(MAX_ASKED));
                state.generation += 1;
            }
            End::Failed => {
                state.failures = state.failures.saturating_add(1);
                if self.trial || state.failures >= MAX_FAILURES {
                    let doubled = PAUSE.0 * 2_u32.saturating_pow(state.pauses.min(16));
                    let pause = doubled.min(PAUSE.1);
                    // So that many replicas do not come back at once.
                    let pause = pause.mul_f64(rand::rng().random_range(0.8..=1.0));
                    state.until = Some(Instant::now() + pause);
                    state.generation += 1;
                    state.pauses = state.pauses.saturating_add(1);
                    state.failures = 0;
                }
            }
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // There is one trial at a time, so it is this one's.
        if self.trial {
            self.breaker.lock().trying = false;
        }
    }
}
