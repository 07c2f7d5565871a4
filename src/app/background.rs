//! The tasks beside the checks: app ids, metrics upkeep, announcements.

use std::{sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use futures_util::future::join_all;
use tokio::time::MissedTickBehavior;

use crate::{
    config::Issuer as Settings,
    health::Readiness,
    issuer_api::AppIds,
    log_throttle::LogThrottle,
    metrics::Metrics,
    verify::{AppSlot, Issuer, RevocationList},
};

/// A process that is not ready logs what it waits for this often.
const REMIND_EVERY: Duration = Duration::from_secs(10);
/// Revocations that have ended are removed this often.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Asks Rownd for the id of each app that is known only by its key, until it answers.
pub(super) async fn learn_app_ids(issuer: Arc<Issuer>, client: Arc<dyn AppIds>) {
    let unknown = issuer.apps().iter().filter(|app| app.id().is_none());
    // At the same time: a key that Rownd refuses must not keep the others waiting.
    join_all(unknown.map(|slot| learn_app_id(slot, client.as_ref(), issuer.settings()))).await;
}

async fn learn_app_id(slot: &AppSlot, client: &dyn AppIds, issuer: &Settings) {
    let Some(key) = slot.key() else { return };
    let (timeout, issuer) = (issuer.keys.fetch_timeout.get(), issuer.name.as_str());
    let retry = ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(60))
        .with_jitter()
        .without_max_times();
    let asked = (|| client.app_of_key(key, timeout)).retry(retry).notify(|error, delay| {
        tracing::warn!(
            issuer,
            %error,
            again_in_seconds = delay.as_secs(),
            "the app id could not be asked for"
        );
    });
    if let Ok(app) = asked.await {
        let app_variant = app.variant.as_deref();
        tracing::info!(issuer, app_id = %app.id, app_variant, "app id is known");
        slot.learn(app);
    }
}

/// Logged while calls are refused because HTTP/2 finds their headers malformed.
const MALFORMED: &str = "HTTP/2 calls were refused because their headers are malformed. To Envoy \
                         that is an error, and failure_mode_allow lets the request through. Often \
                         `:authority` is a path or the name of a cluster: write `authority` in \
                         grpc_service.envoy_grpc, see docs/envoy.md";
/// The time between two such lines, at least.
const LOG_MALFORMED_EVERY: Duration = Duration::from_secs(3600);

/// Folds the samples of metrics, and updates those that are counted elsewhere.
pub(super) async fn metrics_upkeep(metrics: Arc<Metrics>, every: Duration) {
    let (mut malformed, throttle) = (0, LogThrottle::once_per(LOG_MALFORMED_EVERY));
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        metrics.upkeep();
        metrics.log_lines_lost(super::telemetry::lines_lost());
        let now = super::telemetry::calls_malformed();
        metrics.calls_malformed(now);
        if now > malformed && throttle.admit().is_some() {
            tracing::warn!(calls = now - malformed, "{MALFORMED}");
        }
        malformed = now;
    }
}

/// Removes revocations that have outlived every token they could apply to.
pub(super) async fn sweep_revocations(revocations: Arc<dyn RevocationList>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        revocations.sweep(std::time::SystemTime::now());
    }
}

/// Logs when the process is ready, and until then what it waits for.
pub(super) async fn announce_readiness(readiness: Readiness) {
    let mut ready = readiness.watch();
    loop {
        match tokio::time::timeout(REMIND_EVERY, ready.wait_for(|ready| *ready)).await {
            Ok(_) => return tracing::info!("ready"),
            Err(_elapsed) => {
                tracing::warn!(waiting_for = ?readiness.waiting_for(), "not ready yet");
            }
        }
    }
}
