//! The files that a running process follows: the configuration with its secrets, and the
//! certificate of the gRPC listener. They are read on threads for work that blocks.
//!
//! In: a source of the configuration, and the files of the certificate. Out: what has changed, and
//! the configuration when it is read again.

use std::{
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::{
    blocking::BlockingRunner,
    config::{Config, ConfigSource, Files, Problems},
};

/// A file that changed is read when it has not changed again for the first of these, and after the
/// second in any case.
const SETTLE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// The files, once they are followed.
#[derive(Debug)]
pub(super) struct FollowedFiles {
    source: Option<ConfigSource>,
    certificate: Option<Files>,
    blocking: BlockingRunner,
}

/// The files that are others than when they were last looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Changes {
    pub(super) config: bool,
    pub(super) certificate: bool,
}

impl Changes {
    const fn any(self) -> bool {
        self.config || self.certificate
    }

    const fn and(self, more: Self) -> Self {
        Self {
            config: self.config || more.config,
            certificate: self.certificate || more.certificate,
        }
    }
}

impl FollowedFiles {
    /// No file is followed yet.
    pub(super) const fn new(blocking: BlockingRunner) -> Self {
        Self { source: None, certificate: None, blocking }
    }

    /// From now on these files are followed.
    pub(super) fn follow(&mut self, source: ConfigSource, certificate: Option<Files>) {
        self.source = Some(source);
        self.certificate = certificate;
    }

    /// The changes since the last call, once the files that are being written stay the same;
    /// `None`: there are none.
    pub(super) async fn changes(&mut self) -> Option<Changes> {
        let mut seen = self.look().await;
        if !seen.any() {
            return None;
        }
        let began = Instant::now();
        loop {
            sleep(SETTLE.0).await;
            let more = self.look().await;
            seen = seen.and(more);
            if !more.any() || began.elapsed() >= SETTLE.1 {
                return Some(seen);
            }
        }
    }

    /// Reads the configuration again. `None`: there is no source, or reading it panicked.
    pub(super) async fn load(&mut self) -> Option<Result<Config, Problems>> {
        self.with_source(|source| {
            // A change while it is read is found again.
            source.changed();
            source.reload()
        })
        .await
    }

    async fn look(&mut self) -> Changes {
        let config = self.with_source(ConfigSource::changed).await.unwrap_or(false);
        let Some(mut files) = self.certificate.take() else {
            return Changes { config, certificate: false };
        };
        let looked = self.blocking.run(move || (files.changed(), files)).await;
        let certificate = looked.is_ok_and(|(changed, files)| {
            self.certificate = Some(files);
            changed
        });
        Changes { config, certificate }
    }

    /// This must not be dropped before its end: the source would be lost.
    async fn with_source<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut ConfigSource) -> T + Send + 'static,
    ) -> Option<T> {
        let mut source = self.source.take()?;
        let read = self.blocking.run(move || {
            let outcome = panic::catch_unwind(AssertUnwindSafe(|| work(&mut source)));
            (source, outcome)
        });
        let (source, outcome) = read.await.ok()?;
        self.source = Some(source);
        outcome.ok()
    }
}
