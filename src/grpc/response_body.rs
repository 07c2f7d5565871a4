//! The body of a response, counted until the peer has taken it.
//!
//! In: tonic's body. Out: the same, each piece with what it holds of the budget. The HTTP/2 library
//! drops a piece once it is written to the connection, so a piece that waits for the peer's window
//! or for its socket is counted as unsent.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::{Status, body::Body};

use super::{
    budget::{CallSlot, UnsentResponse},
    call_label::CallKind,
};

/// A piece of a response.
#[derive(Debug)]
pub struct CountedBytes {
    bytes: Bytes,
    /// Both end with the piece.
    _held: (UnsentResponse, Arc<CallSlot>),
}

impl Buf for CountedBytes {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

/// The body of a response.
#[derive(Debug)]
pub struct CountedBody {
    /// Gone once its only message and its trailers are out of it: it holds a buffer of 8 KiB.
    body: Option<Body>,
    trailers: Option<HeaderMap>,
    slot: Arc<CallSlot>,
}

impl CountedBody {
    pub(super) const fn new(body: Body, slot: Arc<CallSlot>) -> Self {
        Self { body: Some(body), trailers: None, slot }
    }

    /// A piece that waits for the peer holds its bytes and no more, where it is the only one.
    fn only_piece(&mut self, cx: &mut Context<'_>, bytes: Bytes) -> Result<Bytes, Status> {
        if self.slot.kind() == CallKind::Lasting {
            return Ok(bytes);
        }
        let Some(body) = &mut self.body else { return Ok(bytes) };
        match Pin::new(body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_trailers() {
                Ok(trailers) => self.trailers = Some(trailers),
                // No method here answers in two messages.
                Err(_data) => return Err(Status::internal("one message too many")),
            },
            Poll::Ready(Some(Err(status))) => return Err(status),
            Poll::Ready(None) => {}
            Poll::Pending => return Ok(bytes),
        }
        self.body = None;
        // A check's buffer is as small as its response.
        Ok(if self.slot.kind() == CallKind::Check { bytes } else { Bytes::copy_from_slice(&bytes) })
    }
}

impl HttpBody for CountedBody {
    type Data = CountedBytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<CountedBytes>, Status>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else {
            return Poll::Ready(this.trailers.take().map(Frame::trailers).map(Ok));
        };
        let frame = match ready!(Pin::new(body).poll_frame(cx)).transpose()? {
            None => return Poll::Ready(None),
            Some(frame) => frame,
        };
        Poll::Ready(Some(match frame.into_data() {
            Ok(bytes) => {
                let bytes = this.only_piece(cx, bytes)?;
                let held = (UnsentResponse::new(this.slot.connection()), this.slot.clone());
                Ok(Frame::data(CountedBytes { bytes, _held: held }))
            }
            Err(other) => other
                .into_trailers()
                .map(Frame::trailers)
                .map_err(|_frame| Status::internal("neither a message nor trailers")),
        }))
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Some(body) => body.is_end_stream(),
            None => self.trailers.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}
