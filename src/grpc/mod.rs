//! The gRPC doors: wire in, wire out.
//!
//! One hyper service that sends each call to its door: external authorization by its own short
//! way, everything else through tonic's router: RowndAuth behind its own door, which knows the
//! caller; health and reflection for every caller. In front of all of them each call takes a slot of
//! the budget of all connections, and its messages are held to a length and to a time.

mod budget;
mod call_label;
mod compression;
mod deadline;
pub mod ext_authz;
mod health;
mod request_body;
mod response_body;
pub mod rownd_auth;
#[cfg(test)]
mod tests;
mod web;

use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;
use tonic::service::Routes;
use tower::{BoxError, ServiceExt as _};

use crate::{
    config::GrpcListener,
    metrics::{LabelValues, Labels, Metrics},
    model::{DenyReason, Peer},
};
pub use budget::ConnectionBudget;
use budget::{CallSlot, CheckInProgress, ListenerBudget};
use call_label::{CallKind, CallRefusal};
use ext_authz::CheckDoor;
pub use health::{HealthTask, SERVICES};
use request_body::{BodyBounds, BoundedBody};
pub use response_body::{CountedBody, CountedBytes};
use rownd_auth::AuthDoor;
pub use web::{WebConnection, WebDoors};

/// The calls that stay open.
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const REFLECTION: &str = "/grpc.reflection.";
/// The most bytes of a request that holds a name.
const NAME_BYTES: usize = 4 << 10;
/// The most bytes of all requests of one call of reflection.
const REFLECTION_BYTES: usize = 256 << 10;
/// How long a request of RowndAuth or health may take to come.
const REQUEST_TIME: Duration = Duration::from_secs(5);
/// How long a call of reflection may last.
const REFLECTION_TIME: Duration = Duration::from_secs(60);

/// The generated messages that arrive at the doors.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::missing_errors_doc,
    clippy::too_many_lines,
    reason = "generated code"
)]
pub mod pb {
    /// Envoy's own packages, as far as they are read.
    pub mod envoy {
        pub mod config {
            pub mod core {
                pub mod v3 {
                    tonic::include_proto!("envoy.config.core.v3");
                }
            }
        }
        pub mod service {
            pub mod auth {
                pub mod v3 {
                    tonic::include_proto!("envoy.service.auth.v3");
                }
            }
        }
    }
    pub use envoy::service::auth::v3::*;
    /// The service for backends.
    pub mod rownd {
        pub mod auth {
            pub mod v1 {
                tonic::include_proto!("rownd.auth.v1");
                include!(concat!(env!("OUT_DIR"), "/redacted.rs"));
            }
        }
    }
}

/// The compiled protos of this package, as reflection serves them.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Adds the labels of this room.
pub fn add_labels(labels: &mut Labels) {
    labels.call_kinds = LabelValues::of::<CallKind>();
    labels.call_refusals = LabelValues::of::<CallRefusal>();
    labels.rpcs = rownd_auth::rpcs().map(|rpc| rpc.name).collect();
    labels.caller_refusals = LabelValues::of::<rownd_auth::CallerRefusal>();
}

/// Every gRPC service of one listener. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Doors {
    check: Arc<CheckDoor>,
    service: Arc<AuthDoor>,
    routes: Routes,
    budget: Arc<ListenerBudget>,
}

impl Doors {
    /// The services, and the task that reports their health.
    ///
    /// # Errors
    ///
    /// Fails where reflection cannot read the compiled protos, which the build makes.
    pub fn build(
        check: CheckDoor,
        service: AuthDoor,
        settings: &GrpcListener,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, HealthTask), String> {
        let (task, health) = HealthTask::build();
        let mut routes = service.add_services(Routes::new(health));
        if settings.reflection {
            let builder = || {
                tonic_reflection::server::Builder::configure()
                    .register_encoded_file_descriptor_set(DESCRIPTORS)
                    .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                    // So that the details of an error can be read.
                    .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            };
            let v1 = builder().build_v1().map_err(|error| error.to_string())?;
            let v1alpha = builder().build_v1alpha().map_err(|error| error.to_string())?;
            routes = routes.add_service(v1).add_service(v1alpha);
        }
        let (check, service) = (Arc::new(check), Arc::new(service));
        let budget = ListenerBudget::new(settings, metrics);
        Ok((Self { check, service, routes: routes.prepare(), budget }, task))
    }

    /// The same doors for the calls of one connection. Every peer that can connect may ask for a
    /// check; what else it may call depends on the [`Peer`].
    #[must_use]
    pub fn for_connection(self, peer: Peer) -> ConnectionDoors {
        let budget = ConnectionBudget::new(self.budget.clone(), peer);
        ConnectionDoors { doors: self, budget }
    }

