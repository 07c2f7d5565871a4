//! The files that a running process follows: the configuration with its secrets, the certificate of
//! the gRPC listener, and the authorities that sign for issuers. They are read on threads for work that blocks.
//!
//! In: a source of the configuration, and the files of the certificate. Out: what has changed, and
//! the configuration when it is read again.

use std::{
    collections::BTreeSet,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
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
    authorities: Option<Files>,
    blocking: BlockingRunner,
}

/// The files that are others than when they were last looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Changes {
    pub(super) config: bool,
    pub(super) certificate: bool,
    pub(super) authorities: bool,
}

impl Changes {
    const fn any(self) -> bool {
        self.config || self.certificate || self.authorities
    }

    const fn and(self, more: Self) -> Self {
        Self {
            config: self.config || more.config,
            certificate: self.certificate || more.certificate,
            authorities: self.authorities || more.authorities,
        }
    }
}

impl FollowedFiles {
    /// No file is followed yet.
    pub(super) const fn new(blocking: BlockingRunner) -> Self {
        Self { source: None, certificate: None, authorities: None, blocking }
    }

    /// From now on these files are followed.
    pub(super) fn follow(&mut self, source: ConfigSource, certificate: Option<Files>) {
        self.source = Some(source);
        self.certificate = certificate;
    }

    /// From now on these files of authorities are followed, and no others.
    pub(super) fn follow_authorities(&mut self, paths: BTreeSet<PathBuf>) {
        let paths = paths.into_iter().collect();
        if self.source.is_some()
            && self.authorities.as_ref().is_none_or(|known| *known.paths() != paths)
        {
            self.authorities = Some(Files::new(paths));
        }
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
        let certificate = look_at(&mut self.certificate, &self.blocking).await;
        let authorities = look_at(&mut self.authorities, &self.blocking).await;
        Changes { config, certificate, authorities }
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

/// Whether one of the files is another than when they were last looked at.
async fn look_at(followed: &mut Option<Files>, blocking: &BlockingRunner) -> bool {
    let Some(mut files) = followed.take() else { return false };
    let looked = blocking.run(move || (files.changed(), files)).await;
    looked.is_ok_and(|(changed, files)| {
        *followed = Some(files);
        changed
    })
}
