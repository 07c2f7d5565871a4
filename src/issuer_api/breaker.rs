//! The circuit breaker: after several failures in a row no request is sent for a while. Then one
//! request is sent as a trial, and the others follow once it has succeeded.
//!
//! There is a breaker for each host and operation, and one more for each configured app that a
//! request is made for: a broken token validator of one app, or a rate limit on one kind of request,
//! stops no other requests.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rand::RngExt as _;
use tokio::time::Instant;

use super::operation::Operation;

/// Failures in a row after which no requests are sent for a while.
const MAX_FAILURES: u32 = 5;
/// The first pause, and the longest one; each pause is twice as long as the one before.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// The longest pause that a host can ask for.
const MAX_ASKED: Duration = Duration::from_secs(60);

/// The requests that share one breaker: those of one operation, for one app if it is made for a
/// configured one. Nothing that a client sends may stand here: each key has a breaker for ever.
#[derive(Debug, Clone, Copy)]
pub(super) struct BreakerKey<'a> {
    pub(super) operation: Operation,
    pub(super) app: Option<&'a str>,
}

/// A [`BreakerKey`] that owns its app.
type OwnedKey = (Operation, Option<String>);

/// The breakers of one host: at most one for each operation and configured app.
#[derive(Debug, Default)]
pub(super) struct Breakers(Mutex<HashMap<OwnedKey, Arc<Breaker>>>);

impl Breakers {
    pub(super) fn of(&self, key: BreakerKey<'_>) -> Arc<Breaker> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((key.operation, key.app.map(str::to_owned))).or_default().clone()
    }
}

/// Why no requests are sent for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PauseCause {
    /// Several requests in a row failed, or the host said when it will be back (HTTP 503).
    #[default]
    Failures,
    /// The host asked for fewer requests (HTTP 429).
    Limit,
}

/// For how long no requests are sent, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// The time until the next request may be sent.
    pub wait: Duration,
    /// Why none is sent before that.
    pub cause: PauseCause,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Pauses in a row, without a success in between.
    pauses: u32,
    until: Option<Instant>,
    cause: PauseCause,
    trying: bool,
    /// Counts the pauses: a request from before a pause says nothing about the time after it.
    generation: u64,
}

/// The breaker of one key.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

/// Permission to make one call: one request, or several if it may be repeated. The end of the last
/// request counts, once. A pass that is dropped before any request has ended (its caller gave up)
/// counts as nothing.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    trial: bool,
    generation: u64,
    end: Option<End>,
}

/// How a request ended, to the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The host answered.
    Good,
    /// The host did not answer, or it asked for fewer requests without saying for how long.
    Failed(PauseCause),
    /// The host asked for no requests for this long.
    Asked(Pause),
}

impl Breaker {
    /// A pass, if a request may be sent now; else for how long none is.
    pub(super) fn admit(&self) -> Result<Pass<'_>, Pause> {
        let mut state = self.lock();
        let pass = |trial, state: &State| Pass {
            breaker: self,
            trial,
            generation: state.generation,
            end: None,
        };
        let Some(until) = state.until else { return Ok(pass(false, &state)) };
        let now = Instant::now();
        let cause = state.cause;
        if now < until {
            return Err(Pause { wait: until - now, cause });
        }
        if state.trying {
            return Err(Pause { wait: PAUSE.0, cause });
        }
        state.trying = true;
        Ok(pass(true, &state))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ended(&mut self, end: End, trial: bool) {
        match end {
            End::Good => *self = Self { generation: self.generation, ..Self::default() },
            End::Asked(Pause { wait, cause }) => self.pause(wait.min(MAX_ASKED), cause),
            End::Failed(cause) => {
                self.failures = self.failures.saturating_add(1);
                if trial || self.failures >= MAX_FAILURES {
                    let doubled = PAUSE.0 * 2_u32.saturating_pow(self.pauses.min(16));
                    let pause = doubled.min(PAUSE.1);
                    // So that many replicas do not come back at once.
                    self.pause(pause.mul_f64(rand::rng().random_range(0.8..=1.0)), cause);
                    self.pauses = self.pauses.saturating_add(1);
                    self.failures = 0;
                }
            }
        }
    }

    fn pause(&mut self, wait: Duration, cause: PauseCause) {
        self.until = Some(Instant::now() + wait);
        self.cause = cause;
        self.generation += 1;
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.cause {
            PauseCause::Limit => {
                "no request was sent: the host asked for fewer requests just now (HTTP 429)"
            }
            PauseCause::Failures => "no request was sent: the host failed too often just now",
        })
    }
}

impl Pass<'_> {
    /// A request has ended. Another one of the same call may follow.
    pub(super) fn note(&mut self, end: End) {
        self.end = Some(end);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.breaker.lock();
        if let Some(end) = self.end
            && self.generation == state.generation
        {
            state.ended(end, self.trial);
        }
        // There is one trial at a time, so it is this one's.
        if self.trial {
            state.trying = false;
        }
    }
}
