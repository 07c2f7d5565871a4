//! The place of an issuer's key set: configured, or learned from its metadata (RFC 8414).
//!
//! In: the issuer's settings. Out: the document of the key set, on each fetch.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use strum::{IntoStaticStr, VariantArray};
use url::Url;

use super::{
    jwks::{KeySetError, RefusedKey},
    key_credential::KeyCredential,
    kinds::{self, kind::KeySetPlace},
};
use crate::{
    config::{Issuer as IssuerSettings, KeyOrigin, KeyPlace, WebAddress},
    upstream::{
        BodyKind, CallSpec, Client, Connection, Document, HttpMethod, Repeat, Request,
        UpstreamError, UrlOrigin,
        discovery::{IssuerMetadata, MetadataError},
    },
};

/// The most bytes of a key set or a metadata document.
pub(super) const MAX_BYTES: usize = 1 << 20;
/// The way to ask for a document. The refresher asks again at its own pace, minutes apart: a
/// connection that was left open could be dead by then.
const DOCUMENT: CallSpec = CallSpec {
    method: HttpMethod::Get,
    body: BodyKind::None,
    repeat: Repeat::ByCaller,
    connection: Connection::New,
    max_answer_bytes: MAX_BYTES,
};

/// How a fetch of keys ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum FetchResult {
    /// A usable key set came.
    Ok,
    /// No connection, or it broke.
    Network,
    /// The proxy does not lead to the issuer.
    Proxy,
    /// The credential of the fetch cannot be read: nothing was sent.
    Credential,
    /// It took longer than allowed.
    Timeout,
    /// An HTTP status other than 200.
    Status,
    /// The document is no key set, too large, or holds no usable key.
    Invalid,
}

/// The reason why a fetch brought no new keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FetchError {
    /// The issuer did not answer, or not with a document.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The metadata cannot be used.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The credential of the fetch cannot be read: nothing was sent.
    #[error("the fetch was not sent: {0}")]
    Credential(String),
    /// The document is no key set with a usable key.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
    /// Neither the settings nor the kind of the issuer say where its keys are.
    #[error("neither the settings nor the kind of issuer say where the keys are")]
    NoPlace,
    /// A panic: a fault of this program, not of the issuer.
    #[error("internal error: the fetch panicked")]
    Panic,
}

impl FetchError {
    /// The issuer has answered with a document of keys.
    pub(super) const fn is_about_keys(&self) -> bool {
        matches!(self, Self::KeySet(_))
    }

    /// The keys of the document, where all of them are refused.
    pub(super) fn refused_keys(&self) -> Vec<RefusedKey> {
        match self {
            Self::KeySet(error) => error.refused().to_vec(),
            Self::Upstream(_)
            | Self::Metadata(_)
            | Self::Credential(_)
            | Self::NoPlace
            | Self::Panic => Vec::new(),
        }
    }

    /// The error as the metric counts it.
    pub(super) const fn result(&self) -> FetchResult {
        match self {
            Self::Upstream(
                UpstreamError::Unreached(_)
                | UpstreamError::Network(_)
                | UpstreamError::Refused(_)
                | UpstreamError::NoAuthorities(_),
            ) => FetchResult::Network,
            Self::Upstream(UpstreamError::Proxy(_)) => FetchResult::Proxy,
            Self::Credential(_) => FetchResult::Credential,
            Self::Upstream(UpstreamError::Timeout | UpstreamError::UnreachedInTime) => {
                FetchResult::Timeout
            }
            Self::Upstream(UpstreamError::Status(_) | UpstreamError::RetryLater(..)) => {
                FetchResult::Status
            }
            Self::Upstream(UpstreamError::TooLarge | UpstreamError::Packed(_))
            | Self::Metadata(_)
            | Self::KeySet(_)
            | Self::NoPlace
            | Self::Panic => FetchResult::Invalid,
        }
    }
}

