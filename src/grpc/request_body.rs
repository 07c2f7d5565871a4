//! The body of a request, held to its bounds before memory is reserved for it.
//!
//! In: a body as it arrives. Out: the same bytes, or a status. A gRPC message says its length in
//! the five bytes before it (gRPC over HTTP/2, "Length-Prefixed-Message"), and the decoder
//! reserves what is said: so the length is held against the method's limit and counted against
//! the bytes that all connections may hold, before the decoder sees it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use tower::BoxError;

use super::{
    budget::CallSlot,
    call_label::{CallKind, CallRefusal},
    compression,
};

/// Bytes before a message: a flag, and the length.
const PREFIX: usize = 5;
/// Headers of a call that are kept as they came. An ordinary call has a dozen.
const FEW_HEADERS: usize = 32;
/// Bytes of their values.
const SMALL_HEADERS: usize = 4_096;
/// The headers that are read; of the others only what fits is kept.
const READ: [HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::TE,
    header::AUTHORIZATION,
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("grpc-encoding"),
];

/// The bounds of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyBounds {
    pub(super) kind: CallKind,
    /// Bytes of one message.
    pub(super) message: usize,
    /// Bytes of all messages and their prefixes.
    pub(super) total: usize,
    /// How long the whole body may take; `None`: the service has a limit of its own.
    pub(super) timeout: Option<Duration>,
}

impl BodyBounds {
    /// A body of one message.
    pub(super) const fn one(kind: CallKind, message: usize) -> Self {
        Self { kind, message, total: message.saturating_add(PREFIX), timeout: None }
    }

    /// The same, and it has to come within this time.
    pub(super) const fn within(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

/// A body within its bounds. The length that a message announces is taken from the budget of its
/// connection.
#[derive(Debug)]
pub(super) struct BoundedBody<B> {
    body: B,
    slot: Arc<CallSlot>,
    bounds: BodyBounds,
    timer: Option<Pin<Box<Sleep>>>,
    /// Bytes of a prefix that have come, as far as the length goes.
    prefix: usize,
    length: u32,
    /// Bytes of the message that are still to come.
    left: usize,
    arrived: usize,
    held: usize,
}

impl<B> BoundedBody<B> {
    pub(super) fn new(body: B, slot: Arc<CallSlot>, bounds: BodyBounds) -> Self {
        let timer = bounds.timeout.map(|timeout| Box::pin(sleep(timeout)));
        Self { body, slot, bounds, timer, prefix: 0, length: 0, left: 0, arrived: 0, held: 0 }
    }

    /// Follows the messages through these bytes.
    fn follow(&mut self, mut bytes: &[u8]) -> Result<(), CallRefusal> {
        self.arrived = self.arrived.saturating_add(bytes.len());
        if self.arrived > self.bounds.total {
            return Err(CallRefusal::TooLarge);
        }
        while let Some((first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let part = self.left.min(bytes.len());
                self.left -= part;
                bytes = bytes.get(part..).unwrap_or_default();
                continue;
            }
            // The first is the flag, the others the length, most significant first. The door of a check
            // looks at its flag itself.
            if self.prefix == 0 && *first != 0 && self.bounds.kind != CallKind::Check {
                return Err(CallRefusal::Compressed);
            }
            self.length = if self.prefix == 0 { 0 } else { self.length << 8 | u32::from(*first) };
            self.prefix += 1;
            bytes = rest;
            if self.prefix == PREFIX {
                self.prefix = 0;
                self.left = usize::try_from(self.length).unwrap_or(usize::MAX);
                self.announced(self.left)?;
            }
        }
        Ok(())
    }

    /// The buffer of one message serves the next as well, so only what is more is taken.
    fn announced(&mut self, length: usize) -> Result<(), CallRefusal> {
        if length > self.bounds.message {
            return Err(CallRefusal::TooLarge);
        }
        let more = length.saturating_sub(self.held);
        if more == 0 {
            return Ok(());
        }
        if !self.slot.take_bytes(more) {
            return Err(CallRefusal::Memory);
        }
        self.held = length;
        Ok(())
    }

    fn refuse(&self, why: CallRefusal) -> Status {
        self.slot.count_refusal(why);
        refusal_status(self.bounds.kind, why)
    }
}

impl<B> Body for BoundedBody<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if let Some(timer) = &mut this.timer
            && timer.as_mut().poll(cx).is_ready()
        {
            this.timer = None;
            return Poll::Ready(Some(Err(this.refuse(CallRefusal::Deadline))));
        }
        let frame =
            ready!(Pin::new(&mut this.body).poll_frame(cx)).transpose().map_err(body_error)?;
        // Trailers are not read, and they may be as long as headers.
        let Some(Ok(bytes)) = frame.map(Frame::into_data) else { return Poll::Ready(None) };
        match this.follow(&bytes) {
            Ok(()) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Err(why) => Poll::Ready(Some(Err(this.refuse(why)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body breaks off where the peer resets the stream: it does not wait for an answer. Not
/// `cancelled`: tonic takes that for the end of the body.
pub(super) fn body_error(error: impl Into<BoxError>) -> Status {
    match error.into().downcast::<Status>() {
        Ok(status) => *status,
        Err(_) => Status::aborted("the caller went away"),
    }
}

/// The status of a refusal. The door of a check makes a denial of it.
pub(super) fn refusal_status(kind: CallKind, why: CallRefusal) -> Status {
    let (code, reason, message) = match why {
        // The door of a check knows a message that is too large by this code.
        CallRefusal::TooLarge if kind == CallKind::Check => {
            return Status::out_of_range("the check is too large");
        }
        CallRefusal::Streams | CallRefusal::Memory if kind == CallKind::Check => {
            return Status::resource_exhausted("too much at a time");
        }
        CallRefusal::TooLarge => (
            Code::ResourceExhausted,
            "MESSAGE_TOO_LARGE",
            "the message is larger than this method takes",
        ),
        CallRefusal::Streams => {
            (Code::ResourceExhausted, "OVERLOADED", "too many calls at a time; try again later")
        }
        CallRefusal::Memory => {
            (Code::ResourceExhausted, "OVERLOADED", "too many messages at a time; try again later")
        }
        CallRefusal::Compressed => return compression::refusal(),
        CallRefusal::Deadline => {
            (Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "the message did not come in time")
        }
    };
    let details = ErrorDetails::with_error_info(reason, "rownd-authz", []);
    Status::with_error_details(code, message, details)
}

/// Removes the headers that nothing reads, where there are so many that they would matter: a
/// peer may send 64 KiB of them with each of its calls, and they live as long as the call.
pub(super) fn drop_unread_headers(headers: &mut HeaderMap) {
    let size = headers.values().map(HeaderValue::len).sum::<usize>();
    if headers.len() <= FEW_HEADERS && size <= SMALL_HEADERS {
        return;
    }
    let mut kept = HeaderMap::with_capacity(READ.len());
    for name in READ {
        // Two are enough to know that there is more than one.
        for value in headers.get_all(&name).iter().take(2) {
            kept.append(name.clone(), value.clone());
        }
    }
    *headers = kept;
}
