//! What Rownd knows of a user, kept for a short time, and whether a token still holds by it.
//!
//! In: a verified identity and a deadline. Out: the profile, or why there is none. Callers never
//! fetch: they ask the background task to, one fetch for a user however many ask, and wait until
//! their own deadline. The fetch belongs to the task, so it outlives whoever asked first.

mod cache;
mod fetcher;
mod freshness;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::{Instant, timeout_at},
};

use crate::{
    config::{Profiles as Settings, Secret},
    issuer_api,
    metrics::{Metrics, ProfileResult},
    model::{IdentityFacts, Profile},
    verify::{AppSlot, Identity, Issuer},
};
use cache::{Entry, ProfileCache};
pub use fetcher::ProfileFetcher;
pub use freshness::alive;

/// Callers that may wait for a profile at a time: a slow API must not fill the places of all
/// checks in flight.
const MAX_WAITING: usize = 1024;
/// Fetches that may wait for their turn.
const MAX_QUEUED: usize = 1024;

/// Whose profile. A struct, so that no two users can share a key however they are named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    issuer: usize,
    app: String,
    user: String,
}

/// What a fetch brought.
#[derive(Debug, Clone)]
enum Answer {
    Found(Arc<Profile>),
    NotFound,
}

/// And when it was asked for.
type Outcome = Result<(Answer, Instant), issuer_api::Error>;

/// One fetch under way.
type Flight = watch::Receiver<Option<Outcome>>;

/// A fetch to be made, since when, and where its outcome goes.
#[derive(Debug)]
struct Job {
    key: Key,
    queued: Instant,
    outcome: watch::Sender<Option<Outcome>>,
}

/// Why there is no profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The issuer has no profiles, or the app no key and secret to read them with.
    Unsupported,
    /// Rownd has no such user.
    NotFound,
    /// It cannot be had now: the API said so, or (`None`) nothing in time.
    Unavailable(Option<issuer_api::Error>),
    /// Too much is asked for at a time.
    Busy,
    /// A younger one is wanted than there is, and too often; not for so long.
    TooOften(Duration),
}

/// A profile that is younger than the setting asks for.
#[derive(Clone, Copy)]
pub struct Younger<'a> {
    /// The most that it may be old.
    pub max_age: Duration,
    /// Asked where that alone makes a fetch; else: after what time it may be asked again.
    pub may_fetch: &'a (dyn Fn() -> Result<(), Duration> + Sync),
}

impl std::fmt::Debug for Younger<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Younger").finish_non_exhaustive()
    }
}

/// Whose profile it is.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    /// The configured name of the issuer.
    pub issuer: &'a str,
    /// The app.
    pub app: &'a str,
    /// The user.
    pub user: &'a str,
}

/// What is known of a user.
#[derive(Debug, Clone)]
pub struct Known {
    /// The profile.
    pub profile: Arc<Profile>,
    /// When it was asked for: it is as old as the question at most.
    pub asked: Instant,
    /// Older than it should be: it could not be asked for again.
    pub stale: bool,
}

/// Where the profiles of one issuer are read.
#[derive(Debug)]
struct Source {
    remote: issuer_api::Remote,
    apps: Vec<Arc<AppSlot>>,
}

impl Source {
    /// The app of this id with what proves it, where users are read by that.
    fn app(&self, id: &str) -> Option<(&Secret, &Secret)> {
        self.remote.rownd()?;
        let meant = self.apps.iter().filter(|app| app.id() == Some(id));
        meant.filter_map(|app| app.key().zip(app.secret())).next()
    }
}

/// The profiles of all issuers.
#[derive(Debug)]
pub struct Profiles {
    /// By the issuer's index; `None` has no profiles.
    sources: Vec<Option<Source>>,
    by_name: HashMap<String, usize>,
    cache: ProfileCache,
    flights: Mutex<HashMap<Key, Flight>>,
    queue: mpsc::Sender<Job>,
    waiting: Semaphore,
    ttl: Duration,
    not_found_ttl: Duration,
    stale_on_error: Duration,
    metrics: Arc<Metrics>,
}

