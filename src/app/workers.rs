//! The threads that answer: each with a runtime of its own, so that a check never moves
//! between cores. Connections are dealt to them in turn.

use std::{io, sync::Arc, thread, time::Duration};

use tokio::{
    runtime::Builder,
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    connection::{self, GrpcLimits},
    handoff::{Accepted, Handoff},
    phase::Phase,
    tasks::spawn,
    tls::ListenerTls,
};
use crate::{config::GrpcListener, grpc::Doors, metrics::Metrics};

/// The threads that answer checks.
#[derive(Debug)]
pub(super) struct Workers {
    senders: Vec<mpsc::UnboundedSender<Accepted>>,
    ended: mpsc::Receiver<()>,
}

impl Workers {
    /// Starts them.
    ///
    /// # Errors
    ///
    /// Fails where the system starts no more threads.
    pub(super) fn start(
        settings: &GrpcListener,
        tls: Option<Arc<ListenerTls>>,
        doors: &Doors,
        metrics: &Arc<Metrics>,
        phase: &watch::Receiver<Phase>,
    ) -> io::Result<Self> {
        let count = match settings.workers {
            0 => thread::available_parallelism().map_or(1, usize::from),
            count => count,
        };
        let limits = Arc::new(GrpcLimits::new(settings, tls));
        let (end, ended) = mpsc::channel(1);
        let mut senders = Vec::with_capacity(count);
        for index in 0..count {
            let (sender, receiver) = mpsc::unbounded_channel();
            senders.push(sender);
            let worker = Worker {
                connections: receiver,
                limits: limits.clone(),
                doors: doors.clone(),
                metrics: metrics.clone(),
                phase: phase.clone(),
                _end: end.clone(),
            };
            let runtime = Builder::new_current_thread().enable_all().build()?;
            #[expect(clippy::disallowed_methods, reason = "the drain waits for the workers")]
            thread::Builder::new()
                .name(format!("check-{index}"))
                .spawn(move || runtime.block_on(worker.run()))?;
        }
        Ok(Self { senders, ended })
    }

    pub(super) fn handoff(&self) -> Handoff {
        Handoff::new(self.senders.clone())
    }

    /// Waits for every worker to finish its connections; `false`: `grace` was over first.
    pub(super) async fn finish(mut self, grace: Duration) -> bool {
        self.senders.clear();
        tokio::time::timeout(grace, self.ended.recv()).await.is_ok()
    }
}

struct Worker {
    connections: mpsc::UnboundedReceiver<Accepted>,
    limits: Arc<GrpcLimits>,
    doors: Doors,
    metrics: Arc<Metrics>,
    phase: watch::Receiver<Phase>,
    /// Dropped with the worker: so the others know that it has ended.
    _end: mpsc::Sender<()>,
}

impl Worker {
    async fn run(mut self) {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                connection = self.connections.recv() => match connection {
                    Some(Accepted::Http1(serve)) => {
                        spawn(&mut open, serve());
                    }
                    Some(Accepted::Grpc(connection)) => {
                        let served = connection::serve(
                            connection,
                            self.limits.clone(),
                            self.doors.clone(),
                            self.metrics.clone(),
                            self.phase.clone(),
                        );
                        spawn(&mut open, served);
                    }
                    None => break,
                },
                Some(_) = open.join_next() => {}
            }
        }
        while open.join_next().await.is_some() {}
    }
}
