//! A connection on its way from the listener that accepts it to the worker that serves it.

use std::{
    fmt, io,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::future::BoxFuture;
use tokio::{
    net::{TcpStream, UnixStream},
    sync::mpsc,
};

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

    /// The stream as one of the runtime that calls this.
    pub(super) fn attach(self) -> io::Result<Stream> {
        Ok(match self {
            Self::Tcp(stream) => Stream::Tcp(TcpStream::from_std(stream)?),
            Self::Unix(stream) => Stream::Unix(UnixStream::from_std(stream)?),
        })
    }
}

/// Serves one connection over HTTP/1, in the runtime of a worker.
pub(super) type Http1Connection = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// A connection that was accepted.
pub(super) enum Accepted {
    /// By the gRPC listener.
    Grpc(AcceptedConnection),
    /// By the listener `http`.
    Http1(Http1Connection),
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grpc(connection) => f.debug_tuple("Grpc").field(connection).finish(),
            Self::Http1(_) => f.debug_tuple("Http1").finish_non_exhaustive(),
        }
    }
}

/// An accepted connection of gRPC, and its slot under the limit.
#[derive(Debug)]
pub(super) struct AcceptedConnection {
    pub(super) stream: DetachedStream,
    pub(super) origin: Origin,
    pub(super) slot: ConnectionSlot,
}

/// Deals connections to the workers in turn. Their number is bounded by the limits of connections.
#[derive(Debug)]
pub(super) struct Handoff {
    senders: Vec<mpsc::UnboundedSender<Accepted>>,
    next: AtomicUsize,
}

impl Handoff {
    pub(super) const fn new(senders: Vec<mpsc::UnboundedSender<Accepted>>) -> Self {
        Self { senders, next: AtomicUsize::new(0) }
    }

    pub(super) fn send(&self, connection: Accepted) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.senders.len().max(1);
        if let Some(worker) = self.senders.get(turn) {
            // A worker that has ended drops the connection, which closes it.
            let _ = worker.send(connection);
        }
    }
}
