//! A message, put together from the frames in which it comes.
//!
//! In: a body. Out: its bytes. A frame is a piece of the buffer that the connection was read into,
//! and holds all of that: so what has to wait for more is copied.

use std::{future::poll_fn, pin::Pin};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use tonic::Status;
use tower::BoxError;

use crate::grpc::request_body::body_error;

/// All of the body but its trailers.
pub(super) async fn whole<B>(mut body: B) -> Result<Bytes, Status>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let Some(first) = next(&mut body).await? else { return Ok(Bytes::new()) };
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut gathered = BytesMut::from(first.as_ref());
    drop(first);
    while let Some(bytes) = next(&mut body).await? {
        gathered.extend_from_slice(&bytes);
    }
    Ok(gathered.freeze())
}

async fn next<B>(body: &mut B) -> Result<Option<Bytes>, Status>
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

    use super::whole;

    #[tokio::test]
    async fn a_message_is_its_frames_one_after_the_other() {
        for pieces in [&[][..], &["abc"], &["abc", "", "de"], &["", "f"]] {
            let frames =
                pieces.iter().map(|piece| Ok::<_, Infallible>(Frame::data((*piece).into())));
            let body = StreamBody::new(stream::iter(frames));
            assert_eq!(whole(body).await.unwrap(), pieces.concat());
        }
    }

    #[test]
    fn what_waits_holds_no_more_than_its_bytes() {
        let buffer = Bytes::from(vec![7; 8_192]);
        for frames in 1..3 {
            let slices: Vec<_> = (0..frames).map(|_| buffer.slice(..10)).collect();
            let frames = slices.into_iter().map(|bytes| Ok::<_, Infallible>(Frame::data(bytes)));
            let body = StreamBody::new(stream::iter(frames).chain(stream::pending()));
            let mut waits = Box::pin(whole(body));
            assert!(waits.as_mut().now_or_never().is_none());
            assert!(buffer.is_unique(), "the buffer of the connection is free again");
        }
    }
}
