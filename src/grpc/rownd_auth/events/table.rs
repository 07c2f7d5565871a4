//! The methods of `EventService`.

use crate::{
    config::Right,
    grpc::rownd_auth::rpc::{Rpc, Service},
};

/// The most bytes of a request: a cursor and the words of types.
const REQUEST_BYTES: usize = 4 << 10;

/// The service for events.
pub(in crate::grpc::rownd_auth) const EVENT_SERVICE: Service = Service {
    name: "EventService",
    rpcs: &[Rpc {
        name: "StreamEvents",
        rights: &[Right::ReadEvents],
        max_request_bytes: REQUEST_BYTES,
        asks_issuer: false,
        repeatable: true,
    }],
};
