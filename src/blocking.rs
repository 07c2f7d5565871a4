//! Work that blocks (reading and writing files), beside the threads that answer checks.
//!
//! In: a closure. Out: its result, when it has ended. `app` makes one [`BlockingRunner`] for the
//! process and hands it to each room that has such work, so that the drain can wait for all of it.

use std::sync::Arc;

use tokio::{sync::watch, task::JoinHandle};

/// Runs closures on the runtime's threads for blocking work and counts those that have not ended.
/// Cheap to clone; clones share the count.
#[derive(Debug, Clone, Default)]
pub struct BlockingRunner {
    unfinished: Arc<watch::Sender<usize>>,
}

/// One closure that has not ended. Its drop is the end: by return, by panic, or because the
/// runtime was shut down before it began.
#[derive(Debug)]
struct Unfinished(Arc<watch::Sender<usize>>);

impl BlockingRunner {
    /// A runner that has nothing to do yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts the closure now. It runs to its end even if the handle is dropped. Must be called
    /// within a Tokio runtime.
    #[expect(clippy::disallowed_methods, reason = "the one place that starts blocking work")]
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let unfinished = Unfinished::new(self.unfinished.clone());
        tokio::task::spawn_blocking(move || {
            // Moved in, so that it is dropped when the closure ends.
            let _unfinished = unfinished;
            work()
        })
    }

    /// The number of closures that were started and have not ended.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        *self.unfinished.borrow()
    }

    /// Waits until no closure is unfinished. A disk may hang for ever: put a time limit around it.
    pub async fn finished(&self) {
        // The sender lives as long as this borrow of it, so waiting cannot fail.
        let _ = self.unfinished.subscribe().wait_for(|unfinished| *unfinished == 0).await;
    }
}

impl Unfinished {
    fn new(count: Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|unfinished| *unfinished += 1);
        Self(count)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.send_modify(|unfinished| *unfinished = unfinished.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use tokio::time::timeout;

    use super::BlockingRunner;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn finished_waits_for_work_whose_handle_was_dropped() {
        let runner = BlockingRunner::new();
        let (release, held) = mpsc::channel::<()>();
        drop(runner.clone().run(move || held.recv()));
        assert_eq!(runner.unfinished(), 1);
        assert!(timeout(Duration::from_millis(50), runner.finished()).await.is_err());
        release.send(()).unwrap();
        timeout(PATIENCE, runner.finished()).await.unwrap();
        assert_eq!(runner.unfinished(), 0);
    }

    #[tokio::test]
    async fn work_that_panics_has_ended() {
        let runner = BlockingRunner::new();
        let outcome = runner.run(|| panic!("on purpose")).await;
        assert!(outcome.unwrap_err().is_panic());
        timeout(PATIENCE, runner.finished()).await.unwrap();
    }
}