/// The source of key set documents.
pub(super) trait KeyDocuments: std::fmt::Debug + Send + Sync {
    /// Fetches once.
    fn fetch(&mut self) -> BoxFuture<'_, Result<Document, FetchError>>;

    /// Fetches once from the copy elsewhere, if one is configured: the first place has failed.
    fn fetch_copy(&mut self) -> Option<BoxFuture<'_, Result<Document, FetchError>>> {
        None
    }

    /// The document cannot be used: the next fetch looks elsewhere, where there is a choice.
    fn forget(&mut self) {}
}

/// Fetches one issuer's key set.
#[derive(Debug)]
pub(super) struct KeySource {
    upstream: Client,
    timeout: Duration,
    iss: String,
    /// The address of the issuer's metadata.
    metadata: Option<Url>,
    /// The address of the keys: as configured, or where the kind has them.
    keys: Option<Url>,
    configured: bool,
    copy: Option<Url>,
    credential: KeyCredential,
    /// The address that the metadata named; they are asked again after a failure.
    learned: Option<(Url, UrlOrigin)>,
}

impl KeySource {
    /// `None` for an issuer whose keys are in place: nothing is fetched.
    pub(super) fn build(settings: &IssuerSettings, upstream: &Client) -> Option<Self> {
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
            upstream: upstream.for_issuer(settings),
            timeout: settings.keys.fetch_timeout.get(),
            iss: settings.iss.clone(),
            metadata,
            keys,
            configured,
            copy: copy.map(|copy| copy.url().clone()),
            credential: KeyCredential::build(settings),
            learned: None,
        })
    }

    /// The document, after the metadata if they are not known yet.
    async fn key_set(&mut self) -> Result<Document, FetchError> {
        let (url, origin) = match (&self.keys, &self.learned, &self.metadata) {
            (Some(url), _, _) if self.configured => (url.clone(), UrlOrigin::Operator),
            (_, Some((url, origin)), _) => (url.clone(), *origin),
            (_, None, Some(metadata)) => self.learn(metadata.clone()).await?,
            (Some(url), None, None) => (url.clone(), UrlOrigin::Operator),
            (None, None, None) => return Err(FetchError::NoPlace),
        };
        let fetched = self.get(&url, origin).await;
        if fetched.is_err() {
            self.forget();
        }
        fetched
    }

    async fn get(&self, url: &Url, origin: UrlOrigin) -> Result<Document, FetchError> {
        let credential = self.credential.for_url(url, self.timeout).await;
        let credential = credential.map_err(FetchError::Credential)?;
        let headers: Vec<(&str, &str)> =
            credential.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        let (body, timeout) = (Bytes::new(), self.timeout);
        let request = Request { spec: DOCUMENT, url, origin, headers: &headers, body, timeout };
        Ok(self.upstream.fetch(request).await?)
    }

    async fn learn(&mut self, metadata: Url) -> Result<(Url, UrlOrigin), FetchError> {
        let document = match (self.get(&metadata, UrlOrigin::Operator).await, &self.keys) {
            (Ok(document), _) => document,
            // Without metadata the keys may still be at the usual place.
            (Err(_), Some(keys)) => return Ok((keys.clone(), UrlOrigin::Operator)),
            (Err(error), None) => return Err(error),
        };
        let found = IssuerMetadata::parse(&document.body, &self.iss, &metadata)?.key_set()?;
        self.learned = Some((found.url.clone(), found.origin));
        Ok((found.url, found.origin))
    }
}

impl KeyDocuments for KeySource {
    fn fetch(&mut self) -> BoxFuture<'_, Result<Document, FetchError>> {
        Box::pin(self.key_set())
    }

    fn fetch_copy(&mut self) -> Option<BoxFuture<'_, Result<Document, FetchError>>> {
        let copy = self.copy.clone()?;
        Some(Box::pin(async move { self.get(&copy, UrlOrigin::Operator).await }))
    }

    fn forget(&mut self) {
        self.learned = None;
    }
}
