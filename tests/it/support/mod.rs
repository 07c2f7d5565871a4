//! What the integration tests share: the service in this process or as the real binary,
//! an issuer that fails on demand, a forge of tokens, and a builder of checks.

pub(crate) mod app;
pub(crate) mod ask;
pub(crate) mod binary;
pub(crate) mod certs;
pub(crate) mod forge;
#[cfg(feature = "dev")]
pub(crate) mod http;
pub(crate) mod issuer;
pub(crate) mod page;
pub(crate) mod wire;

use std::{future::Future, time::Duration};

pub(crate) use app::{TestApp, config, config_with};
pub(crate) use ask::{Answer, Ask};
pub(crate) use forge::{Claims, Key};
pub(crate) use issuer::{Issuer, Reply};

/// How long anything may take before a test gives up. Never part of what is tested.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer; panics with `what` after [`PATIENCE`].
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let poll = async {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, poll)
        .await
        .unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for {what}"))
}

/// As [`eventually`], for a plain condition.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    eventually(what, async || holds().then_some(())).await;
}

/// What has to come in time comes in time.
pub(crate) async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for {what}"))
}