impl Profiles {
    /// From the settings, and each issuer with the client of its API. The fetcher is to be run
    /// for as long as the profiles are used.
    pub fn build(
        settings: &Settings,
        issuers: &[Arc<Issuer>],
        clients: &[Option<issuer_api::Remote>],
        metrics: &Arc<Metrics>,
    ) -> (Arc<Self>, ProfileFetcher) {
        let (queue, jobs) = mpsc::channel(MAX_QUEUED);
        let source = |(issuer, remote): (&Arc<Issuer>, &Option<issuer_api::Remote>)| {
            Some(Source { remote: remote.clone()?, apps: issuer.apps().to_vec() })
        };
        let names = issuers.iter().enumerate();
        let profiles = Arc::new(Self {
            sources: issuers.iter().zip(clients).map(source).collect(),
            by_name: names.map(|(index, issuer)| (issuer.name().to_owned(), index)).collect(),
            cache: ProfileCache::new(settings.cache_bytes),
            flights: Mutex::new(HashMap::new()),
            queue,
            waiting: Semaphore::new(MAX_WAITING),
            ttl: settings.ttl.get(),
            not_found_ttl: settings.not_found_ttl.get(),
            stale_on_error: settings.stale_on_error.get(),
            metrics: metrics.clone(),
        });
        let fetcher = ProfileFetcher::new(profiles.clone(), jobs, settings);
        (profiles, fetcher)
    }

    /// The profile of the identity's user, at most as old as the setting, or as is asked for where
    /// that is less. Waits until `deadline` at the longest.
    pub async fn get(
        &self,
        who: &IdentityFacts,
        younger: Option<Younger<'_>>,
        deadline: Instant,
    ) -> Result<Known, Error> {
        let app = who.app_id.as_deref().unwrap_or_default();
        let whose = Whose { issuer: &who.issuer, app, user: &who.user_id };
        self.look_up(whose, younger, deadline).await
    }

    /// As [`get`](Self::get), of a user by id.
    pub async fn look_up(
        &self,
        whose: Whose<'_>,
        younger: Option<Younger<'_>>,
        deadline: Instant,
    ) -> Result<Known, Error> {
        let result = self.find(whose, younger, deadline).await;
        self.metrics.profile_looked_up(match &result {
            Ok((label, _)) => *label,
            Err(Error::Unsupported) => ProfileResult::Unsupported,
            Err(Error::NotFound) => ProfileResult::NotFound,
            Err(Error::Unavailable(_) | Error::Busy | Error::TooOften(_)) => {
                ProfileResult::Unavailable
            }
        });
        result.map(|(_, known)| known)
    }

    /// The profile of the user of a verified token, read with the token itself: of a SuperTokens
    /// session, or of a Rownd app without key and secret. Asked each time, and not kept: it may
    /// hold less than what a backend may see.
    pub async fn of_token(
        &self,
        who: &Identity,
        token: &Secret,
        timeout: Duration,
    ) -> Result<Known, Error> {
        let index = self.by_name.get(who.issuer.as_ref());
        let source = index.and_then(|index| self.sources.get(*index)?.as_ref());
        let asked = Instant::now();
        let read = match (source.map(|source| &source.remote), who.app_id.as_deref()) {
            (Some(issuer_api::Remote::SuperTokens(api)), _) => api.user(token, timeout).await,
            (Some(issuer_api::Remote::Rownd(api)), Some(app)) => {
                api.own_user(app, token, timeout).await
            }
            _ => return Err(Error::Unsupported),
        };
        match read {
            Ok(profile) => Ok(Known { profile: Arc::new(profile), asked, stale: false }),
            Err(issuer_api::Error::NotFound) => Err(Error::NotFound),
            Err(error) => Err(Error::Unavailable(Some(error))),
        }
    }

    async fn find(
        &self,
        whose: Whose<'_>,
        younger: Option<Younger<'_>>,
        deadline: Instant,
    ) -> Result<(ProfileResult, Known), Error> {
        let key = self.key(whose).ok_or(Error::Unsupported)?;
        let known = self.cache.get(&key);
        let by_setting = |entry: &Entry| {
            let ttl = match entry.answer {
                Answer::Found(_) => self.ttl,
                Answer::NotFound => self.not_found_ttl,
            };
            entry.asked.elapsed() < ttl
        };
        let wanted = |entry: &Entry| younger.is_none_or(|y| entry.asked.elapsed() < y.max_age);
        let young = |entry: &Entry| by_setting(entry) && wanted(entry);
        let fresh =
            |profile: &Arc<Profile>, asked| Known { profile: profile.clone(), asked, stale: false };
        if let Some(entry) = known.as_ref().filter(|entry| young(entry)) {
            return match &entry.answer {
                Answer::Found(profile) => Ok((ProfileResult::Cached, fresh(profile, entry.asked))),
                Answer::NotFound => Err(Error::NotFound),
            };
        }
        if let Some(younger) = younger
            && known.as_deref().is_some_and(by_setting)
        {
            // Without that wish, nobody would be asked.
            (younger.may_fetch)().map_err(Error::TooOften)?;
        }
        let fetched = self.fetched(key, deadline).await;
        match fetched.and_then(|outcome| outcome.map_err(|error| Error::Unavailable(Some(error)))) {
            Ok((Answer::Found(profile), asked)) => {
                Ok((ProfileResult::Fetched, fresh(&profile, asked)))
            }
            Ok((Answer::NotFound, _)) => Err(Error::NotFound),
            Err(error) => self.stale(known).ok_or(error),
        }
    }

