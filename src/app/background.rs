//! The tasks beside the checks: metrics upkeep, revocations, announcements.

use std::{sync::Arc, time::Duration};

use tokio::time::MissedTickBehavior;

use crate::{
    health::Readiness, log_throttle::LogThrottle, metrics::Metrics, verify::RevocationList,
};

/// A process that is not ready logs what it waits for after this time, then after twice this time,
/// and so on.
const REMIND_AFTER: Duration = Duration::from_secs(10);
/// The longest of these times.
const REMIND_AT_LAST: Duration = Duration::from_secs(600);
/// Revocations that have ended are removed this often.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

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
        metrics.log_lines_refused(super::telemetry::lines_refused());
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
    let mut pause = REMIND_AFTER;
    loop {
        match tokio::time::timeout(pause, ready.wait_for(|ready| *ready)).await {
            Ok(_) => return tracing::info!("ready"),
            Err(_elapsed) => {
                let waiting_for = readiness.waiting_for().join(", ");
                tracing::warn!(waiting_for, "not ready yet");
                pause = (pause * 2).min(REMIND_AT_LAST);
            }
        }
    }
}
