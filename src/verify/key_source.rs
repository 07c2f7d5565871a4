//! Where an issuer's key set is: configured, or learned from its metadata (RFC 8414).

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use url::Url;

use crate::{
    config::Issuer as Settings,
    metrics::FetchResult,
    upstream::{Client, Document, Error, Origin},
};

/// The most bytes of a key set or a metadata document.
pub(super) const MAX_BYTES: usize = 1 << 20;
const METADATA: &str = "/hub/auth/.well-known/oauth-authorization-server";
const KEYS: &str = "/hub/auth/keys";

/// Why there are no new keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FetchError {
    pub(super) result: FetchResult,
    pub(super) message: String,
}

impl FetchError {
    pub(super) fn invalid(message: &str) -> Self {
        Self { result: FetchResult::Invalid, message: message.to_owned() }
    }
}

impl From<Error> for FetchError {
    fn from(error: Error) -> Self {
        let result = match error {
            Error::Network(_) | Error::Refused(_) => FetchResult::Network,
            Error::Timeout => FetchResult::Timeout,
            Error::Status(_) | Error::RetryLater(..) => FetchResult::Status,
            Error::TooLarge => FetchResult::Invalid,
        };
        Self { result, message: error.to_string() }
    }
}

/// Where key set documents come from.
pub(super) trait Documents: std::fmt::Debug + Send + Sync {
    /// One fetch.
    fn fetch(&mut self) -> BoxFuture<'_, Result<Document, FetchError>>;

    /// What was fetched is of no use: look elsewhere next time, where there is a choice.
    fn forget(&mut self) {}
}

/// Fetches one issuer's key set.
#[derive(Debug)]
pub(super) struct KeySource {
    upstream: Client,
    timeout: Duration,
    base: Url,
    iss: String,
    configured: Option<Url>,
    /// As the metadata said; asked again after a failure.
    learned: Option<(Url, Origin)>,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl KeySource {
    pub(super) fn build(settings: &Settings, iss: &str, upstream: &Client) -> Result<Self, String> {
        let url = |text: &str| Url::parse(text).map_err(|error| format!("{text}: {error}"));
        let base = settings.base_url.as_deref().unwrap_or(iss);
        Ok(Self {
            upstream: upstream.without_reuse(),
            timeout: settings.keys.fetch_timeout.get(),
            base: url(base)?,
            iss: iss.to_owned(),
            configured: settings.jwks_url.as_deref().map(url).transpose()?,
            learned: None,
        })
    }

    /// Metadata included, where they are not known yet.
    async fn key_set(&mut self) -> Result<Document, FetchError> {
        let (url, origin) = match (&self.configured, &self.learned) {
            (Some(url), _) => (url.clone(), Origin::Operator),
            (None, Some((url, origin))) => (url.clone(), *origin),
            (None, None) => self.learn().await?,
        };
        let fetched = self.upstream.get(&url, origin, &[], MAX_BYTES, self.timeout).await;
        if fetched.is_err() {
            self.forget();
        }
        Ok(fetched?)
    }

    async fn learn(&mut self) -> Result<(Url, Origin), FetchError> {
        let url = self.below(METADATA)?;
        let document =
            self.upstream.get(&url, Origin::Operator, &[], MAX_BYTES, self.timeout).await;
        let Ok(document) = document else {
            // Without metadata the keys may still be where they always were.
            return Ok((self.below(KEYS)?, Origin::Operator));
        };
        let metadata: Metadata = serde_json::from_slice(&document.body)
            .map_err(|_| FetchError::invalid("the metadata is not usable"))?;
        if metadata.issuer != self.iss {
            return Err(FetchError::invalid(
                "the metadata names another issuer: compare issuers[].issuer and base_url",
            ));
        }
        let url = Url::parse(&metadata.jwks_uri)
            .map_err(|_| FetchError::invalid("the metadata's jwks_uri is no URL"))?;
        let same = url.origin() == self.base.origin();
        let learned = (url, if same { Origin::Operator } else { Origin::Document });
        self.learned = Some(learned.clone());
        Ok(learned)
    }

    fn below(&self, path: &str) -> Result<Url, FetchError> {
        let base = self.base.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{path}"))
            .map_err(|_| FetchError::invalid("the base URL is not usable"))
    }
}

impl Documents for KeySource {
    fn fetch(&mut self) -> BoxFuture<'_, Result<Document, FetchError>> {
        Box::pin(self.key_set())
    }

    fn forget(&mut self) {
        self.learned = None;
    }
}