    /// The bounds of the messages of a call that is no check.
    fn bounds(path: &str) -> BodyBounds {
        if path.starts_with(REFLECTION) {
            let bounds = BodyBounds::one(CallKind::Lasting, NAME_BYTES).within(REFLECTION_TIME);
            return BodyBounds { total: REFLECTION_BYTES, ..bounds };
        }
        match rownd_auth::find(path) {
            Some(Some(rpc)) if rpc.is_stream() => {
                BodyBounds::one(CallKind::Lasting, rpc.max_request_bytes).within(REQUEST_TIME)
            }
            Some(Some(rpc)) => {
                BodyBounds::one(CallKind::Call, rpc.max_request_bytes).within(REQUEST_TIME)
            }
            _ if path == WATCH => {
                BodyBounds::one(CallKind::Lasting, NAME_BYTES).within(REQUEST_TIME)
            }
            _ => BodyBounds::one(CallKind::Call, NAME_BYTES).within(REQUEST_TIME),
        }
    }
}

/// The doors as one connection meets them.
#[derive(Debug, Clone)]
pub struct ConnectionDoors {
    doors: Doors,
    budget: Arc<ConnectionBudget>,
}

impl ConnectionDoors {
    /// The connection's share of what all have together.
    #[must_use]
    pub const fn budget(&self) -> &Arc<ConnectionBudget> {
        &self.budget
    }
}

type ResponseFuture =
    Pin<Box<dyn Future<Output = Result<Response<CountedBody>, Infallible>> + Send>>;

impl<B> hyper::service::Service<Request<B>> for ConnectionDoors
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    type Response = Response<CountedBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn call(&self, mut request: Request<B>) -> ResponseFuture {
        request_body::drop_unread_headers(request.headers_mut());
        if request.uri().path() == ext_authz::PATH {
            let slot = CallSlot::take(&self.budget, CallKind::Check);
            if slot.is_refused() {
                // Its message and headers are dropped now, not when its turn comes.
                let door = self.doors.check.clone();
                return Box::pin(async move { Ok(refuse(&door, slot)) });
            }
            // Waiting for a turn counts as well, so the time is taken here.
            return Box::pin(check(self.doors.check.clone(), slot, Instant::now(), request));
        }
        let bounds = Doors::bounds(request.uri().path());
        let slot = CallSlot::take(&self.budget, bounds.kind);
        if slot.is_refused() {
            return Box::pin(async move {
                slot.refusal_written();
                let status = request_body::refusal_status(bounds.kind, CallRefusal::Streams);
                Ok(status.into_http().map(|body| CountedBody::new(body, slot)))
            });
        }
        let (service, routes) = (self.doors.service.clone(), self.doors.routes.clone());
        let request = request.map(|body| BoundedBody::new(body, slot.clone(), bounds));
        Box::pin(async move {
            let method = rownd_auth::find(request.uri().path());
            let peer = Some(slot.connection().peer());
            let response = match method {
                Some(method) => service.answer(method, peer, routes, request).await,
                None if compression::is_possible(request.headers()) => {
                    slot.count_refusal(CallRefusal::Compressed);
                    compression::refusal().into_http()
                }
                None => routes.oneshot(request).await?,
            };
            Ok(response.map(|body| CountedBody::new(body, slot)))
        })
    }
}

/// Answers one check. It begins here, when its turn has come: of a burst of calls that
/// their peer has reset already, none counts as in flight beyond the moment in which it is found
/// to be gone.
async fn check<B>(
    door: Arc<CheckDoor>,
    slot: Arc<CallSlot>,
    arrived: Instant,
    request: Request<B>,
) -> Result<Response<CountedBody>, Infallible>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let in_progress = CheckInProgress::begin(slot.connection());
    let pending = door.begin_since(arrived, in_progress.others());
    let bounds = BodyBounds::one(CallKind::Check, door.max_message_bytes());
    let request = request.map(|body| BoundedBody::new(body, slot.clone(), bounds));
    let (answer, judged) = door.respond_to(&pending, request).await;
    if judged {
        slot.connection().check_judged();
    }
    // The message is judged and gone; what is left is the answer.
    slot.put_bytes_back();
    drop((pending, in_progress));
    Ok(answer.map(|body| CountedBody::new(body, slot)))
}

/// Denies one check that found no slot.
fn refuse(door: &CheckDoor, slot: Arc<CallSlot>) -> Response<CountedBody> {
    slot.refusal_written();
    let answer = door.deny(&door.begin(), DenyReason::Overloaded);
    answer.map(|body| CountedBody::new(body, slot))
}
