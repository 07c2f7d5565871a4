//! One request for each refresh token, across all replicas.
//!
//! In: a refresh that this replica would send. Out: its answer, the answer of the replica that has
//! sent it, or that nobody can know. A mark is written before the token is sent, and stays if the
//! answer is never known: the token may be used up, and a second use looks like theft to some
//! issuers. The store knows a token by a digest that needs the key of the deployment, and the answer
//! as a cipher by that key.

use std::{fmt, sync::Arc, time::Duration};

use strum::{IntoStaticStr, VariantArray};
use tokio::time::sleep;

use super::{
    error::ApiError,
    refreshes::{RefreshAnswer, RefreshFault, RefreshKey},
    shared_answer::SharedAnswer,
    tokens::Granted,
};
use crate::{
    config::{OnOutage, Shared},
    digest::hex,
    metrics::Metrics,
    shared::{
        Deployment, Held, LaterWrite, LaterWrites, Sealer, SharedError, SharedStore, put_answer,
        while_marked,
    },
    upstream::UpstreamError,
};

/// The answer of another replica is looked for this often.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A replica that has not written an answer so long after the time limit of its request is gone.
const SLACK: Duration = Duration::from_secs(2);
/// An answer is kept at least this long, for the replicas that wait for it.
const KEEP_AT_LEAST: Duration = Duration::from_millis(500);
/// The first bytes of a mark. A sealed answer begins with others.
const STARTED: &[u8] = b"started ";
const SEALED: &[u8] = b"sealed ";
/// The first part of the name of a refresh in the store.
const NAME: &str = "refresh:";

/// How a refresh by way of the shared state ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum SharedRefresh {
    /// This replica sent the token.
    Sent,
    /// Another replica had sent it, and this is its answer.
    Shared,
    /// It was sent, and the answer is not known.
    Unknown,
    /// The shared state does not answer, and nothing was sent.
    Refused,
    /// The shared state does not answer, and this replica still sent the token.
    Local,
}

/// The refreshes of all replicas.
pub struct SharedRefreshes {
    store: Arc<dyn SharedStore>,
    deployment: Deployment,
    on_outage: OnOutage,
    unknown_for: Duration,
    metrics: Arc<Metrics>,
    later: LaterWrites,
}

impl fmt::Debug for SharedRefreshes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedRefreshes").finish_non_exhaustive()
    }
}

/// The times of a refresh.
#[derive(Debug, Clone, Copy)]
pub(super) struct RefreshTimes {
    /// The time limit of the request.
    pub(super) timeout: Duration,
    /// For how long later callers get the answer.
    pub(super) grace: Duration,
}

/// A refresh in the store.
struct Entry {
    name: String,
    sealer: Sealer,
    mark: Vec<u8>,
}

