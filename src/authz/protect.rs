//! Runs the judging of a check so that it always ends: in time, and even if it panics.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout_at};

use crate::model::{Denial, DenyReason};

/// The result of `judging`, or the denial at `deadline`, or the denial for a panic. Nothing is
/// judged once the deadline has passed.
pub(super) async fn protect<T>(
    judging: impl Future<Output = Result<T, Denial>>,
    deadline: Instant,
) -> Result<T, Denial> {
    if Instant::now() >= deadline {
        return Err(DenyReason::DeadlineExceeded.into());
    }
    match AssertUnwindSafe(timeout_at(deadline, judging)).catch_unwind().await {
        Ok(Ok(result)) => result,
        Ok(Err(_elapsed)) => Err(DenyReason::DeadlineExceeded.into()),
        Err(_panic) => Err(DenyReason::Internal.into()),
    }
}
