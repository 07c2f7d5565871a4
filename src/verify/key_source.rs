//! Where an issuer's key set is: configured, or learned from its metadata (RFC 8414).

use std::time::Duration;

use futures_util::future::BoxFuture;
use url::Url;

use super::kinds::{self, kind::KeySetPlace};
use crate::{
    config::{Issuer as Settings, KeyOrigin, KeyPlace, WebAddress},
    metrics::FetchResult,
    upstream::{
        Client, Document, Error, Origin,
        discovery::{IssuerMetadata, MetadataError},
    },
};

/// The most bytes of a key set or a metadata document.
pub(super) const MAX_BYTES: usize = 1 << 20;
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

impl From<MetadataError> for FetchError {
    fn from(error: MetadataError) -> Self {
        Self::invalid(&error.to_string())
    }
}

/// Where key set documents come from.
pub(super) trait Documents: std::fmt::Debug + Send + Sync {
    /// One fetch.
    fn fetch(&mut self) -> BoxFuture<'_, Result<Document, FetchError>>;

    /// One fetch of a copy elsewhere, where there is one: the first place has failed.
    fn fetch_copy(&mut self) -> Option<BoxFuture<'_, Result<Document, FetchError>>> {
        None
    }

    /// What was fetched is of no use: look elsewhere next time, where there is a choice.
    fn forget(&mut self) {}
}

/// Fetches one issuer's key set.
#[derive(Debug)]
pub(super) struct KeySource {
    upstream: Client,
    timeout: Duration,
    iss: String,
    /// Where the issuer describes itself.
    metadata: Option<Url>,
    /// Where the keys are: as configured, or where the kind has them.
    keys: Option<Url>,
    configured: bool,
    copy: Option<Url>,
    /// As the metadata said; asked again after a failure.
    learned: Option<(Url, Origin)>,
}

impl KeySource {
    /// None for an issuer whose keys are in place: nothing is fetched.
    pub(super) fn build(settings: &Settings, upstream: &Client) -> Option<Self> {
        let (place, copy) = match &settings.key_origin {
            KeyOrigin::InPlace(_) => return None,
            KeyOrigin::Fetched { place, fallback, .. } => (place, fallback.as_ref()),
        };
        let kind = kinds::row(settings.kind());
        let below = |base: &WebAddress| match kind.key_set {
            KeySetPlace::Below(path) => Some(base.below(path)),
            KeySetPlace::At(_) | KeySetPlace::Unknown => None,
        };
        let (metadata, keys, configured) = match (place, kind.key_set) {
            // Where the keys are configured, the `iss` is a name and need not be an address.
            (KeyPlace::Configured(url), _) => (None, Some(url.url().clone()), true),
            (KeyPlace::BaseUrl(base), _) => {
                (kind.metadata_path.map(|path| base.below(path)), below(base), false)
            }
            (KeyPlace::OfKind, KeySetPlace::At(url)) => (None, Url::parse(url).ok(), false),
            (KeyPlace::OfKind, KeySetPlace::Below(_) | KeySetPlace::Unknown) => (None, None, false),
        };
        Some(Self {
            upstream: upstream.without_reuse(),
            timeout: settings.keys.fetch_timeout.get(),
            iss: settings.iss.clone(),
            metadata,
            keys,
            configured,
            copy: copy.map(|copy| copy.url().clone()),
            learned: None,
        })
    }

    /// Metadata included, where they are not known yet.
    async fn key_set(&mut self) -> Result<Document, FetchError> {
        let (url, origin) = match (&self.keys, &self.learned, &self.metadata) {
            (Some(url), _, _) if self.configured => (url.clone(), Origin::Operator),
            (_, Some((url, origin)), _) => (url.clone(), *origin),
            (_, None, Some(metadata)) => self.learn(metadata.clone()).await?,
            (Some(url), None, None) => (url.clone(), Origin::Operator),
            (None, None, None) => return Err(FetchError::invalid("no place to fetch keys from")),
        };
        let fetched = self.get(&url, origin).await;
        if fetched.is_err() {
            self.forget();
        }
        fetched
    }

    async fn get(&self, url: &Url, origin: Origin) -> Result<Document, FetchError> {
        Ok(self.upstream.get(url, origin, &[], MAX_BYTES, self.timeout).await?)
    }

    async fn learn(&mut self, metadata: Url) -> Result<(Url, Origin), FetchError> {
        let document = match (self.get(&metadata, Origin::Operator).await, &self.keys) {
            (Ok(document), _) => document,
            // Without metadata the keys may still be where they always were.
            (Err(_), Some(keys)) => return Ok((keys.clone(), Origin::Operator)),
            (Err(error), None) => return Err(error),
        };
        let found = IssuerMetadata::parse(&document.body, &self.iss, &metadata)?.key_set()?;
        self.learned = Some((found.url.clone(), found.origin));
        Ok((found.url, found.origin))
    }
}

impl Documents for KeySource {
    fn fetch(&mut self) -> BoxFuture<'_, Result<Document, FetchError>> {
        Box::pin(self.key_set())
    }

    fn fetch_copy(&mut self) -> Option<BoxFuture<'_, Result<Document, FetchError>>> {
        let copy = self.copy.clone()?;
        Some(Box::pin(async move { self.get(&copy, Origin::Operator).await }))
    }

    fn forget(&mut self) {
        self.learned = None;
    }
}