    /// A profile that is too old, where the operator prefers that to none.
    fn stale(&self, known: Option<Arc<Entry>>) -> Option<(ProfileResult, Known)> {
        let entry = known?;
        let usable = entry.asked.elapsed() < self.ttl.saturating_add(self.stale_on_error);
        match &entry.answer {
            Answer::Found(profile) if usable && !self.stale_on_error.is_zero() => {
                let known = Known { profile: profile.clone(), asked: entry.asked, stale: true };
                Some((ProfileResult::Stale, known))
            }
            _ => None,
        }
    }

    /// The outcome of a fetch: of the one under way, or of a new one.
    async fn fetched(&self, key: Key, deadline: Instant) -> Result<Outcome, Error> {
        let Ok(_place) = self.waiting.try_acquire() else { return Err(Error::Busy) };
        let mut flight = self.board(key).ok_or(Error::Busy)?;
        let landed = timeout_at(deadline, flight.wait_for(Option::is_some)).await;
        let landed = landed.ok().and_then(Result::ok).and_then(|outcome| outcome.clone());
        landed.ok_or(Error::Unavailable(None))
    }

    fn board(&self, key: Key) -> Option<Flight> {
        let mut flights = self.flights();
        if let Some(flight) = flights.get(&key) {
            return Some(flight.clone());
        }
        let (outcome, flight) = watch::channel(None);
        // A full queue is a refusal: nobody waits for a turn that would come too late.
        self.queue.try_send(Job { key: key.clone(), queued: Instant::now(), outcome }).ok()?;
        flights.insert(key, flight.clone());
        Some(flight)
    }

    /// The job, unless it has waited for its turn for longer than that and whoever asked has left:
    /// what piled up behind an outage is no reason to ask after it.
    fn still_wanted(&self, job: Job, patience: Duration) -> Option<Job> {
        let mut flights = self.flights();
        let on_board = is_current(&flights, &job);
        // Nobody can join while the board is held; one receiver is the board's own.
        let waited_for = job.outcome.receiver_count() > usize::from(on_board);
        if waited_for || job.queued.elapsed() <= patience {
            return Some(job);
        }
        if on_board {
            flights.remove(&job.key);
        }
        None
    }

    /// A fetch has ended. What was invalidated meanwhile is told to those who wait, and not kept.
    fn land(&self, job: Job, outcome: Outcome) {
        let mut flights = self.flights();
        if is_current(&flights, &job) {
            flights.remove(&job.key);
            if let Ok((answer, asked)) = &outcome {
                self.cache.insert(job.key, Entry { answer: answer.clone(), asked: *asked });
                self.metrics.profile_cache_size(self.cache.bytes());
            }
        }
        drop(flights);
        job.outcome.send_replace(Some(outcome));
    }

    /// Forgets what is known of a user, at every issuer and app, or of all. Tells of how many.
    pub fn invalidate(&self, user: Option<&str>) -> usize {
        let meant = |key: &Key| user.is_none_or(|user| user == key.user);
        let mut flights = self.flights();
        // Whoever asks from now on does not get what was asked before.
        flights.retain(|key, _| !meant(key));
        let forgotten = self.cache.forget(meant);
        self.metrics.profile_cache_size(self.cache.bytes());
        forgotten
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Key, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, whose: Whose<'_>) -> Option<Key> {
        let issuer = *self.by_name.get(whose.issuer)?;
        self.sources.get(issuer)?.as_ref()?.app(whose.app)?;
        Some(Key { issuer, app: whose.app.to_owned(), user: whose.user.to_owned() })
    }
}

/// The very same flight is on the board: another one may have begun since.
fn is_current(flights: &HashMap<Key, Flight>, job: &Job) -> bool {
    let flight = flights.get(&job.key);
    flight.is_some_and(|flight| flight.same_channel(&job.outcome.subscribe()))
}
