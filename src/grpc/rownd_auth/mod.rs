//! The service for backends, `rownd.auth.v1.RowndAuth`.
//!
//! In: a call and the other end of its connection. Out: an answer, or a status whose details say
//! what went wrong and whether to come again. The door comes first: who calls, may they, how many
//! calls there are, until when. Behind it each method decodes, asks one room, and encodes.

mod convert;
mod exchange;
mod fault;
mod get_user;
mod pick;
#[cfg(test)]
mod tests;
mod verify;

use std::{
    num::NonZeroU32,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Extensions, Status, body::Body, service::Routes};
use tower::{BoxError, ServiceExt as _};

use super::{
    deadline::time_to_answer,
    pb::rownd::auth::v1::{
        BuildAuthorizationUrlRequest, BuildAuthorizationUrlResponse, ExchangeRequest,
        ExchangeResponse, GetUserRequest, GetUserResponse, VerifyRequest, VerifyResponse,
        rownd_auth_server::{RowndAuth, RowndAuthServer},
    },
};
use crate::{
    authz::{Authorizer, Caller, Refusal, Snapshot},
    config::Right,
    metrics::{CallerRefusal, Method, Metrics},
    model::{Origin, Peer},
};
use fault::Fault;

/// The path of every method, less its name.
pub const PREFIX: &str = "/rownd.auth.v1.RowndAuth/";
/// The most bytes of a request: a token and some fields of a profile.
const MAX_MESSAGE: usize = 256 * 1024;
/// Errors that are logged in a second: a caller that may not is a caller that tries again.
const LINES_PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// What the methods share.
#[derive(Debug, Clone)]
struct Methods {
    authorizer: Arc<Authorizer>,
}

/// What is known of one call before its message is read.
#[derive(Debug)]
struct Call {
    snapshot: Arc<Snapshot>,
    caller: Caller,
    deadline: Instant,
}

impl Call {
    /// Of a request that came through the door; there is no other way in.
    fn of(extensions: &Extensions) -> Result<Arc<Self>, Fault> {
        extensions.get::<Arc<Self>>().cloned().ok_or(Fault::Internal)
    }

    /// When to come again where nobody knows better.
    fn retry(&self) -> Duration {
        self.snapshot.check().retry_after.get()
    }

    /// The caller may do one of these.
    fn may(&self, rights: &[Right]) -> Result<(), Fault> {
        self.caller.may(rights).map_err(Fault::Caller)
    }
}

/// The door of the service.
pub struct AuthDoor {
    authorizer: Arc<Authorizer>,
    metrics: Arc<Metrics>,
    in_flight: AtomicUsize,
    lines: DefaultDirectRateLimiter,
}

impl std::fmt::Debug for AuthDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthDoor").finish_non_exhaustive()
    }
}

