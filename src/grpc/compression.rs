//! Compressed calls. None is read: a message of a few bytes could become gigabytes, and the messages
//! of these services are short.
//!
//! In: the headers of a call. Out: the status of a refusal, with the header that says how a message
//! may be sent (gRPC, "Compression"). A check is refused by a denial with that header instead: Envoy
//! sends compressed checks if the channel arguments of `google_grpc` say so, and an RPC error would
//! let every request pass that such an Envoy asks about with `failure_mode_allow`.

use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::{Code, Status, metadata::MetadataValue};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The header that says how the messages of a call are compressed.
static ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
/// The header that says how they may be.
const ACCEPTED: &str = "grpc-accept-encoding";
/// The one value of both: not at all.
const PLAIN: &str = "identity";
/// The reason in the details of the refusal.
pub(super) const UNSUPPORTED: &str = "COMPRESSION_UNSUPPORTED";

/// The messages of a call with these headers may be compressed.
pub(super) fn is_possible(headers: &HeaderMap) -> bool {
    headers.get_all(&ENCODING).iter().any(|encoding| encoding != PLAIN)
}

/// Says in the headers of a response how messages may be sent.
pub(super) fn name_accepted(headers: &mut HeaderMap) {
    headers.insert(ACCEPTED, HeaderValue::from_static(PLAIN));
}

/// The status of a call whose messages are compressed.
pub(super) fn refusal() -> Status {
    let message = "compressed messages are not read: send them with `grpc-encoding: identity`";
    let details = ErrorDetails::with_error_info(UNSUPPORTED, "rownd-authz", []);
    let mut status = Status::with_error_details(Code::Unimplemented, message, details);
    status.metadata_mut().insert(ACCEPTED, MetadataValue::from_static(PLAIN));
    status
}
