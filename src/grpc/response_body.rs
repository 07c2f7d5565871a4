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

/// The longest piece of a check's response. The HTTP/2 library copies what is below 1 KiB into a buffer
/// with the other responses of a turn; for each longer piece it makes a system call.
const PIECE: usize = 1_000;
/// A response above this is worth a system call of its own.
const IN_PIECES: usize = 8 * PIECE;

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
    /// The rest of a response that goes out in pieces. It counts as unsent itself.
    rest: Option<CountedBytes>,
    trailers: Option<HeaderMap>,
    slot: Arc<CallSlot>,
}

impl CountedBody {
    pub(super) const fn new(body: Body, slot: Arc<CallSlot>) -> Self {
        Self { body: Some(body), rest: None, trailers: None, slot }
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

impl CountedBody {
    fn counted(&self, bytes: Bytes) -> CountedBytes {
        let held = (UnsentResponse::new(self.slot.connection()), self.slot.clone());
        CountedBytes { bytes, _held: held }
    }

    /// The next piece of this; the rest stays here.
    fn next_piece(&mut self, mut rest: CountedBytes) -> CountedBytes {
        let is_split = self.body.is_none()
            && self.slot.kind() == CallKind::Check
            && (PIECE + 1..=IN_PIECES).contains(&rest.remaining());
        if !is_split {
            return rest;
        }
        let piece = self.counted(rest.bytes.split_to(PIECE));
        self.rest = Some(rest);
        piece
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
        if let Some(rest) = this.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(this.next_piece(rest)))));
        }
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
                let whole = this.counted(bytes);
                Ok(Frame::data(this.next_piece(whole)))
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
            None => self.rest.is_none() && self.trailers.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.as_ref().map_or(0, |rest| rest.remaining() as u64);
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(rest), HttpBody::size_hint)
    }
}
