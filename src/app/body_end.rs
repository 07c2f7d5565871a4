//! Whether the body of a request was read to its end. A connection whose request was answered before
//! that cannot carry another one, and its client has to be told (RFC 9112 section 9.6). Where bytes of
//! it have come and nobody reads them, the end of the connection resets it, and the client may lose
//! the answer; so a rest that is small is read and dropped first.
//!
//! In: a body. Out: the same bytes, and at any time whether they have all come; the rest of a body
//! that was given up.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::{sync::oneshot, time::timeout};

/// The most bytes of a rest that is read, and how long that may take.
const MAX_REST: usize = 128 << 10;
const REST_TIME: Duration = Duration::from_secs(1);

/// A body that notes its end, and hands on its rest where it is given up.
#[derive(Debug)]
pub(super) struct NotingBody<B> {
    /// Nothing only while it is dropped.
    body: Option<B>,
    end: Arc<AtomicBool>,
    rest: Option<oneshot::Sender<B>>,
}

/// The end of a body.
#[derive(Debug)]
pub(super) struct BodyEnd<B> {
    is_reached: Arc<AtomicBool>,
    rest: oneshot::Receiver<B>,
}

impl<B: Body + Unpin> BodyEnd<B> {
    /// Everything was read; else the rest is read now, if it is small and comes soon.
    pub(super) async fn reached_soon(mut self) -> bool {
        if self.is_reached.load(Ordering::Relaxed) {
            return true;
        }
        match self.rest.try_recv() {
            Ok(rest) => timeout(REST_TIME, read_rest(rest)).await.unwrap_or(false),
            // The handler of the request still has the body.
            Err(_) => false,
        }
    }
}

/// Reads what is left; `false`: it is too much, or was cut off.
async fn read_rest(mut body: impl Body + Unpin) -> bool {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        bytes += frame.data_ref().map_or(0, |data| data.remaining());
        if bytes > MAX_REST {
            return false;
        }
    }
    true
}

impl<B: Body> NotingBody<B> {
    /// The body, and its end.
    pub(super) fn new(body: B) -> (Self, BodyEnd<B>) {
        let end = Arc::new(AtomicBool::new(body.is_end_stream()));
        let (send, rest) = oneshot::channel();
        let noting = Self { body: Some(body), end: end.clone(), rest: Some(send) };
        (noting, BodyEnd { is_reached: end, rest })
    }
}

impl<B> Drop for NotingBody<B> {
    fn drop(&mut self) {
        if let (Some(body), Some(rest)) = (self.body.take(), self.rest.take()) {
            // The receiver is gone where the connection has ended.
            let _ = rest.send(body);
        }
    }
}

impl<B: Body + Unpin> Body for NotingBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(&mut *body).poll_frame(cx));
        if frame.is_none() || body.is_end_stream() {
            self.end.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Empty, Full};

    use super::{MAX_REST, NotingBody};

    #[tokio::test]
    async fn the_end_is_noted_when_it_is_read() {
        let (_, end) = NotingBody::new(Empty::<Bytes>::new());
        assert!(end.reached_soon().await, "there is nothing to read");
        let (body, end) = NotingBody::new(Full::new(Bytes::from_static(b"x")));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "x");
        assert!(end.reached_soon().await);
    }

    #[tokio::test]
    async fn a_small_rest_of_a_body_that_is_given_up_is_read() {
        for (bytes, reached) in [(1, true), (MAX_REST, true), (MAX_REST + 1, false)] {
            let (body, end) = NotingBody::new(Full::new(Bytes::from(vec![0; bytes])));
            drop(body);
            assert_eq!(end.reached_soon().await, reached, "{bytes}");
        }
        let (held, end) = NotingBody::new(Full::new(Bytes::from_static(b"x")));
        assert!(!end.reached_soon().await, "its handler may still read it");
        drop(held);
    }
}
