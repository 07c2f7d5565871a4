//! The credential of the fetches of an issuer's keys: a bearer token and more headers, each out of a
//! file that is read again for each fetch, because such tokens are replaced every hour.
//!
//! In: an issuer's settings, then the URL of a fetch. Out: the headers for that URL; none where its
//! origin is neither written nor allowed; an error, and no fetch, where a file cannot be used.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use url::{Origin, Url};

use crate::{
    blocking::BlockingRunner,
    config::{HeaderFile, Issuer as IssuerSettings, Secret},
};

/// The files of a credential, and where it may go.
#[derive(Debug)]
pub(super) struct KeyCredential {
    files: Arc<[HeaderFile]>,
    origins: Vec<Origin>,
    /// The drain need not wait for a read: nothing is lost with it.
    blocking: BlockingRunner,
}

impl KeyCredential {
    pub(super) fn build(settings: &IssuerSettings) -> Self {
        let written = settings.written_urls();
        let allowed = settings.allowed_origins.iter();
        Self {
            files: settings.keys.header_files().into(),
            origins: written
                .iter()
                .map(Url::origin)
                .chain(allowed.map(|origin| origin.origin()))
                .collect(),
            blocking: BlockingRunner::new(),
        }
    }

    /// The headers for a fetch of this URL.
    pub(super) async fn for_url(
        &self,
        url: &Url,
        patience: Duration,
    ) -> Result<Vec<(String, Secret)>, String> {
        // Two opaque origins are never equal, so that a URL without a host gets nothing.
        if self.files.is_empty() || !self.origins.contains(&url.origin()) {
            return Ok(Vec::new());
        }
        let files = self.files.clone();
        let read = self.blocking.run(move || files.iter().map(HeaderFile::read).collect());
        match timeout(patience, read).await {
            Ok(Ok(headers)) => headers,
            Ok(Err(_panic)) => Err("internal error: reading its credential panicked".to_owned()),
            Err(_elapsed) => Err("reading its credential takes too long".to_owned()),
        }
    }
}
