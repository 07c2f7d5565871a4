//! The client of the proxy, from the `source` of a check.
//!
//! In: the encoded message. Out: the client's workload and address. Nothing is known of a client
//! whose message cannot be decoded; a rule that asks for it is not met.

use bytes::Bytes;
use prost::Message as _;

use crate::{
    grpc::pb::attribute_context::Peer,
    model::{Downstream, Workload},
};

/// The client, as far as the message names it.
pub(super) fn decode(source: &Bytes) -> Downstream {
    let Peer { address, principal } = Peer::decode(source.clone()).unwrap_or_default();
    let text = |bytes: Bytes| String::from_utf8(bytes.into()).ok();
    let address = address.and_then(|address| text(address.socket_address?.address));
    Downstream {
        workload: text(principal).and_then(Workload::new),
        address: address.and_then(|address| address.parse().ok()),
    }
}
