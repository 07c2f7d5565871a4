//! Runs the work of a check so that it always ends: in time, and even if it panics.

use std::panic::AssertUnwindSafe;

use futures_util::{FutureExt as _, future::poll_immediate};
use tokio::time::{Instant, timeout_at};

use crate::model::{Denial, DenyReason};

/// The result of `judging`, or the denial at `deadline`, or the denial for a panic. Nothing is
/// judged once the deadline has passed.
pub(super) async fn protect<T>(
    judging: impl Future<Output = Result<T, Denial>> + Unpin,
    deadline: Instant,
) -> Result<T, Denial> {
    if Instant::now() >= deadline {
        return Err(DenyReason::DeadlineExceeded.into());
    }
    ended_by(deadline, judging).await?
}

/// The output of a part of a check. The work comes pinned, because it may be large and would be
/// copied at each step on its way in here.
///
/// # Errors
///
/// The reason to deny the check: the work has not ended at `deadline`, or it has panicked.
pub async fn ended_by<F>(deadline: Instant, mut work: F) -> Result<F::Output, DenyReason>
where
    F: Future + Unpin,
{
    let in_time = async {
        // Nearly all work ends without waiting, and then no timer is made for it.
        match poll_immediate(&mut work).await {
            Some(output) => Ok(output),
            None => timeout_at(deadline, work).await,
        }
    };
    match AssertUnwindSafe(in_time).catch_unwind().await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(_elapsed)) => Err(DenyReason::DeadlineExceeded),
        Err(_panic) => Err(DenyReason::Internal),
    }
}
