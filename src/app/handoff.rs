//! A connection on its way from the listener, which accepts it, to the worker that serves it.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::places::Place;
use crate::model::Origin;

/// An accepted connection.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

/// A connection, and its place under the cap.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) stream: Stream,
    pub(super) origin: Origin,
    pub(super) place: Place,
}

/// Deals connections to the workers. Their number is bounded by the cap on connections.
#[derive(Debug)]
pub(super) struct Handoff {
    senders: Vec<mpsc::UnboundedSender<Accepted>>,
    next: AtomicUsize,
}

impl Handoff {
    pub(super) const fn new(senders: Vec<mpsc::UnboundedSender<Accepted>>) -> Self {
        Self { senders, next: AtomicUsize::new(0) }
    }

    pub(super) fn give(&self, connection: Accepted) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.senders.len().max(1);
        if let Some(worker) = self.senders.get(turn) {
            // A worker that is gone drops the connection, which closes it.
            let _ = worker.send(connection);
        }
    }
}
