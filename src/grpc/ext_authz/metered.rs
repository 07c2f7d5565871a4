//! How much of unfinished checks is in memory, over all connections, and a bound on it.
//!
//! A peer may begin thousands of large messages and finish none. Their deadline ends them, but
//! until then their bytes are held; what goes beyond the budget is denied as an overload.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

/// Bytes that bodies may hold together. One may always be as large as a message may be.
#[derive(Debug, Default)]
pub(super) struct Budget {
    held: AtomicUsize,
}

/// The most bytes of unfinished messages.
const MAX_HELD: usize = 64 << 20;

/// A body whose bytes are counted until it is dropped.
#[derive(Debug)]
pub(super) struct Metered<B> {
    body: B,
    budget: Arc<Budget>,
    held: usize,
}

impl<B> Metered<B> {
    pub(super) const fn new(body: B, budget: Arc<Budget>) -> Self {
        Self { body, budget, held: 0 }
    }
}

impl<B> Drop for Metered<B> {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.held, Ordering::Relaxed);
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Metered<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        // A body breaks off where the peer resets the stream: it does not wait for an answer.
        // Not `cancelled`: tonic takes that for the end of the body.
        let gone = |_| Status::aborted("the caller went away");
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx)).transpose().map_err(gone)?;
        let Some(frame) = frame else { return Poll::Ready(None) };
        let length = frame.data_ref().map_or(0, Bytes::len);
        self.held += length;
        let before = self.budget.held.fetch_add(length, Ordering::Relaxed);
        if before + length > MAX_HELD {
            return Poll::Ready(Some(Err(Status::resource_exhausted("too much in memory"))));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