/// A place among the calls in flight, until it is dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl AuthDoor {
    /// Before this authorizer.
    #[must_use]
    pub fn build(authorizer: Arc<Authorizer>, metrics: Arc<Metrics>) -> Self {
        let lines = RateLimiter::direct(Quota::per_second(LINES_PER_SECOND));
        Self { authorizer, metrics, in_flight: AtomicUsize::new(0), lines }
    }

    /// The methods, to be called through [`answer`](Self::answer) only: without it they know no
    /// caller and refuse.
    pub(super) fn methods(&self) -> RowndAuthServer<impl RowndAuth> {
        let methods = Methods { authorizer: self.authorizer.clone() };
        RowndAuthServer::new(methods).max_decoding_message_size(MAX_MESSAGE)
    }

    /// Answers one call.
    pub async fn answer<B>(
        &self,
        method: Method,
        peer: Option<&Peer>,
        routes: Routes,
        request: Request<B>,
    ) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let clock = Clock { door: self, method, began: Instant::now(), code: Code::Cancelled };
        let answer = self.admit(method, peer, routes, request, clock.began).await;
        let answer = answer.unwrap_or_else(|fault| fault.status().into_http());
        let Some(status) = Status::from_header_map(answer.headers()) else {
            clock.ended(Code::Ok);
            return answer;
        };
        let (answer, (code, reason)) = match fault::of_status(&status) {
            Ok(said) => (answer, said),
            Err(fault) => {
                let status = fault.status();
                let said = fault::of_status(&status).unwrap_or((Code::Internal, String::new()));
                (status.into_http(), said)
            }
        };
        self.failed(method, peer, code, &reason);
        clock.ended(code);
        answer
    }

    async fn admit<B>(
        &self,
        method: Method,
        peer: Option<&Peer>,
        routes: Routes,
        mut request: Request<B>,
        began: Instant,
    ) -> Result<Response<Body>, Fault>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let snapshot = self.authorizer.snapshot();
        let caller = identify(&snapshot, peer, request.headers()).map_err(Fault::Caller)?;
        let others = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.in_flight);
        if others >= snapshot.service().max_in_flight {
            return Err(Fault::Overloaded(snapshot.check().retry_after.get()));
        }
        let patience = time_to_answer(snapshot.service().timeout.get(), request.headers());
        let deadline = began + patience;
        let retry = snapshot.check().retry_after.get();
        request.extensions_mut().insert(Arc::new(Call { snapshot, caller, deadline }));
        let answered = AssertUnwindSafe(timeout_at(deadline, routes.oneshot(request)));
        match answered.catch_unwind().await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(_elapsed)) => Err(Fault::Late(retry)),
            Err(_panic) => {
                tracing::error!(method = method.as_str(), "a call failed by an internal error");
                Err(Fault::Internal)
            }
        }
    }

    /// Logs a call that ended in an error, and counts a caller who may not.
    fn failed(&self, method: Method, peer: Option<&Peer>, code: Code, reason: &str) {
        if code == Code::PermissionDenied {
            self.metrics.caller_refused(method, CallerRefusal::of(reason));
        }
        if self.lines.check().is_err() {
            return;
        }
        let from = match peer.map(|peer| peer.origin) {
            Some(Origin::Loopback) => "loopback",
            Some(Origin::Unix { .. }) => "unix",
            Some(Origin::Network) | None => "network",
        };
        let method = method.as_str();
        match code {
            Code::PermissionDenied => {
                tracing::warn!(method, reason, from, "a caller was refused");
            }
            Code::Unavailable | Code::ResourceExhausted | Code::Internal => {
                tracing::warn!(method, reason, from, "a call could not be answered");
            }
            _ => tracing::info!(method, reason, from, "a call was turned down"),
        }
    }
}

/// Counts and times a call. Dropped before its end it is a cancellation.
struct Clock<'a> {
    door: &'a AuthDoor,
    method: Method,
    began: Instant,
    code: Code,
}

impl Clock<'_> {
    fn ended(mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for Clock<'_> {
    fn drop(&mut self) {
        self.door.metrics.rpc_ended(self.method, self.code as usize, self.began.elapsed());
    }
}

/// Who calls. A connection of which nothing is known counts as one from another machine.
fn identify(
    snapshot: &Snapshot,
    peer: Option<&Peer>,
    headers: &HeaderMap,
) -> Result<Caller, Refusal> {
    let unknown = Peer { origin: Origin::Network, names: Vec::new() };
    let mut shown = headers.get_all(AUTHORIZATION).iter();
    let secret = match (shown.next(), shown.next()) {
        (None, _) => None,
        (Some(one), None) => Some(bearer(one.as_bytes()).ok_or(Refusal::Unknown)?),
        (Some(_), Some(_)) => return Err(Refusal::Unknown),
    };
    snapshot.callers().identify(peer.unwrap_or(&unknown), secret)
}

/// The name of a scheme has no case (RFC 9110 section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(7)?;
    let secret = rest.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !secret.is_empty()).then_some(secret)
}

/// How long there is until then.
fn time_left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

#[tonic::async_trait]
impl RowndAuth for Methods {
    async fn verify(
        &self,
        request: tonic::Request<VerifyRequest>,
    ) -> Result<tonic::Response<VerifyResponse>, Status> {
        let call = Call::of(request.extensions())?;
        Ok(verify::verify(self, &call, request.into_inner()).await?.into())
    }

    async fn exchange(
        &self,
        request: tonic::Request<ExchangeRequest>,
    ) -> Result<tonic::Response<ExchangeResponse>, Status> {
        let call = Call::of(request.extensions())?;
        Ok(exchange::exchange(&call, request.into_inner()).await?.into())
    }

    async fn build_authorization_url(
        &self,
        request: tonic::Request<BuildAuthorizationUrlRequest>,
    ) -> Result<tonic::Response<BuildAuthorizationUrlResponse>, Status> {
        let call = Call::of(request.extensions())?;
        Ok(exchange::authorization_url(&call, request.into_inner()).await?.into())
    }

    async fn get_user(
        &self,
        request: tonic::Request<GetUserRequest>,
    ) -> Result<tonic::Response<GetUserResponse>, Status> {
        let call = Call::of(request.extensions())?;
        Ok(get_user::get_user(self, &call, request.into_inner()).await?.into())
    }
}
