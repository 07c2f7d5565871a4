//! Starting background tasks. Nothing else in the program does, so a drain can wait for all of
//! them.

use tokio::task::{AbortHandle, JoinSet};

/// Starts a task of this set.
#[expect(clippy::disallowed_methods, reason = "the one place that starts tasks")]
pub(super) fn spawn<T: Send + 'static>(
    tasks: &mut JoinSet<T>,
    task: impl Future<Output = T> + Send + 'static,
) -> AbortHandle {
    tasks.spawn(task)
}