impl SharedRefreshes {
    /// By way of this store, and of what writes there later.
    #[must_use]
    pub fn new(
        settings: &Shared,
        store: Arc<dyn SharedStore>,
        later: LaterWrites,
        metrics: &Arc<Metrics>,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            deployment: Deployment::new(&settings.key),
            on_outage: settings.on_outage,
            unknown_for: settings.unknown_for.get(),
            metrics: metrics.clone(),
            later,
        })
    }

    /// The answer of this request, or of the same one at another replica; and for how long callers
    /// of this replica get it.
    pub(super) async fn once(
        &self,
        key: &RefreshKey,
        times: RefreshTimes,
        request: impl Future<Output = Result<Granted, ApiError>> + Send,
    ) -> (RefreshAnswer, Duration) {
        let Some(entry) = self.entry(key) else {
            return (Err(RefreshFault::NotShared), Duration::ZERO);
        };
        let (result, answer) = match self.claim(&entry, times).await {
            Ok(None) => (SharedRefresh::Sent, self.send(&entry, times, request).await),
            Ok(Some(known)) => (SharedRefresh::Shared, known),
            Err(_) if self.on_outage == OnOutage::Local => {
                (SharedRefresh::Local, self.send(&entry, times, request).await)
            }
            Err(error) => {
                tracing::warn!(%error, "a refresh is refused, and no token was sent");
                // The store may still have written the mark.
                self.later(&entry.name, &entry.mark, LaterWrite::Nothing, self.unknown_for);
                (SharedRefresh::Refused, (Err(RefreshFault::NotShared), Duration::ZERO))
            }
        };
        let unknown = matches!(answer.0, Err(RefreshFault::Unknown));
        self.metrics.shared_refresh(if unknown { SharedRefresh::Unknown } else { result });
        answer
    }

    fn entry(&self, key: &RefreshKey) -> Option<Entry> {
        let name = format!("{NAME}{}", self.deployment.name_of(key.bytes()));
        let sealer = self.deployment.sealer(&name)?;
        let mut own = [0; 16];
        aws_lc_rs::rand::fill(&mut own).ok()?;
        let mark = [STARTED, hex(&own).as_bytes()].concat();
        Some(Entry { name, sealer, mark })
    }

    /// Writes the mark. `None`: it is there, and this replica is to send the token. Else the answer
    /// of the replica that has sent it.
    async fn claim(
        &self,
        entry: &Entry,
        times: RefreshTimes,
    ) -> Result<Option<(RefreshAnswer, Duration)>, SharedError> {
        let put = self.store.put_if_absent(&entry.name, &entry.mark, self.unknown_for);
        let Some(mut held) = put.await? else { return Ok(None) };
        let mut waited = false;
        loop {
            match self.read(entry, &held, times) {
                Reading::Started => {
                    waited = true;
                    sleep(LOOK_EVERY).await;
                    match self.store.get(&entry.name).await {
                        Ok(Some(later)) => held = later,
                        // The answer was there and has ended, or the store has lost it; or it does not
                        // answer any more. Another replica has sent the token, so this one must not, and
                        // no later call either.
                        lost @ (Ok(None) | Err(_)) => {
                            self.put_back(entry, &held, lost.is_err()).await;
                            return Ok(Some((Err(RefreshFault::Unknown), Duration::ZERO)));
                        }
                    }
                }
                // Callers that have waited share the failure. A later one tries again.
                Reading::Answer(Err(RefreshFault::Api(error))) if !waited && may_repeat(&error) => {
                    let replaced =
                        self.store.replace(&entry.name, &held.value, &entry.mark, self.unknown_for);
                    if replaced.await? {
                        return Ok(None);
                    }
                    match self.store.get(&entry.name).await? {
                        Some(later) => held = later,
                        None => return Ok(Some((Err(RefreshFault::Unknown), Duration::ZERO))),
                    }
                }
                Reading::Answer(answer) => return Ok(Some((answer, held.left))),
            }
        }
    }

    /// Puts the mark of another replica back.
    async fn put_back(&self, entry: &Entry, held: &Held, is_away: bool) {
        let put = async { self.store.put_if_absent(&entry.name, &held.value, held.left).await };
        if is_away || put.await.is_err() {
            self.later(&entry.name, &held.value, LaterWrite::Mark, held.left);
        }
    }

    fn read(&self, entry: &Entry, held: &Held, times: RefreshTimes) -> Reading {
        if let Some(sealed) = held.value.strip_prefix(SEALED) {
            let answer = entry.sealer.open(sealed).and_then(|text| SharedAnswer::read(&text));
            // An answer by another key is one that this replica cannot know.
            return Reading::Answer(answer.unwrap_or(Err(RefreshFault::Unknown)));
        }
        let age = self.unknown_for.saturating_sub(held.left);
        if held.value.starts_with(STARTED) && age <= times.timeout + SLACK {
            Reading::Started
        } else {
            Reading::Answer(Err(RefreshFault::Unknown))
        }
    }

    /// Sends the token, and writes the answer in the place of the mark.
    async fn send(
        &self,
        entry: &Entry,
        times: RefreshTimes,
        request: impl Future<Output = Result<Granted, ApiError>> + Send,
    ) -> (RefreshAnswer, Duration) {
        let place = (entry.name.as_str(), entry.mark.as_slice());
        let answer = while_marked(&*self.store, place, self.unknown_for, request).await;
        if answer.as_ref().is_err_and(may_be_used_up) {
            return (Err(RefreshFault::Unknown), Duration::ZERO);
        }
        let answer = answer.map_err(RefreshFault::Api);
        let keep = super::refreshes::keep(&answer, times.grace);
        let sealed = SharedAnswer::write(&answer).and_then(|text| entry.sealer.seal(&text));
        let Some(sealed) = sealed else {
            // The other replicas cannot know it, so the mark stays.
            return (answer, keep);
        };
        let sealed = [SEALED, &sealed].concat();
        let kept = keep.max(KEEP_AT_LEAST);
        if put_answer(&*self.store, place, &sealed, kept).await.is_err() {
            self.later(&entry.name, &entry.mark, LaterWrite::Answer(sealed), kept);
        }
        (answer, keep)
    }

    /// Has it written when the store answers again.
    fn later(&self, name: &str, mark: &[u8], write: LaterWrite, within: Duration) {
        if !self.later.write(name.to_owned(), mark.to_owned(), write, within) {
            tracing::warn!(
                "too many writes wait for the shared state: the outcome of a refresh will be \
                 unknown to the other replicas"
            );
        }
    }
}

/// The meaning of a value of the store.
enum Reading {
    /// The token was sent just now.
    Started,
    /// The answer is known, or will never be.
    Answer(RefreshAnswer),
}

/// The token may be used up, although no usable answer came: it must not be sent again. An answer that
/// cannot be read followed a status from 200 to 299.
const fn may_be_used_up(error: &ApiError) -> bool {
    matches!(
        error,
        ApiError::Upstream(
            UpstreamError::Timeout
                | UpstreamError::Network(_)
                | UpstreamError::TooLarge
                | UpstreamError::Packed(_)
        ) | ApiError::Shape
            | ApiError::OtherUser
    )
}

/// A failure that says nothing about the token.
const fn may_repeat(error: &ApiError) -> bool {
    !matches!(error, ApiError::Rejected(_))
}
