//! The door of the service: who calls, may they, how many calls there are, until when.

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
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status, body::Body, service::Routes};
use tower::{BoxError, ServiceExt as _};

use super::{
    apps::{self, AppMethods},
    call::ServiceCall,
    caller::{LoggedCaller, identify},
    caller_refusal::CallerRefusal,
    events::{EVENT_SERVICE, EventMethods},
    fault::{self, Fault},
    groups::{self, GroupMethods},
    kept_writes::Writes,
    methods::Methods,
    oidc_clients::{OIDC_CLIENTS, OidcClientMethods},
    reason::ErrorReason,
    rpc::Rpc,
    table::ROWND_AUTH,
    users::{USER_SERVICE, UserMethods},
};
use crate::{
    authz::{Authorizer, Caller, UNKNOWN_CALLER},
    blocking::BlockingRunner,
    events::Ring,
    grpc::{
        compression,
        deadline::{is_shorter, time_to_answer},
        pb::rownd::auth::v1::{
            app_service_server::AppServiceServer, event_service_server::EventServiceServer,
            group_service_server::GroupServiceServer,
            oidc_client_service_server::OidcClientServiceServer,
            rownd_auth_server::RowndAuthServer, user_service_server::UserServiceServer,
        },
        request_body::body_error,
    },
    log_throttle::LogThrottle,
    metrics::{Metrics, RpcLabel},
    model::Peer,
};

/// Log lines a second for the errors of one code: a caller that is refused tries again.
const LINES_PER_SECOND: u32 = 10;
/// The status codes of gRPC are numbered from 0 to 16.
const CODES: usize = 17;

/// The door of the service: it knows the caller, counts the calls and holds the deadline.
pub struct AuthDoor {
    authorizer: Arc<Authorizer>,
    writes: Arc<Writes>,
    blocking: BlockingRunner,
    metrics: Arc<Metrics>,
    ring: Option<Arc<Ring>>,
    in_flight: AtomicUsize,
    /// Those of them that may ask an issuer.
    asking_issuer: AtomicUsize,
    /// The limits of the log, by gRPC status code.
    throttles: Vec<LogThrottle>,
}

impl std::fmt::Debug for AuthDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthDoor").finish_non_exhaustive()
    }
}

/// One of the calls in flight, until it is dropped.
struct CallInFlight<'a>(&'a AtomicUsize);

impl<'a> CallInFlight<'a> {
    /// `None`: there are `max` already.
    fn begin(count: &'a AtomicUsize, max: usize) -> Option<Self> {
        let call = Self(count);
        (count.fetch_add(1, Ordering::Relaxed) < max).then_some(call)
    }
}

