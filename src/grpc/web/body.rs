//! The body of a request in JSON, as the body of a gRPC call: it is read and translated when the door
//! asks for it, which is after the caller is known.
//!
//! In: the body as it arrives, its bounds, the description of its message. Out: one gRPC message, or
//! the status of a refusal.

use std::{pin::Pin, sync::Arc, time::Duration};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream;
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, StreamBody};
use prost_reflect::MessageDescriptor;
use tokio::time::timeout;
use tonic::Status;
use tower::BoxError;

use super::translator::Translator;
use crate::grpc::{
    budget::CallSlot,
    call_label::{CallKind, CallRefusal},
    request_body::{body_error, refusal_status},
};

/// A client that sends too much is read on for so many bytes, and so long, so that it reads why it is
/// refused: a connection that is closed before would tell it nothing.
const READ_ON: (usize, Duration) = (1 << 20, Duration::from_secs(1));

/// The bounds of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct JsonBounds {
    /// Bytes of the message.
    pub(super) message: usize,
    /// How long the body may take.
    pub(super) time: Duration,
}

impl JsonBounds {
    /// Bytes of the JSON: bytes in base64 and the names of members are longer than in the message.
    const fn text(self) -> usize {
        self.message.saturating_add(self.message / 2)
    }
}

/// The message that a body in JSON has to be, and its bounds.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) message: MessageDescriptor,
    pub(super) bounds: JsonBounds,
}

/// The one message of a call, when it is asked for.
pub(super) type MessageBody =
    StreamBody<Pin<Box<dyn stream::Stream<Item = Result<Frame<Bytes>, Status>> + Send>>>;

/// The body of the gRPC call for this body in JSON. Nothing is expected of a call to a method that
/// does not exist, and its body is never asked for.
pub(super) fn translated<B>(
    body: B,
    expected: Option<Expected>,
    translator: Translator,
    slot: Arc<CallSlot>,
) -> MessageBody
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    StreamBody::new(Box::pin(stream::once(async move {
        let Some(Expected { message: of, bounds }) = expected else {
            return Err(refuse(&slot, CallRefusal::TooLarge));
        };
        let text = read(body, bounds, &slot).await?;
        let message = translator.to_message(of, text).await?;
        if message.len() > bounds.message {
            return Err(refuse(&slot, CallRefusal::TooLarge));
        }
        let mut frame = BytesMut::with_capacity(message.len() + 5);
        // Not compressed, and its length (gRPC over HTTP/2, "Length-Prefixed-Message").
        frame.put_u8(0);
        frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
        frame.put_slice(&message);
        Ok(Frame::data(frame.freeze()))
    })))
}

/// The whole body. Its bytes are counted with those of all unfinished messages.
async fn read<B>(mut body: B, bounds: JsonBounds, slot: &CallSlot) -> Result<Bytes, Status>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let reading = async {
        let mut text = BytesMut::new();
        while let Some(frame) = body.frame().await {
            // Trailers are not read.
            let Ok(part) = frame.map_err(body_error)?.into_data() else { continue };
            if text.len().saturating_add(part.len()) > bounds.text() {
                return Err(CallRefusal::TooLarge.into());
            }
            if !slot.take_bytes(part.len()) {
                return Err(CallRefusal::Memory.into());
            }
            text.extend_from_slice(&part);
        }
        Ok(text.freeze())
    };
    let why = match timeout(bounds.time, reading).await {
        Ok(Ok(text)) => return Ok(text),
        Ok(Err(Unread::Broken(status))) => return Err(status),
        Ok(Err(Unread::Refused(why))) => why,
        Err(_elapsed) => CallRefusal::Deadline,
    };
    if why != CallRefusal::Deadline {
        read_on(body).await;
    }
    Err(refuse(slot, why))
}

/// Why a body was not read to its end.
enum Unread {
    Refused(CallRefusal),
    Broken(Status),
}

impl From<CallRefusal> for Unread {
    fn from(why: CallRefusal) -> Self {
        Self::Refused(why)
    }
}

impl From<Status> for Unread {
    fn from(status: Status) -> Self {
        Self::Broken(status)
    }
}

async fn read_on<B>(mut body: B)
where
    B: Body<Data = Bytes> + Unpin,
{
    let reading = async {
        let mut read = 0_usize;
        while let Some(Ok(frame)) = body.frame().await {
            read = read.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            if read > READ_ON.0 {
                return;
            }
        }
    };
    let _ = timeout(READ_ON.1, reading).await;
}

fn refuse(slot: &CallSlot, why: CallRefusal) -> Status {
    slot.count_refusal(why);
    refusal_status(CallKind::Call, why)
}
