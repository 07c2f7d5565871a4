//! The end of a process that serves.
//!
//! In: everything that runs, and how long its end may take. Out: the end of all of it, in the order
//! that loses nothing: the calls, the work that calls have left behind, the pages of operators, the
//! tasks, the files.

use std::{future::pending, hash::Hash, pin::pin, sync::Arc, time::Duration};

use tokio::{
    sync::{oneshot, watch},
    task::{JoinError, JoinSet},
    time::{Instant, sleep, timeout_at},
};

use super::{
    BuildError, events::EventTasks, http1_sockets::Http1Tasks, phase::Phase, tasks::spawn,
    workers::Workers,
};
use crate::{
    blocking::BlockingRunner, config::Shutdown, health::Readiness, single_flight::FlightRunner,
    verify::RevocationReplica,
};

/// At the end of a drain, the HTTP/1 listeners and the files that are being written have at least
/// this long, even where the calls in flight have used up the grace.
const LAST_STEPS: Duration = Duration::from_millis(400);

/// Everything that runs, in the order in which a drain ends it.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) readiness: Readiness,
    pub(super) phase: watch::Sender<Phase>,
    /// Accepts gRPC connections.
    pub(super) accepting: JoinSet<()>,
    /// Answer the calls on them.
    pub(super) workers: Workers,
    pub(super) refreshes: LastingTask,
    pub(super) writes: LastingTask,
    pub(super) events: EventTasks,
    /// The revocations that other replicas have to know.
    pub(super) replica: Option<Arc<RevocationReplica>>,
    /// The listeners over HTTP/1.
    pub(super) http1: Http1Tasks,
    /// All other tasks. None of them holds an answer that is found nowhere else.
    pub(super) tasks: JoinSet<()>,
    pub(super) blocking: BlockingRunner,
}

/// Warns that refreshes were cut off.
pub(super) fn refreshes_lost(refreshes: usize) {
    tracing::warn!(
        refreshes,
        "refreshes of tokens were cut off, because the grace of the drain is over: if the issuer \
         has used up the old tokens, their users must sign in again"
    );
}

/// Warns that changes were cut off.
pub(super) fn changes_lost(changes: usize) {
    tracing::warn!(
        changes,
        "changes at issuers were cut off, because the grace of the drain is over: it is not known \
         whether they took effect"
    );
}

/// A task whose work outlasts its callers, because it is done once: it refreshes tokens, or makes
/// changes at issuers.
#[derive(Debug)]
pub(super) struct LastingTask {
    task: JoinSet<usize>,
    close: oneshot::Sender<Instant>,
    /// Warns of the pieces of work that were cut off, of which there are so many.
    lost: fn(usize),
}

impl Serving {
    /// Waits for the end, or for a task that failed: without it the process would work only in part,
    /// so it drains and ends, to be started again.
    ///
    /// # Errors
    ///
    /// Fails where a task failed.
    pub(super) async fn supervise(
        &mut self,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), BuildError> {
        let mut shutdown = pin!(shutdown);
        loop {
            let ended = tokio::select! {
                () = shutdown.as_mut() => return Ok(()),
                Some(ended) = self.tasks.join_next() => ended,
                Some(ended) = self.http1.serving.join_next() => ended,
                Some(ended) = self.http1.calls.join_next() => ended,
                Some(ended) = self.refreshes.task.join_next() => ended.map(drop),
                Some(ended) = self.writes.task.join_next() => ended.map(drop),
                Some(ended) = self.events.tasks.join_next() => ended,
            };
            if let Err(error) = ended {
                log_failed(&error);
                return Err(BuildError::Part("a background task failed".to_owned()));
            }
        }
    }

    /// Ends everything, within these times.
    pub(super) async fn drain(mut self, times: &Shutdown) {
        tracing::info!(drain_delay = %times.drain_delay, grace = %times.grace, "draining");
        self.readiness.drain();
        sleep(times.drain_delay.get()).await;
        self.accepting.shutdown().await;
        self.phase.send_replace(Phase::Closing);
        self.events.close_streams();
        let end = Instant::now() + times.grace.get();
        let http_calls = async { while self.http1.calls.join_next().await.is_some() {} };
        let (all_finished, http_finished) =
            tokio::join!(self.workers.finish(times.grace.get()), timeout_at(end, http_calls));
        let all_finished = all_finished && http_finished.is_ok();
        // Calls that are answered until now may still begin a refresh or a change.
        let (refreshes_finished, changes_finished) =
            tokio::join!(self.refreshes.finish(end), self.writes.finish(end));
        let revocations_shared = share_revocations(self.replica.as_deref(), end).await;
        self.phase.send_replace(Phase::Ending);
        let last = Instant::now() + LAST_STEPS;
        let http1_ended = async { while self.http1.serving.join_next().await.is_some() {} };
        let _ = timeout_at(last, http1_ended).await;
        // No task may begin with another file.
        self.tasks.shutdown().await;
        let events_told = self.events.finish(end.max(last)).await;
        let files_written = timeout_at(end.max(last), self.blocking.finished()).await.is_ok();
        tracing::info!(
            all_finished,
            refreshes_finished,
            changes_finished,
            revocations_shared,
            events_told,
            files_written,
            "stopped"
        );
    }
}

/// Sends the revocations that the shared state does not have yet, until this time; whether it has all.
async fn share_revocations(replica: Option<&RevocationReplica>, end: Instant) -> bool {
    let Some(replica) = replica else { return true };
    let revocations = replica.send_rest(end).await;
    if revocations > 0 {
        tracing::error!(
            revocations,
            "revocations are lost with this process: the shared state did not take them before the \
             end of the drain, and no caller was told that other replicas have them; repeat them"
        );
    }
    revocations == 0
}

impl LastingTask {
    pub(super) fn start<K, V>(runner: FlightRunner<K, V>, lost: fn(usize)) -> Self
    where
        K: Clone + Eq + Hash + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let (close, closing) = oneshot::channel();
        let closing = async {
            match closing.await {
                Ok(end) => end,
                // The process is not drained, and ends with this task.
                Err(_dropped) => pending().await,
            }
        };
        let mut task = JoinSet::new();
        spawn(&mut task, runner.run(closing));
        Self { task, close, lost }
    }

    /// Begins no work any more, and waits for what is under way; `false`: `end` came first.
    async fn finish(mut self, end: Instant) -> bool {
        // Fails only where the task has failed, and then it has no work.
        let _ = self.close.send(end);
        match self.task.join_next().await {
            None | Some(Ok(0)) => true,
            Some(Ok(count)) => {
                (self.lost)(count);
                false
            }
            Some(Err(error)) => {
                log_failed(&error);
                false
            }
        }
    }
}

fn log_failed(error: &JoinError) {
    tracing::error!(%error, "a background task failed");
}
