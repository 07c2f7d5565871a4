//! The task that asks Rownd for the ids of the apps that are configured by their keys.
//!
//! In: an issuer, the client of its API, and the ids that an earlier process kept on disk. Out:
//! each app's id. Rownd is asked first; the disk answers while Rownd does not.

use std::{sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{
    blocking::BlockingRunner,
    config::KeySnapshots,
    issuer_api::{ApiError, AppIds},
    log_throttle::Repeats,
    verify::{AppFault, AppIdSnapshot, AppSlot, Issuer},
};

/// The time limit for the disk: after it the task continues without it.
const DISK: Duration = Duration::from_secs(2);

/// The file with the ids that an earlier process learned.
#[derive(Debug)]
pub(super) struct Kept {
    file: Arc<AppIdSnapshot>,
    blocking: BlockingRunner,
}

impl Kept {
    /// `None` where nothing is kept on disk.
    pub(super) fn new(
        settings: Option<&KeySnapshots>,
        issuer: &Issuer,
        blocking: BlockingRunner,
    ) -> Option<Self> {
        settings
            .map(|settings| Self { file: AppIdSnapshot::new(settings, issuer).into(), blocking })
    }

    /// Gives the app the id that an earlier process was told for its key.
    async fn restore(&self, slot: &Arc<AppSlot>, issuer: &str) {
        let (file, asked) = (self.file.clone(), slot.clone());
        let read = self.blocking.run(move || asked.key().map(|key| file.find(key)));
        match timeout(DISK, read).await {
            Ok(Ok(Some(Ok(Some(app))))) => {
                tracing::warn!(issuer, app_id = %app.id, "the app id of a snapshot is in use until Rownd answers");
                slot.learn(app);
            }
            Ok(Ok(Some(Err(reason)))) => {
                tracing::error!(issuer, reason, "the snapshot of app ids is refused");
            }
            Ok(Ok(Some(Ok(None)) | None)) => {}
            Ok(Err(_)) | Err(_) => {
                tracing::error!(issuer, "the snapshot of app ids could not be read");
            }
        }
    }

    /// Keeps the ids that are known now.
    async fn keep(&self, issuer: &Arc<Issuer>) {
        let (file, of) = (self.file.clone(), issuer.clone());
        let written = self.blocking.run(move || file.keep(of.apps()));
        let problem = match timeout(DISK, written).await {
            Ok(Ok(Ok(()))) => return,
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(_)) | Err(_) => "the disk does not answer".to_owned(),
        };
        let issuer = issuer.name();
        tracing::error!(issuer, error = problem, "the snapshot of app ids could not be written");
    }
}

/// Asks Rownd for the id of each app that is known only by its key, until it answers.
pub(super) async fn learn(issuer: Arc<Issuer>, client: Arc<dyn AppIds>, kept: Option<Kept>) {
    let unknown = issuer.apps().iter().filter(|app| app.id().is_none());
    // At the same time: a key that Rownd refuses must not keep the others waiting.
    join_all(unknown.map(|slot| learn_one(slot, &issuer, client.as_ref(), kept.as_ref()))).await;
}

async fn learn_one(
    slot: &Arc<AppSlot>,
    issuer: &Arc<Issuer>,
    client: &dyn AppIds,
    kept: Option<&Kept>,
) {
    let Some(key) = slot.key() else { return };
    let (limit, name) = (issuer.settings().keys.fetch_timeout.get(), issuer.name());
    let retry = ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(60))
        .with_jitter()
        .without_max_times();
    let ask = || async {
        let answer = client.app_of_key(key, limit).await;
        // A key that Rownd refuses is used with no id of before.
        if let (Err(error), Some(kept)) = (&answer, kept)
            && !matches!(error, ApiError::KeyRefused(_))
            && slot.id().is_none()
        {
            kept.restore(slot, name).await;
        }
        answer
    };
    let repeats = Repeats::default();
    let asked = ask.retry(retry).notify(|error, delay| {
        let key_refused = matches!(error, ApiError::KeyRefused(_));
        slot.fail(AppFault { error: error.to_string(), key_refused });
        if let Some(more) = repeats.admit(if key_refused { "refused" } else { "failed" }) {
            tracing::warn!(
                issuer = name,
                %error,
                not_logged = (more > 0).then_some(more),
                again_in_seconds = delay.as_secs(),
                "the app id could not be asked for"
            );
        }
    });
    let Ok(app) = asked.await else { return };
    let app_variant = app.variant.as_deref();
    match slot.id() {
        Some(used) if used != app.id || slot.variant() != app_variant => tracing::error!(
            issuer = name,
            app_id = %app.id,
            app_variant,
            used,
            "Rownd names another app for the app key than the snapshot; restart to use it"
        ),
        _ => tracing::info!(issuer = name, app_id = %app.id, app_variant, "app id is known"),
    }
    slot.learn(app);
    if let Some(kept) = kept {
        kept.keep(issuer).await;
    }
}
