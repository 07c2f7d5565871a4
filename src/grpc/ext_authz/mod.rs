//! Envoy's external authorization, `envoy.service.auth.v3.Authorization/Check`.
//!
//! In: one gRPC call. Out: always a response with a status of its own, never an RPC error,
//! because Envoy may be told to let a request through when the RPC fails. Every
//! failure on the way, from an undecodable message to a panic, becomes a denial here.

mod codec;
mod entry_count;
mod message;
mod request;
mod response;
mod route;
mod source;
#[cfg(test)]
mod tests;
mod wire;

use std::{panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status, body::Body, server::Grpc};
use tower::{BoxError, service_fn};

use super::{deadline::time_to_answer, pb::CheckRequest};
use crate::{
    authz::CheckApi,
    authz::{Authorizer, PendingCheck},
    model::DenyReason,
};
use codec::CheckCodec;
use response::Encoder;

/// The path of the one RPC.
pub const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The header that says how a message is compressed, which no message may be.
const ENCODING: &str = "grpc-encoding";

/// A gRPC frame around an empty message: the request that tonic gets where only a response is
/// wanted.
const EMPTY_FRAME: &[u8] = &[0; 5];

/// The door for Envoy's external authorization.
#[derive(Debug)]
pub struct CheckDoor {
    authorizer: Arc<Authorizer>,
    max_message_bytes: usize,
}

impl CheckDoor {
    /// Before this authorizer. Larger messages are denied unread.
    #[must_use]
    pub fn build(authorizer: Arc<Authorizer>, max_message_bytes: usize) -> Self {
        Self { authorizer, max_message_bytes }
    }

    /// A check arrived.
    #[must_use]
    pub fn begin(&self) -> PendingCheck {
        self.authorizer.begin(CheckApi::ExtAuthz)
    }

    /// A check arrived a while ago, on a connection with `others` in flight, and it is its turn.
    pub(super) fn begin_since(&self, arrived: Instant, others: usize) -> PendingCheck {
        self.authorizer.begin_since(CheckApi::ExtAuthz, arrived, others)
    }

    /// The most bytes of a check.
    pub(super) const fn max_message_bytes(&self) -> usize {
        self.max_message_bytes
    }

    /// Answers one call.
    pub async fn respond<B>(&self, pending: PendingCheck, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        self.respond_to(&pending, request).await.0
    }

    /// Answers one call, and says whether it was a check that could be judged.
    pub(super) async fn respond_to<B>(
        &self,
        pending: &PendingCheck,
        request: Request<B>,
    ) -> (Response<Body>, bool)
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let reason = if pending.overloaded() {
            DenyReason::Overloaded
        } else {
            let own = pending.settings().timeout.get();
            let deadline = pending.began() + time_to_answer(own, request.headers());
            let (encoding, body) = used_parts(request);
            let whole = AssertUnwindSafe(timeout_at(deadline, message::read_message(body)));
            match whole.catch_unwind().await {
                Ok(Ok(Ok(message))) => {
                    // The memory for judging is not set aside before the message is complete: a
                    // peer may leave thousands of messages unfinished.
                    let mut request = Request::new(Full::new(message));
                    if let Some(encoding) = encoding {
                        request.headers_mut().insert(ENCODING, encoding);
                    }
                    match Box::pin(self.respond_in_time(pending, request, deadline)).await {
                        Ok(response) => return (response, true),
                        Err(reason) => reason,
                    }
                }
                Ok(Ok(Err(status))) => reason_of(status.code()),
                Ok(Err(_elapsed)) => DenyReason::DeadlineExceeded,
                Err(_panic) => DenyReason::Internal,
            }
        };
        (Box::pin(self.deny(pending, reason)).await, false)
    }

    /// Answers a call whose message is there, or says why it cannot be judged.
    async fn respond_in_time(
        &self,
        pending: &PendingCheck,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Response<Body>, DenyReason> {
        let judging = self.check(pending, request, deadline);
        match AssertUnwindSafe(timeout_at(deadline, judging)).catch_unwind().await {
            Ok(Ok(response)) => rpc_error(&response).map_or(Ok(response), Err),
            Ok(Err(_elapsed)) => Err(DenyReason::DeadlineExceeded),
            Err(_panic) => Err(DenyReason::Internal),
        }
    }

    async fn check(
        &self,
        pending: &PendingCheck,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Response<Body> {
        let check = |message: tonic::Request<CheckRequest>| async move {
            let verdict = match request::context(message.into_inner()) {
                Ok(context) => pending.check(&context, deadline).await,
                Err(reason) => pending.deny(reason),
            };
            let encoder = Encoder::of(pending.settings());
            Ok::<_, Status>(tonic::Response::new(encoder.encode(&verdict)))
        };
        self.grpc().unary(service_fn(check), request).await
    }

    /// Denies a check without a request to judge.
    pub(super) async fn deny(&self, pending: &PendingCheck, reason: DenyReason) -> Response<Body> {
        let verdict = pending.deny(reason);
        let encoder = Encoder::of(pending.settings());
        let respond = |_: tonic::Request<CheckRequest>| async {
            Ok::<_, Status>(tonic::Response::new(encoder.encode(&verdict)))
        };
        let empty = Request::new(Full::new(Bytes::from_static(EMPTY_FRAME)));
        self.grpc().unary(service_fn(respond), empty).await
    }

    fn grpc(&self) -> Grpc<CheckCodec> {
        Grpc::new(CheckCodec).apply_max_message_size_config(Some(self.max_message_bytes), None)
    }
}

/// The body, and the one header that is used of a request. Headers are pieces of the buffer that
/// the connection was read into, and hold all of that while a message is unfinished.
fn used_parts<B>(request: Request<B>) -> (Option<HeaderValue>, B) {
    let encoding = request.headers().get(ENCODING);
    let copied = encoding.and_then(|name| HeaderValue::from_bytes(name.as_bytes()).ok());
    (copied, request.into_body())
}

/// Why the call failed, if it did: tonic then puts a status in the headers, and no message
/// follows.
fn rpc_error(response: &Response<Body>) -> Option<DenyReason> {
    let status =
        response.headers().get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
    match status {
        None if response.status() == http::StatusCode::OK => None,
        status => Some(reason_of(status.unwrap_or(Code::Unknown))),
    }
}

/// The reason to deny a check whose RPC failed with this code.
const fn reason_of(code: Code) -> DenyReason {
    match code {
        Code::Aborted => DenyReason::Cancelled,
        Code::ResourceExhausted => DenyReason::Overloaded,
        Code::FailedPrecondition => DenyReason::RequestTooLarge,
        _ => DenyReason::RequestUndecodable,
    }
}
