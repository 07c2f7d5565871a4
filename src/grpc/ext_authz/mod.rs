//! Envoy's external authorization, `envoy.service.auth.v3.Authorization/Check`.
//!
//! In: one gRPC call. Out: always a response with a status of its own, never an RPC error,
//! because Envoy may be told to let a request through when the RPC fails. Every
//! failure on the way, from an undecodable message to a panic, becomes a denial here.

mod entry_count;
mod frame;
mod message;
mod request;
mod response;
mod route;
mod source;
#[cfg(test)]
mod tests;
mod wire;

use std::{pin::pin, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;
use tonic::{Code, body::Body};
use tower::BoxError;

use super::{compression, deadline::time_to_answer};
use crate::{
    authz::{Authorizer, CheckApi, PendingCheck, Verdict, ended_by},
    model::{DenyReason, RequestContext},
};
use response::Encoder;

/// The path of the one RPC.
pub const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

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
        let compressed = compression::is_possible(request.headers());
        match self.judge(pending, request).await {
            Ok(response) => (response, true),
            Err(reason) => {
                let mut denial = self.deny(pending, reason);
                if compressed {
                    compression::name_accepted(denial.headers_mut());
                }
                (denial, false)
            }
        }
    }

    /// Answers a check that can be judged, or says why it cannot be.
    async fn judge<B>(
        &self,
        pending: &PendingCheck,
        request: Request<B>,
    ) -> Result<Response<Body>, DenyReason>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        if pending.overloaded() {
            return Err(DenyReason::Overloaded);
        }
        let own = pending.settings().timeout.get();
        let deadline = pending.began() + time_to_answer(own, request.headers());
        let may_be_compressed = compression::is_possible(request.headers());
        // The headers end here: they are pieces of the buffer that the connection was read into, and
        // would hold all of that while a message is unfinished.
        let body = pin!(message::read_message(request.into_body()));
        let body = ended_by(deadline, body).await?;
        let body = body.map_err(|status| reason_of(status.code()))?;
        if may_be_compressed {
            return Err(DenyReason::RequestUndecodable);
        }
        // The memory for judging is not set aside before the message is complete: a peer may leave
        // thousands of messages unfinished.
        ended_by(deadline, Box::pin(self.check(pending, body, deadline))).await?
    }

    async fn check(
        &self,
        pending: &PendingCheck,
        body: Bytes,
        deadline: Instant,
    ) -> Result<Response<Body>, DenyReason> {
        let check = frame::decode(&body, self.max_message_bytes)?;
        drop(body);
        Ok(match request::context(check) {
            Ok(context) => {
                let verdict = pending.check(&context, deadline).await;
                encoded(pending, &verdict, Some(&context))
            }
            Err(reason) => self.deny(pending, reason),
        })
    }

    /// Denies a check without a request to judge.
    pub(super) fn deny(&self, pending: &PendingCheck, reason: DenyReason) -> Response<Body> {
        encoded(pending, &pending.deny(reason), None)
    }
}

/// The response to a verdict, by the settings that the check was judged by.
fn encoded(
    pending: &PendingCheck,
    verdict: &Verdict,
    request: Option<&RequestContext>,
) -> Response<Body> {
    frame::respond(Encoder::new(pending.denials()).encode(verdict, request))
}

/// The reason to deny a check whose body ended in this code.
const fn reason_of(code: Code) -> DenyReason {
    match code {
        Code::Aborted => DenyReason::Cancelled,
        Code::ResourceExhausted => DenyReason::Overloaded,
        _ => DenyReason::RequestUndecodable,
    }
}
