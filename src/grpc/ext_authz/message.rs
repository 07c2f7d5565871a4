//! A message, put together from the frames in which it comes.
//!
//! In: a body. Out: its bytes. A frame is a piece of the buffer that the connection was read into,
//! and keeps all of that buffer in memory: so bytes that have to wait for more are copied.

use std::{future::poll_fn, pin::Pin};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use tonic::Status;
use tower::BoxError;

use crate::grpc::request_body::body_error;

/// The bytes of the body, without its trailers.
///
/// # Errors
///
/// The status of the call, if the body breaks off or is refused by its bounds.
pub(super) async fn read_message<B>(mut body: B) -> Result<Bytes, Status>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let Some(first) = next_data(&mut body).await? else { return Ok(Bytes::new()) };
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut message = BytesMut::from(first.as_ref());
    drop(first);
    while let Some(bytes) = next_data(&mut body).await? {
        message.extend_from_slice(&bytes);
    }
    Ok(message.freeze())
}

async fn next_data<B>(body: &mut B) -> Result<Option<Bytes>, Status>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
    let frame = frame.transpose().map_err(body_error)?;
    // Nothing is read of trailers.
    Ok(frame.and_then(|frame: Frame<Bytes>| frame.into_data().ok()))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures_util::{FutureExt as _, StreamExt as _, stream};
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::read_message;

    #[tokio::test]
    async fn a_message_is_its_frames_one_after_the_other() {
        for pieces in [&[][..], &["abc"], &["abc", "", "de"], &["", "f"]] {
            let frames =
                pieces.iter().map(|piece| Ok::<_, Infallible>(Frame::data((*piece).into())));
            let body = StreamBody::new(stream::iter(frames));
            assert_eq!(read_message(body).await.unwrap(), pieces.concat());
        }
    }

    #[test]
    fn a_message_that_waits_keeps_no_more_than_its_bytes() {
        let buffer = Bytes::from(vec![7; 8_192]);
        for frames in 1..3 {
            let slices: Vec<_> = (0..frames).map(|_| buffer.slice(..10)).collect();
            let frames = slices.into_iter().map(|bytes| Ok::<_, Infallible>(Frame::data(bytes)));
            let body = StreamBody::new(stream::iter(frames).chain(stream::pending()));
            let mut waits = Box::pin(read_message(body));
            assert!(waits.as_mut().now_or_never().is_none());
            assert!(buffer.is_unique(), "the buffer of the connection is free again");
        }
    }
}
