//! The service for backends, `rownd.auth.v1.RowndAuth`.
//!
//! In: a call and the other end of its connection. Out: an answer, or a status whose details say
//! what went wrong and whether to come again. The door comes first: who calls, may they, how many
//! calls there are, until when. Behind it each method decodes, asks one room, and encodes.

mod bounds;
mod convert;
mod exchange;
mod fault;
mod get_user;
mod pick;
mod structure;
mod table;
#[cfg(test)]
mod tests;
mod verify;

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use http_body_util::{BodyExt as _, Full};
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Extensions, Status, body::Body, service::Routes};
use tower::{BoxError, ServiceExt as _};

use super::{
    deadline::{is_shorter, time_to_answer},
    incoming::broken,
    pb::rownd::auth::v1::{
        BuildAuthorizationUrlRequest, BuildAuthorizationUrlResponse, ExchangeRequest,
        ExchangeResponse, GetUserRequest, GetUserResponse, VerifyRequest, VerifyResponse,
        rownd_auth_server::{RowndAuth, RowndAuthServer},
    },
};
use crate::{
    authz::{Authorizer, Caller, NOBODY, Refusal, Snapshot},
    config::Right,
    log_throttle::LogThrottle,
    metrics::{CallerRefusal, Metrics, RpcLabel},
    model::{Denial, Origin, Peer},
};
use fault::Fault;
pub use table::{RPCS, Rpc, find};

/// The path of every method, less its name.
pub const PREFIX: &str = "/rownd.auth.v1.RowndAuth/";
/// Log lines a second for the errors of one code: a caller that is refused tries again.
const LINES_PER_SECOND: u32 = 10;
/// gRPC's status codes are numbered from 0 up to here.
const CODES: usize = 17;
/// What is asked of an issuer ends this much before a call that began with it.
const MARGIN: Duration = Duration::from_millis(50);

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
    /// The deadline is the caller's own.
    hurried: bool,
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

    /// How long something may take that is asked of an issuer, by our own settings: so that its
    /// end is ours to tell. The caller's deadline cuts it off, and does not shorten it: an issuer
    /// that answers has not failed because somebody could not wait.
    fn patience(&self) -> Duration {
        let own = self.snapshot.service().timeout.get();
        own.saturating_sub(2 * MARGIN).max(own / 2)
    }

    /// It cannot be decided now; where the caller's own time is over, that is the reason.
    fn undecided(&self, denial: Denial) -> Fault {
        if self.hurried && Instant::now() >= self.deadline {
            Fault::Late(self.retry())
        } else {
            Fault::undecided(denial, self.retry())
        }
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
    /// Those of them that may ask an issuer.
    asking: AtomicUsize,
    /// The limits of the log, by gRPC status code.
    throttles: Vec<LogThrottle>,
}

impl std::fmt::Debug for AuthDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthDoor").finish_non_exhaustive()
    }
}

