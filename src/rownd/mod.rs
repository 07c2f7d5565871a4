//! The Rownd API client: which app a key belongs to, and what Rownd knows of a user.
//!
//! In: an issuer's settings and a question. Out: a typed answer, or why there is none. A client
//! talks to its issuer's base URL and nowhere else, so a key or secret goes nowhere else. Reads
//! are tried again within a budget; a host that fails again and again is left alone for a while.

mod breaker;
#[cfg(test)]
mod tests;
mod user;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tower::retry::budget::TpsBudget;
use url::Url;

use crate::{
    config::{Issuer, IssuerKind, Secret},
    metrics::{Endpoint, Metrics, RowndResult},
    upstream::{Client as Upstream, Document, Error as UpstreamError, Origin},
};
use breaker::Breaker;
pub use user::App;

/// The most bytes of an answer.
const MAX_BYTES: usize = 1 << 20;
/// The vendor's API description says `x-rownd-hub-key`; every library sends this one.
const APP_KEY: &str = "x-rownd-app-key";
const APP_SECRET: &str = "x-rownd-app-secret";
/// Everything but what RFC 3986 section 2.3 reserves for nothing: an id may hold any character.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Retries of one host: a tenth of its requests in the last ten seconds, and one a second.
const BUDGET: (Duration, u32, f32) = (Duration::from_secs(10), 1, 0.1);

/// Why Rownd gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The request failed.
    Upstream(UpstreamError),
    /// There is no such user (404).
    NotFound,
    /// Rownd refuses the app key or secret (401, 403; 404 where only a key was sent).
    KeyRefused(u16),
    /// Rownd asks for fewer requests (429), perhaps for so long.
    Limited(Option<Duration>),
    /// The answer has not the documented shape.
    Shape,
    /// The id cannot stand in a path.
    Id,
    /// Not asked: the host has failed too often, or said so, and is left alone for so long.
    Paused(Duration),
}

impl Error {
    /// The next try may end otherwise.
    const fn is_transient(&self) -> bool {
        match self {
            Self::Upstream(UpstreamError::Network(_) | UpstreamError::Timeout)
            | Self::Limited(_) => true,
            Self::Upstream(
                UpstreamError::Status(status) | UpstreamError::RetryLater(status, _),
            ) => {
                matches!(*status, 408 | 500..=599)
            }
            _ => false,
        }
    }

    /// When Rownd asked to be asked again.
    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited(wait) => *wait,
            Self::Upstream(UpstreamError::RetryLater(_, wait)) => Some(*wait),
            _ => None,
        }
    }

    const fn label(&self) -> RowndResult {
        match self {
            Self::NotFound => RowndResult::NotFound,
            Self::KeyRefused(_) => RowndResult::Refused,
            Self::Limited(_) => RowndResult::Limited,
            Self::Paused(_) => RowndResult::Paused,
            Self::Shape | Self::Id | Self::Upstream(UpstreamError::TooLarge) => {
                RowndResult::Invalid
            }
            Self::Upstream(UpstreamError::Timeout) => RowndResult::Timeout,
            Self::Upstream(UpstreamError::Status(_) | UpstreamError::RetryLater(..)) => {
                RowndResult::Status
            }
            Self::Upstream(UpstreamError::Network(_) | UpstreamError::Refused(_)) => {
                RowndResult::Network
            }
        }
    }
}

impl From<UpstreamError> for Error {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Status(429) => Self::Limited(None),
            UpstreamError::RetryLater(429, wait) => Self::Limited(Some(wait)),
            UpstreamError::Status(status @ (401 | 403)) => Self::KeyRefused(status),
            UpstreamError::Status(404) => Self::NotFound,
            other => Self::Upstream(other),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Upstream(error) => error.fmt(f),
            Self::NotFound => f.write_str("there is no such user"),
            Self::KeyRefused(status) => {
                write!(f, "Rownd refuses the app key or secret (HTTP {status})")
            }
            Self::Limited(_) => f.write_str("Rownd asks for fewer requests (HTTP 429)"),
            Self::Shape => f.write_str("the answer has not the documented shape"),
            Self::Id => f.write_str("the id cannot stand in a path"),
            Self::Paused(_) => f.write_str("not asked: the host failed too often just now"),
        }
    }
}

