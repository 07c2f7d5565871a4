//! A connection on its way from the gRPC listener, which accepts it, to the worker that serves it.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::sync::mpsc;

use super::{connection_limit::ConnectionSlot, socket::Stream};
use crate::model::Origin;

/// A byte stream that belongs to no runtime: each worker has its own.
#[derive(Debug)]
pub(super) enum DetachedStream {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl DetachedStream {
    pub(super) fn new(stream: Stream) -> io::Result<Self> {
        Ok(match stream {
            Stream::Tcp(stream) => {
                stream.set_nodelay(true)?;
                Self::Tcp(stream.into_std()?)
            }
            Stream::Unix(stream) => Self::Unix(stream.into_std()?),
        })
    }
}

/// An accepted connection, and its slot under the limit.
#[derive(Debug)]
pub(super) struct AcceptedConnection {
    pub(super) stream: DetachedStream,
    pub(super) origin: Origin,
    pub(super) slot: ConnectionSlot,
}

/// Deals connections to the workers in turn. Their number is bounded by the limit of connections.
#[derive(Debug)]
pub(super) struct Handoff {
    senders: Vec<mpsc::UnboundedSender<AcceptedConnection>>,
    next: AtomicUsize,
}

impl Handoff {
    pub(super) const fn new(senders: Vec<mpsc::UnboundedSender<AcceptedConnection>>) -> Self {
        Self { senders, next: AtomicUsize::new(0) }
    }

    pub(super) fn send(&self, connection: AcceptedConnection) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.senders.len().max(1);
        if let Some(worker) = self.senders.get(turn) {
            // A worker that has ended drops the connection, which closes it.
            let _ = worker.send(connection);
        }
    }
}