/// A place among the calls in flight, until it is dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    /// One of so many.
    fn take(taken: &'a AtomicUsize, most: usize) -> Option<Self> {
        let place = Self(taken);
        (taken.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl AuthDoor {
    /// Before this authorizer.
    #[must_use]
    pub fn build(authorizer: Arc<Authorizer>, metrics: Arc<Metrics>) -> Self {
        Self {
            authorizer,
            metrics,
            in_flight: AtomicUsize::new(0),
            asking: AtomicUsize::new(0),
            throttles: (0..CODES).map(|_| LogThrottle::per_second(LINES_PER_SECOND)).collect(),
        }
    }

    /// The methods, to be called through [`answer`](Self::answer) only: without it they know no
    /// caller and refuse.
    pub(super) fn methods(&self) -> RowndAuthServer<impl RowndAuth> {
        let methods = Methods { authorizer: self.authorizer.clone() };
        RowndAuthServer::new(methods).max_decoding_message_size(table::max_request_bytes())
    }

    /// Answers one call. Without a method there is nothing behind the name that was called.
    pub async fn answer<B>(
        &self,
        method: Option<&'static Rpc>,
        peer: Option<&Peer>,
        routes: Routes,
        request: Request<B>,
    ) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let label = self.metrics.rpc(method.map(|rpc| rpc.name));
        let clock = Clock { door: self, label, began: Instant::now(), code: Code::Cancelled };
        let Some(method) = method else {
            let status = Fault::NoMethod.status();
            let from = Visitor { name: NOBODY, peer };
            self.failed((None, label), &from, status.code(), fault::NO_METHOD);
            clock.ended(status.code());
            return status.into_http();
        };
        let snapshot = self.authorizer.snapshot();
        let caller = identify(&snapshot, peer, request.headers());
        let name = caller.as_ref().map_or(NOBODY, Caller::name).to_owned();
        let from = Visitor { name: &name, peer };
        let mut hurried = false;
        let answer = match caller {
            Ok(caller) => {
                let (own, deadline) = (snapshot.service().timeout.get(), clock.began);
                hurried = is_shorter(request.headers(), own);
                let call = Call { snapshot, caller, deadline, hurried };
                self.admit(method, call, routes, request).await
            }
            Err(refusal) => Err(Fault::Caller(refusal)),
        };
        let answer = answer.unwrap_or_else(|fault| fault.status().into_http());
        let Some(status) = Status::from_header_map(answer.headers()) else {
            tracing::debug!(method = method.name, caller = name, "a call was answered");
            clock.ended(Code::Ok);
            return answer;
        };
        let (answer, (code, reason)) = match fault::of_status(&status, hurried) {
            Ok(said) => (answer, said),
            Err(fault) => {
                let status = fault.status();
                let said = fault::of_status(&status, hurried);
                (status.into_http(), said.unwrap_or((Code::Internal, String::new())))
            }
        };
        self.failed((Some(method), label), &from, code, &reason);
        clock.ended(code);
        answer
    }

    async fn admit<B>(
        &self,
        method: &Rpc,
        mut call: Call,
        routes: Routes,
        request: Request<B>,
    ) -> Result<Response<Body>, Fault>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        // Who may do nothing of the kind need not send a message.
        call.may(method.rights)?;
        // A place is for a call that can be answered: one whose message never comes takes none.
        let mut request = match complete(request).await {
            Ok(request) => request,
            Err(status) => return Ok(status.into_http()),
        };
        let (service, retry) = (call.snapshot.service(), call.retry());
        let most = service.max_in_flight;
        let place = Place::take(&self.in_flight, most).ok_or(Fault::Overloaded(retry))?;
        // An issuer that hangs must not keep anybody from verifying tokens.
        let asking = method.asks_issuer.then(|| {
            Place::take(&self.asking, (most / 4 * 3).max(1)).ok_or(Fault::Overloaded(retry))
        });
        let _places = (place, asking.transpose()?);
        let deadline = call.deadline + time_to_answer(service.timeout.get(), request.headers());
        call.deadline = deadline;
        request.extensions_mut().insert(Arc::new(call));
        let answered = AssertUnwindSafe(timeout_at(deadline, routes.oneshot(request)));
        match answered.catch_unwind().await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(_elapsed)) => Err(Fault::Late(retry)),
            Err(_panic) => {
                tracing::error!(method = method.name, "a call failed by an internal error");
                Err(Fault::Internal)
            }
        }
    }

    /// Logs a call that ended in an error, and counts a caller who may not.
    fn failed(
        &self,
        (method, label): (Option<&Rpc>, RpcLabel),
        from: &Visitor<'_>,
        code: Code,
        reason: &str,
    ) {
        if code == Code::PermissionDenied {
            self.metrics.caller_refused(label, CallerRefusal::of(reason));
        }
        let throttle = self.throttles.get(code as usize);
        let Some(dropped) = throttle.and_then(LogThrottle::admit) else { return };
        // One that may not be repeated may have taken effect all the same.
        let repeatable = method.is_none_or(|rpc| rpc.repeatable);
        let method = method.map_or("unknown", |rpc| rpc.name);
        let (caller, from) = (from.name, from.place());
        match code {
            Code::PermissionDenied => {
                tracing::warn!(method, reason, caller, from, dropped, "a caller was refused");
            }
            Code::Unavailable | Code::ResourceExhausted | Code::Internal => {
                tracing::warn!(
                    method,
                    reason,
                    caller,
                    from,
                    repeatable,
                    dropped,
                    "a call was not answered"
                );
            }
            _ => tracing::info!(method, reason, caller, from, dropped, "a call was turned down"),
        }
    }
}

/// Who calls, for the log.
struct Visitor<'a> {
    name: &'a str,
    peer: Option<&'a Peer>,
}

impl Visitor<'_> {
    fn place(&self) -> String {
        match self.peer.map(|peer| peer.origin) {
            Some(Origin::Loopback) => "loopback".to_owned(),
            Some(Origin::Unix { uid, .. }) => format!("uid {uid}"),
            Some(Origin::Network) | None => "network".to_owned(),
        }
    }
}

/// The call with its whole message, for which there is a time of its own.
async fn complete<B>(request: Request<B>) -> Result<Request<Full<Bytes>>, Status>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(broken)?;
    Ok(Request::from_parts(parts, Full::new(body.to_bytes())))
}

/// Counts and times a call. Dropped before its end it is a cancellation.
struct Clock<'a> {
    door: &'a AuthDoor,
    label: RpcLabel,
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
        self.door.metrics.rpc_ended(self.label, self.code as usize, self.began.elapsed());
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
        Ok(exchange::exchange(self, &call, request.into_inner()).await?.into())
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
