//! One run of some work for all callers that wait for it.
//!
//! In: callers, each of which needs a run that begins after it has come. Out: the result of such a run.
//! While a run is under way, callers gather, and the next run is for all of them: two runs for any
//! number of callers at one time.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// Runs of one kind of work, one at a time.
#[derive(Debug)]
pub(super) struct CommonRun<T> {
    begun: AtomicU64,
    /// The last run that ended: its number from 1, and its result.
    last: Mutex<Option<(u64, T)>>,
}

impl<T: Clone> CommonRun<T> {
    pub(super) fn new() -> Self {
        Self { begun: AtomicU64::new(0), last: Mutex::new(None) }
    }

    /// The result of a run that has begun after this call, by this caller or another one. A failure is
    /// the failure of all that waited for it: they do not try one after the other.
    pub(super) async fn run(&self, work: impl Future<Output = T>) -> T {
        let before = self.begun.load(Ordering::Acquire);
        let mut last = self.last.lock().await;
        if let Some((number, result)) = &*last
            && *number > before
        {
            return result.clone();
        }
        // Only the owner of the lock counts.
        let number = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let result = work.await;
        *last = Some((number, result.clone()));
        result
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use futures_util::future::{join, join_all};
    use tokio::time::{sleep, timeout};

    use super::CommonRun;

    #[tokio::test(start_paused = true)]
    async fn callers_share_a_run_that_began_after_they_came() {
        let (common, runs) = (CommonRun::new(), AtomicUsize::new(0));
        let work = || async {
            let number = runs.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(10)).await;
            number
        };
        let early = common.run(work());
        let late = async {
            // The first run has begun without them.
            sleep(Duration::from_millis(5)).await;
            join_all((0..50).map(|_| common.run(work()))).await
        };
        let (first, others) = join(early, late).await;
        assert_eq!((first, others), (0, vec![1; 50]), "two runs for all");
        assert_eq!(common.run(work()).await, 2, "a later caller gets no old result");
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_whose_caller_leaves_is_made_by_the_next_one() {
        let (common, runs) = (CommonRun::new(), AtomicUsize::new(0));
        let work = |time| {
            let runs = &runs;
            async move {
                runs.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(time)).await;
                time
            }
        };
        let leaves = timeout(Duration::from_millis(5), common.run(work(1000)));
        let waits = async {
            sleep(Duration::from_millis(1)).await;
            join(common.run(work(10)), common.run(work(20))).await
        };
        let (left, waited) = join(leaves, waits).await;
        assert!(left.is_err());
        assert_eq!(waited, (10, 10), "the first that waits runs, the second shares");
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }
}
