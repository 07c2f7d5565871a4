//! The Rownd API client. In this slice: which app does an app key belong to?

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::{
    config::Secret,
    upstream::{Client as Upstream, Error as UpstreamError, Origin},
};

/// The most bytes of an answer.
const MAX_BYTES: usize = 1 << 20;
const APP_CONFIG: &str = "/hub/app-config";
/// The vendor's API description says `x-rownd-hub-key`; every library sends this one.
const APP_KEY: &str = "x-rownd-app-key";

/// Why Rownd gave no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The request failed.
    Upstream(UpstreamError),
    /// Rownd does not know the app key (401, 403 or 404).
    KeyRefused(u16),
    /// The answer has not the documented shape.
    Shape,
}

impl From<UpstreamError> for Error {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Status(status @ (401 | 403 | 404)) => Self::KeyRefused(status),
            other => Self::Upstream(other),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Upstream(error) => error.fmt(f),
            Self::KeyRefused(status) => write!(f, "Rownd refuses the app key (HTTP {status})"),
            Self::Shape => f.write_str("the answer names no app id"),
        }
    }
}

impl std::error::Error for Error {}

/// Calls the API of one issuer.
#[derive(Debug, Clone)]
pub struct Client {
    upstream: Upstream,
    base_url: String,
    timeout: Duration,
}

impl Client {
    /// For the API at this base URL.
    #[must_use]
    pub const fn new(upstream: Upstream, base_url: String, timeout: Duration) -> Self {
        Self { upstream, base_url, timeout }
    }

    /// The id of the app that a key belongs to; of the base app, where the key is a variant's.
    pub async fn app_id(&self, key: &Secret) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct AppConfig {
            app: App,
        }
        #[derive(Deserialize)]
        struct App {
            id: String,
        }
        let url =
            Url::parse(&format!("{}{APP_CONFIG}", self.base_url)).map_err(|_| Error::Shape)?;
        let headers = [(APP_KEY, key.expose())];
        let document =
            self.upstream.get(&url, Origin::Operator, &headers, MAX_BYTES, self.timeout).await?;
        let config: AppConfig = serde_json::from_slice(&document.body).map_err(|_| Error::Shape)?;
        if config.app.id.is_empty() { Err(Error::Shape) } else { Ok(config.app.id) }
    }
}
