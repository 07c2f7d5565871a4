//! The one message of a check, and the one of its response, in their gRPC frames: a flag that says
//! whether the message is compressed, its length in four bytes, and the message (gRPC over HTTP/2,
//! "Length-Prefixed-Message").
//!
//! In: the whole body of a call. Out: the check; then, from an encoded response, the response of
//! the call, which always has the status 0. tonic would do the same with a buffer, a stream and a
//! body of its own for each direction, for calls of any number of messages; a check has one.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::StreamBody;
use prost::Message as _;
use tonic::{body::Body, metadata::GRPC_CONTENT_TYPE};

use super::entry_count::{EntryError, check_entry_count};
use crate::{
    grpc::pb::{
        AttributeContext, CheckRequest,
        attribute_context::{self, HttpRequest},
    },
    model::DenyReason,
};

/// Bytes before a message: the flag and the length.
const PREFIX: usize = 5;
/// The flag of a message that is not compressed.
const PLAIN: u8 = 0;
/// The headers that there is room for before a check is decoded.
const HEADERS: usize = 32;
/// The trailer that says how a call ended.
static STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// An encoded CheckResponse in its frame, whose length is not written yet.
#[derive(Debug)]
pub(super) struct EncodedResponse(Vec<u8>);

/// The beginning of a frame, with room for a message of so many bytes behind it.
pub(super) fn begin(bytes: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(PREFIX + bytes);
    frame.resize(PREFIX, PLAIN);
    frame
}

impl EncodedResponse {
    /// A message in its frame: what [`begin`] made, with the message behind it.
    pub(super) const fn of_frame(frame: Vec<u8>) -> Self {
        Self(frame)
    }

    /// The message.
    #[cfg(test)]
    pub(super) fn message(&self) -> &[u8] {
        self.0.get(PREFIX..).unwrap_or_default()
    }

    /// The frame, with its length.
    fn finish(mut self) -> Bytes {
        // No response is so long: requests are held to far less, and identities to their limits.
        let length = u32::try_from(self.0.len().saturating_sub(PREFIX)).unwrap_or(u32::MAX);
        if let Some([_, place @ ..]) = self.0.first_chunk_mut::<PREFIX>() {
            *place = length.to_be_bytes();
        }
        self.0.into()
    }
}

/// The check in the body of a call. Its fields are slices of a copy, because the body may be a piece
/// of the buffer that the connection was read into, and a check may wait for keys.
///
/// # Errors
///
/// The reason to deny the check: the body is no frame of one message, the message is longer than
/// `max_bytes` or has too many entries, or it cannot be decoded.
pub(super) fn decode(body: &[u8], max_bytes: usize) -> Result<CheckRequest, DenyReason> {
    let (prefix, message) =
        body.split_first_chunk::<PREFIX>().ok_or(DenyReason::RequestUndecodable)?;
    let [flag, length @ ..] = *prefix;
    let whole = usize::try_from(u32::from_be_bytes(length)) == Ok(message.len());
    if flag != PLAIN || !whole || message.len() > max_bytes {
        return Err(DenyReason::RequestUndecodable);
    }
    check_entry_count(message).map_err(|error| match error {
        EntryError::TooMany => DenyReason::RequestTooLarge,
        EntryError::Malformed => DenyReason::RequestUndecodable,
    })?;
    let mut check = with_room();
    check.merge(Bytes::copy_from_slice(message)).map_err(|_| DenyReason::RequestUndecodable)?;
    Ok(check)
}

/// A check without content, with room for the headers of most requests: a list that has to grow while
/// it is decoded is copied each time.
fn with_room() -> CheckRequest {
    let http = HttpRequest { headers: Vec::with_capacity(HEADERS), ..HttpRequest::default() };
    let request = attribute_context::Request { http: Some(http) };
    let attributes = AttributeContext { request: Some(request), ..AttributeContext::default() };
    CheckRequest { attributes: Some(attributes) }
}

/// The response of a call that succeeded, which a denial is as well.
pub(super) fn respond(response: EncodedResponse) -> Response<Body> {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(&STATUS, HeaderValue::from_static("0"));
    let frames = [Frame::data(response.finish()), Frame::trailers(trailers)];
    let body = StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>)));
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(CONTENT_TYPE, GRPC_CONTENT_TYPE);
    response
}