impl Drop for CallInFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl AuthDoor {
    /// The door in front of this authorizer.
    #[must_use]
    pub fn build(
        authorizer: Arc<Authorizer>,
        writes: Arc<Writes>,
        blocking: BlockingRunner,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            authorizer,
            writes,
            blocking,
            metrics,
            ring: None,
            in_flight: AtomicUsize::new(0),
            asking_issuer: AtomicUsize::new(0),
            throttles: (0..CODES).map(|_| LogThrottle::per_second(LINES_PER_SECOND)).collect(),
        }
    }

    /// With the events for `StreamEvents`, where a sink keeps them.
    #[must_use]
    pub fn with_events(mut self, ring: Option<Arc<Ring>>) -> Self {
        self.ring = ring;
        self
    }

    /// Adds the services, whose methods are to be called through [`answer`](Self::answer) only.
    pub(crate) fn add_services(&self, routes: Routes) -> Routes {
        let authorizer = &self.authorizer;
        let rownd_auth = RowndAuthServer::new(Methods { authorizer: authorizer.clone() })
            .max_decoding_message_size(ROWND_AUTH.max_request_bytes());
        let groups = GroupServiceServer::new(GroupMethods { authorizer: authorizer.clone() })
            .max_decoding_message_size(groups::SERVICE.max_request_bytes());
        let apps = AppServiceServer::new(AppMethods)
            .max_decoding_message_size(apps::SERVICE.max_request_bytes());
        let oidc_clients =
            OidcClientServiceServer::new(OidcClientMethods::new(self.blocking.clone()))
                .max_decoding_message_size(OIDC_CLIENTS.max_request_bytes());
        let users = UserServiceServer::new(UserMethods::new(authorizer.clone()))
            .max_decoding_message_size(USER_SERVICE.max_request_bytes());
        let events =
            EventServiceServer::new(EventMethods::new(authorizer.clone(), self.ring.clone()))
                .max_decoding_message_size(EVENT_SERVICE.max_request_bytes());
        routes
            .add_service(rownd_auth)
            .add_service(users)
            .add_service(oidc_clients)
            .add_service(groups)
            .add_service(apps)
            .add_service(events)
    }

    /// Answers one call. `method` is `None` where no method has the name that was called.
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
        let timer = CallTimer { door: self, label, began: Instant::now(), code: Code::Cancelled };
        let from = LoggedCaller { name: UNKNOWN_CALLER, peer };
        let Some(method) = method else {
            let status = Fault::NoMethod.status();
            self.log_failure(
                (None, label),
                &from,
                status.code(),
                ErrorReason::MethodUnknown.word(),
            );
            timer.ended(status.code());
            return status.into_http();
        };
        // A fault of the transport, which says nothing about the rights of a caller.
        if compression::is_possible(request.headers()) {
            let status = compression::refusal();
            self.log_failure((Some(method), label), &from, status.code(), compression::UNSUPPORTED);
            timer.ended(status.code());
            return status.into_http();
        }
        let service = self.authorizer.service();
        let caller = identify(&service, peer, request.headers());
        let name = caller.as_ref().map_or(UNKNOWN_CALLER, Caller::name).to_owned();
        let from = LoggedCaller { name: &name, peer };
        let mut hurried = false;
        let answer = match caller {
            Ok(caller) => {
                let (own, deadline) = (service.settings().timeout.get(), timer.began);
                hurried = is_shorter(request.headers(), own);
                let writes = self.writes.clone();
                let call = ServiceCall { service, writes, caller, deadline, hurried };
                self.call(method, call, routes, request).await
            }
            Err(refusal) => Err(Fault::Caller(refusal)),
        };
        let answer = answer.unwrap_or_else(|fault| fault.status().into_http());
        let Some(status) = Status::from_header_map(answer.headers()) else {
            tracing::debug!(method = method.name, caller = name, "a call was answered");
            timer.ended(Code::Ok);
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
        self.log_failure((Some(method), label), &from, code, &reason);
        timer.ended(code);
        answer
    }

    async fn call<B>(
        &self,
        method: &Rpc,
        mut call: ServiceCall,
        routes: Routes,
        request: Request<B>,
    ) -> Result<Response<Body>, Fault>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        // A caller without any of the rights need not send a message.
        call.may(method.rights)?;
        // Only a complete call counts as in flight: one whose message never comes holds up no other.
        let mut request = match read_message(request).await {
            Ok(request) => request,
            Err(status) => return Ok(status.into_http()),
        };
        let (settings, retry) = (call.service.settings(), call.retry_after());
        let max = settings.max_in_flight;
        let in_flight =
            CallInFlight::begin(&self.in_flight, max).ok_or(Fault::Overloaded(retry))?;
        // An issuer that hangs must not keep other calls from verifying tokens.
        let asking_issuer = method.asks_issuer.then(|| {
            let max = (max / 4 * 3).max(1);
            CallInFlight::begin(&self.asking_issuer, max).ok_or(Fault::Overloaded(retry))
        });
        let _in_flight = (in_flight, asking_issuer.transpose()?);
        let deadline = call.deadline + time_to_answer(settings.timeout.get(), request.headers());
        call.deadline = deadline;
        request.extensions_mut().insert(Arc::new(call));
        match ended_by(deadline, retry, routes.oneshot(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(never)) => match never {},
            Err(fault) => {
                if matches!(fault, Fault::Internal) {
                    tracing::error!(method = method.name, "a call failed because of a panic");
                }
                Err(fault)
            }
        }
    }

    /// Logs a call that ended in an error, and counts a caller that was refused.
    fn log_failure(
        &self,
        (method, label): (Option<&Rpc>, RpcLabel),
        from: &LoggedCaller<'_>,
        code: Code,
        reason: &str,
    ) {
        if code == Code::PermissionDenied {
            self.metrics.caller_refused(label, CallerRefusal::of(reason));
        }
        let throttle = self.throttles.get(code as usize);
        let Some(dropped) = throttle.and_then(LogThrottle::admit) else { return };
        // A call that must not be repeated may have taken effect anyway.
        let repeatable = method.is_none_or(|rpc| rpc.repeatable);
        let method = method.map_or("unknown", |rpc| rpc.name);
        let (caller, from) = (from.name, from.origin());
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
            _ => tracing::info!(method, reason, caller, from, dropped, "a call was refused"),
        }
    }
}

/// The output of a call; or why there is none: it took too long, or it panicked.
async fn ended_by<F: Future>(
    deadline: Instant,
    retry: Duration,
    work: F,
) -> Result<F::Output, Fault> {
    match AssertUnwindSafe(timeout_at(deadline, work)).catch_unwind().await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(_elapsed)) => Err(Fault::Late(retry)),
        Err(_panic) => Err(Fault::Internal),
    }
}

/// The request with its whole message, for which there is a time limit of its own.
async fn read_message<B>(request: Request<B>) -> Result<Request<Full<Bytes>>, Status>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(body_error)?;
    Ok(Request::from_parts(parts, Full::new(body.to_bytes())))
}

/// Counts and times a call. A call that is dropped before its end counts as cancelled.
struct CallTimer<'a> {
    door: &'a AuthDoor,
    label: RpcLabel,
    began: Instant,
    code: Code,
}

impl CallTimer<'_> {
    fn ended(mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for CallTimer<'_> {
    fn drop(&mut self) {
        self.door.metrics.rpc_ended(self.label, self.code as usize, self.began.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;
    use tonic::Code;

    use super::ended_by;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_call_that_panics_is_internal_and_one_that_hangs_is_late() {
        let soon = || Instant::now() + SECOND;
        assert_eq!(ended_by(soon(), SECOND, async { 7 }).await.ok(), Some(7));
        let panicked = ended_by::<_>(soon(), SECOND, async { panic!("in a call") }).await;
        let later = ended_by::<_>(soon(), SECOND, async {
            tokio::task::yield_now().await;
            panic!("after a wait")
        })
        .await;
        let hung = ended_by(soon(), SECOND, std::future::pending::<()>()).await;
        let codes =
            [panicked.err(), later.err(), hung.err()].map(|fault| fault.unwrap().status().code());
        assert_eq!(codes, [Code::Internal, Code::Internal, Code::Unavailable]);
    }
}
