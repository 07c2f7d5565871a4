//! Waiting with one time limit: a poller for values and conditions, and a bound for futures.

use std::{future::Future, time::Duration};

/// The longest time that a step may take before its test fails. No test measures it.
pub const TIME_LIMIT: Duration = Duration::from_secs(30);

/// The time between two polls.
const PAUSE: Duration = Duration::from_millis(5);

/// Polls until there is an answer; panics with `what` after [`TIME_LIMIT`].
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let poll = async {
        let mut tick = tokio::time::interval(PAUSE);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    in_time(what, poll).await
}

/// Polls until a condition holds; panics with `what` after [`TIME_LIMIT`].
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    eventually(what, async || holds().then_some(())).await;
}

/// Waits for a future; panics with `what` after [`TIME_LIMIT`].
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIME_LIMIT, future)
        .await
        .unwrap_or_else(|_| panic!("waited {TIME_LIMIT:?} for {what}"))
}