impl std::error::Error for Error {}

/// What all clients of one host share.
#[derive(Debug)]
struct Host {
    breaker: Breaker,
    budget: TpsBudget,
}

/// Calls the API of one issuer.
#[derive(Debug, Clone)]
pub struct Client {
    index: usize,
    upstream: Upstream,
    base_url: String,
    host: Arc<Host>,
    metrics: Arc<Metrics>,
}

/// A client for each issuer that is Rownd's, in the order of the configuration.
#[must_use]
pub fn build(
    issuers: &[Issuer],
    upstream: &Upstream,
    metrics: &Arc<Metrics>,
) -> Vec<Option<Client>> {
    let mut hosts: HashMap<String, Arc<Host>> = HashMap::new();
    let mut client = |issuer: &Issuer| {
        let base_url = match issuer.kind {
            IssuerKind::Rownd => issuer.base_url.clone()?,
            IssuerKind::Supertokens
            | IssuerKind::Oidc
            | IssuerKind::Firebase
            | IssuerKind::Static => return None,
        };
        let host = Url::parse(&base_url).ok()?.origin().ascii_serialization();
        let host = hosts.entry(host).or_insert_with(|| {
            let (window, least, share) = BUDGET;
            let budget = TpsBudget::new(window, least, share);
            Arc::new(Host { breaker: Breaker::default(), budget })
        });
        let index = metrics.issuer(&issuer.name)?;
        let (upstream, metrics) = (upstream.clone(), metrics.clone());
        Some(Client { index, upstream, base_url, host: host.clone(), metrics })
    };
    issuers.iter().map(&mut client).collect()
}

impl Client {
    /// The id of the app that a key belongs to; of the base app, where the key is a variant's.
    pub async fn app_id(&self, key: &Secret, timeout: Duration) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct AppConfig {
            app: Id,
        }
        #[derive(Deserialize)]
        struct Id {
            id: String,
        }
        let headers = [(APP_KEY, key.expose())];
        let asked = self.get(Endpoint::AppConfig, "/hub/app-config", &headers, timeout, |body| {
            let config: AppConfig = serde_json::from_slice(body).map_err(|_| Error::Shape)?;
            if config.app.id.is_empty() { Err(Error::Shape) } else { Ok(config.app.id) }
        });
        asked.await.map_err(|error| match error {
            Error::NotFound => Error::KeyRefused(404),
            error => error,
        })
    }

    /// One request, counted and timed.
    async fn get<T>(
        &self,
        endpoint: Endpoint,
        path: &str,
        headers: &[(&'static str, &str)],
        timeout: Duration,
        read: impl FnOnce(&[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let began = Instant::now();
        let answer = match Url::parse(&format!("{}{path}", self.base_url)) {
            Ok(url) => self.upstream.get(&url, Origin::Operator, headers, MAX_BYTES, timeout).await,
            Err(_) => Err(UpstreamError::Refused("the base URL is not usable")),
        };
        let answer = answer.map_err(Error::from);
        let answer = answer.and_then(|Document { body, .. }| read(&body));
        let result = answer.as_ref().map_or_else(Error::label, |_| RowndResult::Ok);
        self.metrics.rownd_asked(self.index, endpoint, result, Some(began.elapsed()));
        answer
    }
}

/// An id as one segment of a path. The two that a path would take for directions are refused.
fn segment(id: &str) -> Result<String, Error> {
    match id {
        "" | "." | ".." => Err(Error::Id),
        id => Ok(utf8_percent_encode(id, SEGMENT).to_string()),
    }
}
