//! Leaves a failing endpoint alone: after several failures in a row nobody asks it for a while,
//! then one request tries, and the others follow once it succeeds.
//!
//! There is a breaker for each host and kind of request, and one more for each configured app that
//! a request is made for: what one app's own validator does, or what one kind of request is told,
//! holds up nothing else.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rand::RngExt as _;
use tokio::time::Instant;

use crate::metrics::ApiEndpoint;

/// Failures in a row after which the endpoint is left alone.
const MAX_FAILURES: u32 = 5;
/// For how long: the first time, and at most, doubling in between.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// An endpoint that says itself when to come again is left alone for at most this long.
const MAX_ASKED: Duration = Duration::from_secs(60);

/// A kind of request to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// All that an endpoint is asked.
    Of(ApiEndpoint),
    /// A guest of Rownd: the endpoint is that of an exchange, and no validator is asked.
    RowndGuest,
    /// A refresh at an OpenID provider: the endpoint is that of codes.
    OpenIdRefresh,
}

impl From<ApiEndpoint> for Kind {
    fn from(endpoint: ApiEndpoint) -> Self {
        Self::Of(endpoint)
    }
}

/// What shares one breaker: a kind of request, for one app where it is made for a configured one.
/// Nothing that a client sends may stand here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane<'a> {
    pub(super) kind: Kind,
    pub(super) app: Option<&'a str>,
}

impl From<Kind> for Lane<'_> {
    fn from(kind: Kind) -> Self {
        Self { kind, app: None }
    }
}

impl From<ApiEndpoint> for Lane<'_> {
    fn from(endpoint: ApiEndpoint) -> Self {
        Kind::Of(endpoint).into()
    }
}

impl<'a> Lane<'a> {
    /// For this app, which stands in the configuration.
    pub(super) fn of_app(kind: impl Into<Kind>, app: &'a str) -> Self {
        Self { kind: kind.into(), app: Some(app) }
    }
}

/// A kind of request, and the configured app it is for.
type LaneKey = (Kind, Option<String>);

/// The breakers of one host. As many as there are kinds and configured apps.
#[derive(Debug, Default)]
pub(super) struct Breakers(Mutex<HashMap<LaneKey, Arc<Breaker>>>);

impl Breakers {
    pub(super) fn of(&self, lane: Lane<'_>) -> Arc<Breaker> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((lane.kind, lane.app.map(str::to_owned))).or_default().clone()
    }
}

/// Why an endpoint is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cause {
    /// It failed several times in a row, or said when it will be back (503).
    #[default]
    Failures,
    /// It asked for fewer requests (429).
    Limit,
}

/// For how long an endpoint is left alone, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// How much longer.
    pub wait: Duration,
    /// Why.
    pub cause: Cause,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// How often in a row it was left alone.
    pauses: u32,
    until: Option<Instant>,
    cause: Cause,
    trying: bool,
    /// Counts the pauses: what was asked before one says nothing about the time after.
    generation: u64,
}

/// One lane's.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

/// Leave to make one call, of one request or of several tries. Its last end counts, once; dropped
/// before any try has ended (the caller gave up), it counts as nothing.
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
    /// The endpoint answers.
    Good,
    /// It does not, or it wants fewer requests and says not for how long.
    Failed(Cause),
    /// It asks to be left alone for so long.
    Asked(Pause),
}

impl Breaker {
    /// May the endpoint be asked? Else: how long it is left alone.
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

    fn pause(&mut self, wait: Duration, cause: Cause) {
        self.until = Some(Instant::now() + wait);
        self.cause = cause;
        self.generation += 1;
    }
}

impl Pass<'_> {
    /// A try has ended. Another one of the same call may follow.
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
