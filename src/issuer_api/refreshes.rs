//! One request for each refresh token and each code, however many callers ask for it. Callers that come shortly
//! after get the same answer: a refresh token that was sent may be used up, so its answer is all
//! there is. A refusal is kept for one second only, and a failure that may pass is not kept at all.

use std::{sync::Arc, time::Duration};

use super::{
    error::{ApiError, ExchangeError},
    tokens::Granted,
};
use crate::{
    digest::{Sha256, sha256_of_parts},
    single_flight::{FlightBounds, FlightRunner, InMemory, SingleFlight},
};

/// Without a bound on callers: each is an RPC, and those are bounded. Without `drop_after`: a
/// refresh that was asked for is made even if its caller has left.
const BOUNDS: FlightBounds =
    FlightBounds { waiting: usize::MAX, queued: 1024, running: 1024, kept: 8192, drop_after: None };
/// For how long a refusal is kept: long enough for callers that came at the same time.
const KEEP_REFUSAL: Duration = Duration::from_secs(1);

/// Everything that decides about the answer of a refresh, as a SHA-256 digest: the kind of request,
/// the issuer and the whole token, or the code with all that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RefreshKey(Sha256);

/// Why a refresh gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshFault {
    /// The API refused it, or did not answer.
    Api(ApiError),
    /// The token was sent, and no replica knows the answer.
    Unknown,
    /// The state that replicas share does not answer, and nothing was sent.
    NotShared,
}

/// The answer of a refresh.
pub(super) type RefreshAnswer = Result<Granted, RefreshFault>;
/// The refreshes under way and those that ended shortly before.
pub type Refreshes = dyn SingleFlight<RefreshKey, RefreshAnswer>;
/// Makes the refreshes. To be run for as long as there are callers.
pub type RefreshRunner = FlightRunner<RefreshKey, RefreshAnswer>;

impl From<RefreshFault> for ExchangeError {
    fn from(fault: RefreshFault) -> Self {
        match fault {
            RefreshFault::Api(error) => Self::Api(error),
            RefreshFault::Unknown => Self::OutcomeUnknown,
            RefreshFault::NotShared => Self::NotShared,
        }
    }
}

impl RefreshKey {
    /// The digest.
    pub(super) const fn bytes(&self) -> &Sha256 {
        &self.0
    }

    /// Each part with its length before it, so that no two lists of parts are one.
    pub(super) fn of(parts: &[&str]) -> Self {
        let length = |part: &&str| (part.len() as u64).to_be_bytes().to_vec();
        let with_lengths = parts.iter().flat_map(|part| [length(part), part.as_bytes().to_vec()]);
        Self(sha256_of_parts(with_lengths))
    }
}

/// No refreshes yet, and the task that makes them.
#[must_use]
pub fn refreshes() -> (Arc<Refreshes>, RefreshRunner) {
    let (flights, runner) = InMemory::new(BOUNDS, |_, _| ());
    (flights, runner)
}

/// For how long later callers get this answer.
pub(super) fn keep(answer: &RefreshAnswer, grace: Duration) -> Duration {
    match answer {
        Ok(_) => grace,
        Err(RefreshFault::Api(ApiError::Rejected(_))) => grace.min(KEEP_REFUSAL),
        Err(_) => Duration::ZERO,
    }
}
