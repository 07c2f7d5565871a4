//! The background task that asks Rownd: so many requests at a time, each to its end, whoever
//! still waits for it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use tokio::{sync::mpsc, time::Instant};

use super::{Answer, Job, Outcome, Profiles};
use crate::{config::Profiles as Settings, issuer_api, log_throttle::LogThrottle};

/// Failures logged in a second; a host that is down fails for everybody.
const LINES_PER_SECOND: u32 = 1;

/// Fetches profiles. To be run for as long as they are used.
pub struct ProfileFetcher {
    profiles: Arc<Profiles>,
    jobs: mpsc::Receiver<Job>,
    max_in_flight: usize,
    timeout: Duration,
    log_throttle: LogThrottle,
}

impl std::fmt::Debug for ProfileFetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProfileFetcher").finish_non_exhaustive()
    }
}

impl ProfileFetcher {
    pub(super) fn new(
        profiles: Arc<Profiles>,
        jobs: mpsc::Receiver<Job>,
        settings: &Settings,
    ) -> Self {
        Self {
            profiles,
            jobs,
            max_in_flight: settings.max_in_flight,
            timeout: settings.timeout.get(),
            log_throttle: LogThrottle::per_second(LINES_PER_SECOND),
        }
    }

    /// Fetches on demand. Ends only by being dropped.
    pub async fn run(mut self) {
        let mut running = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(job) = self.jobs.recv(), if running.len() < self.max_in_flight => {
                    if let Some(job) = self.profiles.still_wanted(job, self.timeout) {
                        running.push(fetch(self.profiles.clone(), job, self.timeout));
                    }
                }
                Some(failure) = running.next(), if !running.is_empty() => {
                    if let Some(error) = failure
                        && let Some(dropped) = self.log_throttle.admit()
                    {
                        tracing::warn!(%error, dropped, "a profile could not be read");
                    }
                }
            }
        }
    }
}

/// One fetch to its end. Tells why it failed, if it did.
async fn fetch(profiles: Arc<Profiles>, job: Job, timeout: Duration) -> Option<String> {
    // Whatever one answer does to us, the others are fetched all the same.
    let outcome = AssertUnwindSafe(ask(&profiles, &job, timeout)).catch_unwind().await;
    let outcome = outcome.unwrap_or(Err(issuer_api::Error::Shape));
    let failure = outcome.as_ref().err().map(ToString::to_string);
    profiles.land(job, outcome);
    failure
}

async fn ask(profiles: &Profiles, job: &Job, timeout: Duration) -> Outcome {
    let source = profiles.sources.get(job.key.issuer).and_then(Option::as_ref);
    let source = source.ok_or(issuer_api::Error::Id)?;
    let (key, secret) = source.app(&job.key.app).ok_or(issuer_api::Error::Id)?;
    let app = issuer_api::App { id: &job.key.app, key, secret };
    let client = source.remote.rownd().ok_or(issuer_api::Error::Id)?;
    let asked = Instant::now();
    match client.user(app, &job.key.user, timeout).await {
        Ok(profile) => Ok((Answer::Found(Arc::new(profile)), asked)),
        // An id that cannot stand in a path is nobody's.
        Err(issuer_api::Error::NotFound | issuer_api::Error::Id) => Ok((Answer::NotFound, asked)),
        Err(error) => Err(error),
    }
}
