//! Fetches of profiles: one for each user at a time, and a bounded number at a time, each to its
//! end even if its callers have left.

use std::{future::pending, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    cache::{CachedProfile, FoundProfile, ProfileCache},
    source::{ApiOfApp, ProfileKey, ProfileSource},
};
use crate::{
    config::Profiles as Settings,
    issuer_api::ApiError,
    log_throttle::LogThrottle,
    metrics::Metrics,
    single_flight::{FlightBounds, FlightRunner, InMemory, Landed, SingleFlight, Work},
};

/// Callers that may wait for a profile at a time: a slow API must not hold all checks in flight.
const MAX_WAITING: usize = 1024;
/// Fetches that may wait for their turn.
const MAX_QUEUED: usize = 1024;
/// Failures logged in a second; a host that is down fails for every user.
const LINES_PER_SECOND: u32 = 1;

/// The answer of a fetch, or why there is none.
pub(super) type FetchAnswer = Result<CachedProfile, ApiError>;

/// The fetches under way.
pub(super) type Fetches = dyn SingleFlight<ProfileKey, FetchAnswer>;

/// Makes fetches.
#[derive(Debug)]
pub(super) struct Fetcher {
    timeout: Duration,
    log_throttle: Arc<LogThrottle>,
}

/// The task that makes the fetches. To be run for as long as the profiles are used.
#[derive(Debug)]
pub struct ProfileFetcher(FlightRunner<ProfileKey, FetchAnswer>);

impl Fetcher {
    pub(super) fn new(settings: &Settings) -> Self {
        let log_throttle = Arc::new(LogThrottle::per_second(LINES_PER_SECOND));
        Self { timeout: settings.timeout.get(), log_throttle }
    }

    /// One fetch, not begun yet. The cache keeps its answer, so the flight need not.
    pub(super) fn fetch(&self, source: Arc<ProfileSource>, key: ProfileKey) -> Work<FetchAnswer> {
        let (timeout, log_throttle) = (self.timeout, self.log_throttle.clone());
        Box::pin(async move {
            let answer = fetch(&source, &key, timeout).await;
            if let Err(error) = &answer
                && let Some(dropped) = log_throttle.admit()
            {
                let app = &*key.app;
                tracing::warn!(app, %error, dropped, "a profile could not be read");
            }
            Landed { answer, keep: Duration::ZERO, only_unheard: false }
        })
    }
}

impl ProfileFetcher {
    /// Makes fetches as they are asked for. Ends only by being dropped: a fetch changes nothing at
    /// the issuer, so one without callers may be lost.
    pub async fn run(self) {
        self.0.run(pending()).await;
    }
}

/// No fetches yet, and the task that makes them. Their answers go into the cache, unless
/// the user was invalidated meanwhile.
pub(super) fn fetches(
    settings: &Settings,
    cache: &Arc<ProfileCache>,
    metrics: &Arc<Metrics>,
) -> (Arc<Fetches>, ProfileFetcher) {
    let bounds = FlightBounds {
        waiting: MAX_WAITING,
        queued: MAX_QUEUED,
        running: settings.max_in_flight,
        kept: 0,
        drop_after: Some(settings.timeout.get()),
    };
    let (cache, metrics) = (cache.clone(), metrics.clone());
    let (fetches, runner) = InMemory::new(bounds, move |key: &ProfileKey, answer: &FetchAnswer| {
        if let Ok(found) = answer {
            cache.insert(key.clone(), found.clone());
            metrics.profile_cache_size(cache.bytes());
        }
    });
    (fetches, ProfileFetcher(runner))
}

async fn fetch(source: &ProfileSource, key: &ProfileKey, timeout: Duration) -> FetchAnswer {
    let ApiOfApp { api, app } = source.api_of(&key.app).ok_or(ApiError::Id)?;
    let asked = Instant::now();
    let answer = api.user(app, &key.user, timeout).await;
    match answer {
        Ok(profile) => Ok(CachedProfile { answer: FoundProfile::Found(Arc::new(profile)), asked }),
        // No user has an id that cannot be part of a path.
        Err(ApiError::NotFound | ApiError::Id) => {
            Ok(CachedProfile { answer: FoundProfile::NotFound, asked })
        }
        Err(error) => Err(error),
    }
}
