//! The body of an answer on its way out, counted until the peer has taken it.
//!
//! In: tonic's body. Out: the same, each piece with what is held for it. The library drops a
//! piece once it is written to the connection, so a piece that waits for the peer's window or
//! for its socket is known as unread.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::{Status, body::Body};

use super::link::{Place, Unread};

/// A piece of an answer.
#[derive(Debug)]
pub struct Piece {
    bytes: Bytes,
    /// Both end with the piece.
    _held: (Unread, Arc<Place>),
}

impl Buf for Piece {
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

/// An answer.
#[derive(Debug)]
pub struct Answer {
    body: Body,
    place: Arc<Place>,
}

impl Answer {
    pub(super) const fn new(body: Body, place: Arc<Place>) -> Self {
        Self { body, place }
    }
}

impl HttpBody for Answer {
    type Data = Piece;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, Status>>> {
        let this = &mut *self;
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx)).transpose()?;
        Poll::Ready(frame.map(|frame| {
            Ok(frame.map_data(|bytes| {
                let held = (this.place.link().written(), this.place.clone());
                Piece { bytes, _held: held }
            }))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
