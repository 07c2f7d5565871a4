//! The first 24 bytes of HTTP/2 (RFC 9113 section 3.4), read before anything is built for a
//! connection: a peer that sends nothing, or something else, costs a socket and no more. Then the
//! stream of the connection, which is read only as far as the budget of the connection allows.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use crate::grpc::ConnectionBudget;

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Reads the preface; the stream that comes back starts with it again.
///
/// # Errors
///
/// Fails where the peer sends anything else, or where its stream ends or breaks before.
pub(super) async fn read_preface<S: AsyncRead + Unpin>(
    mut stream: S,
) -> io::Result<PrefacedStream<S>> {
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
    Ok(PrefacedStream { replay: PREFACE, stream, budget: None, blocked: false, waiting: false })
}

/// A stream whose preface was read already, and is read again by the protocol.
#[derive(Debug)]
pub(super) struct PrefacedStream<S> {
    replay: &'static [u8],
    stream: S,
    budget: Option<Arc<ConnectionBudget>>,
    /// The last write did not go through: the peer has no room for it.
    blocked: bool,
    /// A read was refused meanwhile, so the reader has to be woken.
    waiting: bool,
}

impl<S> PrefacedStream<S> {
    /// From now on the budget says how much is read.
    pub(super) fn with_budget(mut self, budget: Arc<ConnectionBudget>) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Whether reading has to wait. Responses pile up where a peer asks and does not read.
    fn must_wait(&mut self, cx: &Context<'_>) -> bool {
        if self.blocked {
            // The writer wakes the reader.
            self.waiting = true;
            return true;
        }
        let Some(budget) = &self.budget else { return false };
        if !budget.reading_is_paused() {
            self.waiting = false;
            if !budget.read_turn_is_over() {
                return false;
            }
            // Behind the connections that wait for their turn.
            cx.waker().wake_by_ref();
            return true;
        }
        // The next try follows at once, for responses that go out at once; then one each second.
        if !self.waiting {
            self.waiting = true;
            cx.waker().wake_by_ref();
        }
        true
    }

    /// Notes how a write went.
    fn note_write<T>(&mut self, cx: &Context<'_>, outcome: Poll<T>) -> Poll<T> {
        self.blocked = outcome.is_pending();
        if !self.blocked && self.waiting {
            self.waiting = false;
            cx.waker().wake_by_ref();
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PrefacedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.must_wait(cx) {
            return Poll::Pending;
        }
        if self.replay.is_empty() {
            let Self { stream, budget, .. } = &mut *self;
            let before = buf.filled().len();
            let outcome = match budget.as_ref().and_then(|budget| budget.max_read()) {
                None => Pin::new(stream).poll_read(cx, buf),
                Some(most) => {
                    let mut part =
                        ReadBuf::new(buf.initialize_unfilled_to(most.min(buf.remaining())));
                    let outcome = Pin::new(stream).poll_read(cx, &mut part);
                    let read = part.filled().len();
                    buf.advance(read);
                    outcome
                }
            };
            if let Some(budget) = budget {
                budget.count_read(buf.filled().len().saturating_sub(before));
            }
            return outcome;
        }
        let (now, later) = self.replay.split_at(self.replay.len().min(buf.remaining()));
        buf.put_slice(now);
        self.replay = later;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PrefacedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note_write(cx, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// With vectored writes, h2 ends a batch at every answer above 256 bytes: a system call for
    /// each check. Without, it copies pieces below 1 KiB, which those of nearly all answers are, and
    /// sends many at once.
    fn is_write_vectored(&self) -> bool {
        false
    }
}
