//! Whether the body of a request was read to its end. A connection whose request was answered before
//! that cannot carry another one, and its client has to be told (RFC 9112 section 9.6): one that sends
//! its next request meanwhile would lose it.
//!
//! In: a body. Out: the same bytes, and at any time whether they have all come.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use http_body::{Body, Frame, SizeHint};

/// A body that notes its end.
#[derive(Debug)]
pub(super) struct NotingBody<B> {
    body: B,
    end: BodyEnd,
}

/// The end of a body.
#[derive(Debug, Clone)]
pub(super) struct BodyEnd(Arc<AtomicBool>);

impl BodyEnd {
    /// Everything was read.
    pub(super) fn is_reached(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn reach(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<B: Body> NotingBody<B> {
    /// The body, and its end.
    pub(super) fn new(body: B) -> (Self, BodyEnd) {
        let end = BodyEnd(Arc::new(AtomicBool::new(body.is_end_stream())));
        (Self { body, end: end.clone() }, end)
    }
}

impl<B: Body + Unpin> Body for NotingBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.end.reach();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Empty, Full};

    use super::NotingBody;

    #[tokio::test]
    async fn the_end_is_noted_when_it_is_read() {
        let (_, end) = NotingBody::new(Empty::<Bytes>::new());
        assert!(end.is_reached(), "there is nothing to read");
        let (body, end) = NotingBody::new(Full::new(Bytes::from_static(b"x")));
        assert!(!end.is_reached());
        assert_eq!(body.collect().await.unwrap().to_bytes(), "x");
        assert!(end.is_reached());
    }
}
