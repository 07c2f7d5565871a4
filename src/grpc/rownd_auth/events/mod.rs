//! `EventService`: the events that a sink keeps in memory, for readers.
//!
//! In: a cursor. Out: a stream of events, each within the bounds of its caller, until the caller or the
//! process ends, the configuration changes, or the reader is too slow.

mod stream;
mod table;
mod wire;

use std::{pin::Pin, sync::Arc};

use futures_util::Stream;
use tonic::Status;

use super::{call::ServiceCall, fault::Fault, reason::ErrorReason};
use crate::{
    authz::Authorizer,
    config::Right,
    events::{Missed, Ring},
    grpc::{
        deadline::caller_timeout,
        pb::rownd::auth::v1::{
            StreamEventsRequest, StreamEventsResponse, event_service_server::EventService,
        },
    },
};
use stream::{EventStream, wanted_types};
pub(super) use table::EVENT_SERVICE;

/// The methods. They are called through the door only: without it they know no caller and refuse.
#[derive(Debug, Clone)]
pub(super) struct EventMethods {
    authorizer: Arc<Authorizer>,
    ring: Option<Arc<Ring>>,
}

impl EventMethods {
    /// With the events that a sink keeps, if one does.
    pub(super) const fn new(authorizer: Arc<Authorizer>, ring: Option<Arc<Ring>>) -> Self {
        Self { authorizer, ring }
    }
}

#[tonic::async_trait]
impl EventService for EventMethods {
    type StreamEventsStream =
        Pin<Box<dyn Stream<Item = Result<StreamEventsResponse, Status>> + Send>>;

    async fn stream_events(
        &self,
        request: tonic::Request<StreamEventsRequest>,
    ) -> Result<tonic::Response<Self::StreamEventsStream>, Status> {
        let call = ServiceCall::of(request.extensions())?;
        call.may(&[Right::ReadEvents])?;
        let timeout = caller_timeout(request.metadata().as_ref());
        let StreamEventsRequest { cursor, from_oldest, types } = request.into_inner();
        let types = wanted_types(&types)?;
        if !cursor.is_empty() && from_oldest {
            let why = "cannot be given with `cursor`, which says where to begin";
            return Err(Fault::field("from_oldest", why).into());
        }
        let ring = self.ring.as_ref().ok_or_else(|| {
            let message = "no sink of the configuration keeps events for this call: add \
                           `stream: {}` to events.sinks";
            Fault::Unsupported(ErrorReason::EventsNotKept, message)
        })?;
        let cursor = (!cursor.is_empty()).then_some(cursor.as_str());
        let reader = ring.reader(cursor, from_oldest).map_err(|missed| fault(&call, missed))?;
        let stream = EventStream { reader, call, authorizer: self.authorizer.clone(), types };
        Ok(tonic::Response::new(Box::pin(stream.until(timeout))))
    }
}

/// Why there are no events, or no more.
fn fault(call: &ServiceCall, missed: Missed) -> Fault {
    match missed {
        Missed::CursorUnknown | Missed::Gone => Fault::Told(
            ErrorReason::EventsGone,
            "the events behind this cursor are not kept any more, or another process has made it: \
             call again without a cursor, and with `from_oldest` for all that are kept",
            Vec::new(),
        ),
        Missed::TooMany => Fault::Overloaded(call.retry_after()),
        Missed::Closed => ended(),
    }
}

/// The stream ends, and another call can go on behind it.
fn ended() -> Fault {
    let message = "the process ends, or its configuration has changed: call again with the last \
                   cursor";
    Fault::Told(ErrorReason::EventStreamEnded, message, Vec::new())
}

/// The reader is cut off.
fn too_slow() -> Fault {
    let message = "the events at the position of this reader are not kept any more: read faster, or \
                   have more of them kept (events.sinks[].stream)";
    Fault::Told(ErrorReason::EventReaderTooSlow, message, Vec::new())
}
