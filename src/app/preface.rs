//! The first 24 bytes of HTTP/2 (RFC 9113 section 3.4), read before anything is built for a
//! connection: a peer that sends nothing, or something else, costs a socket and no more. Then the
//! stream of the connection, which is not read while the peer does not read.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use crate::grpc::Link;

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads the preface; the stream that comes back starts with it again.
pub(super) async fn read<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<AfterPreface<S>> {
    let mut seen = [0; PREFACE.len()];
    let mut length = 0;
    while length < PREFACE.len() {
        let rest = seen.get_mut(length..).unwrap_or_default();
        let read = stream.read(rest).await?;
        length += read;
        if read == 0 || seen.get(..length) != PREFACE.get(..length) {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
    }
    Ok(AfterPreface { replay: PREFACE, stream, link: None, blocked: false, waiting: false })
}

/// A stream whose preface was read already, and is read once more by the protocol.
#[derive(Debug)]
pub(super) struct AfterPreface<S> {
    replay: &'static [u8],
    stream: S,
    link: Option<Arc<Link>>,
    /// The peer has no room for what was written last.
    blocked: bool,
    /// A reader was turned away meanwhile, and has to be called again.
    waiting: bool,
}

impl<S> AfterPreface<S> {
    /// Nothing is read while this says so.
    pub(super) fn heeding(mut self, link: Arc<Link>) -> Self {
        self.link = Some(link);
        self
    }

    /// Whether reading has to wait. Answers pile up where a peer asks and does not read.
    fn must_wait(&mut self, cx: &Context<'_>) -> bool {
        if self.blocked {
            // Called again by the writer.
            self.waiting = true;
            return true;
        }
        let Some(link) = &self.link else { return false };
        if !link.is_paused() {
            self.waiting = false;
            if !link.is_turn_over() {
                return false;
            }
            // At the end of the line.
            cx.waker().wake_by_ref();
            return true;
        }
        // Answers that go out at once are no reason; after that the next second calls again.
        if !self.waiting {
            self.waiting = true;
            cx.waker().wake_by_ref();
        }
        true
    }

    /// Takes down how a write went.
    fn wrote<T>(&mut self, cx: &Context<'_>, outcome: Poll<T>) -> Poll<T> {
        self.blocked = outcome.is_pending();
        if !self.blocked && self.waiting {
            self.waiting = false;
            cx.waker().wake_by_ref();
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for AfterPreface<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.must_wait(cx) {
            return Poll::Pending;
        }
        if self.replay.is_empty() {
            let Self { stream, link, .. } = &mut *self;
            let before = buf.filled().len();
            let outcome = match link.as_ref().and_then(|link| link.piece()) {
                None => Pin::new(stream).poll_read(cx, buf),
                Some(piece) => {
                    let mut part =
                        ReadBuf::new(buf.initialize_unfilled_to(piece.min(buf.remaining())));
                    let outcome = Pin::new(stream).poll_read(cx, &mut part);
                    let read = part.filled().len();
                    buf.advance(read);
                    outcome
                }
            };
            if let Some(link) = link {
                link.has_read(buf.filled().len().saturating_sub(before));
            }
            return outcome;
        }
        let (now, later) = self.replay.split_at(self.replay.len().min(buf.remaining()));
        buf.put_slice(now);
        self.replay = later;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for AfterPreface<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(cx, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// With vectored writes, h2 ends a batch at every answer above 256 bytes: a system call for
    /// each check. Without, it copies answers below 1 KiB, which nearly all are, and sends many
    /// at once.
    fn is_write_vectored(&self) -> bool {
        false
    }
}
