//! The gRPC doors: wire in, wire out.
//!
//! One hyper service that sends each call to its place: external authorization by its own short
//! way, everything else through tonic's router: RowndAuth behind its own door, which knows the
//! caller; health and reflection for whoever asks. In front of all of them each call takes a place
//! among the calls of all connections, and its messages are held to a length and to a time.

mod deadline;
pub mod ext_authz;
mod health;
mod incoming;
mod link;
mod outgoing;
pub mod rownd_auth;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;
use tonic::service::Routes;
use tower::{BoxError, ServiceExt as _};

use crate::{
    config::GrpcListener,
    metrics::{CallKind, CallRefusal, Metrics},
    model::{DenyReason, Peer},
};
use ext_authz::CheckDoor;
pub use health::{HealthTask, SERVICES};
use incoming::{Bounds, Incoming};
pub use link::Link;
use link::{Place, Shared};
pub use outgoing::{Answer, Piece};
use rownd_auth::AuthDoor;

/// The calls that last by their nature.
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const REFLECTION: &str = "/grpc.reflection.";
/// Bytes of a request that holds a name.
const NAME: usize = 4 << 10;
/// Bytes that one call of reflection may ask with.
const QUESTIONS: usize = 256 << 10;
/// How long a request of RowndAuth or health may take to come.
const REQUEST: Duration = Duration::from_secs(5);
/// How long a call of reflection may last.
const REFLECTING: Duration = Duration::from_secs(60);

/// The generated messages that arrive at the doors.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
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
            }
        }
    }
}

/// The compiled protos of this package, as reflection serves them.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Every gRPC service of one listener. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Doors {
    check: Arc<CheckDoor>,
    service: Arc<AuthDoor>,
    routes: Routes,
    shared: Arc<Shared>,
}

impl Doors {
    /// The services, and the task that reports their health.
    pub fn build(
        check: CheckDoor,
        service: AuthDoor,
        settings: &GrpcListener,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, HealthTask), String> {
        let (task, health) = HealthTask::build();
        let mut routes = Routes::new(health).add_service(service.methods());
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
        let shared = Shared::new(settings, metrics);
        Ok((Self { check, service, routes: routes.prepare(), shared }, task))
    }

    /// The same doors for the calls of one connection. A check is answered to whoever may connect;
    /// what else there is depends on the [`Peer`].
    #[must_use]
    pub fn facing(self, peer: Peer) -> Facing {
        let link = Link::new(self.shared.clone(), peer);
        Facing { doors: self, link }
    }

    /// What the messages of a call may be that is no check.
    fn bounds(path: &str) -> Bounds {
        if path.starts_with(REFLECTION) {
            let bounds = Bounds::one(CallKind::Lasting, NAME).within(REFLECTING);
            return Bounds { total: QUESTIONS, ..bounds };
        }
        match path.strip_prefix(rownd_auth::PREFIX).map(rownd_auth::find) {
            Some(Some(rpc)) => Bounds::one(CallKind::Call, rpc.max_request_bytes).within(REQUEST),
            _ if path == WATCH => Bounds::one(CallKind::Lasting, NAME).within(REQUEST),
            _ => Bounds::one(CallKind::Call, NAME).within(REQUEST),
        }
    }
}

/// The doors as one connection meets them.
#[derive(Debug, Clone)]
pub struct Facing {
    doors: Doors,
    link: Arc<Link>,
}

impl Facing {
    /// What is known of the connection.
    #[must_use]
    pub const fn link(&self) -> &Arc<Link> {
        &self.link
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Answer>, Infallible>> + Send>>;

impl<B> hyper::service::Service<Request<B>> for Facing
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, mut request: Request<B>) -> Answering {
        incoming::slim(request.headers_mut());
        if request.uri().path() == ext_authz::PATH {
            let place = self.link.enter(CallKind::Check);
            if place.is_refused() {
                // Its message and headers are not kept until its turn comes.
                let door = self.doors.check.clone();
                return Box::pin(async move { Box::pin(refuse(door, place)).await });
            }
            // Waiting for a turn counts as well, so the time is taken here.
            return Box::pin(check(self.doors.check.clone(), place, Instant::now(), request));
        }
        let bounds = Doors::bounds(request.uri().path());
        let place = self.link.enter(bounds.kind);
        if place.is_refused() {
            return Box::pin(async move {
                place.make();
                let answer = incoming::refusal(bounds.kind, CallRefusal::Streams).into_http();
                Ok(answer.map(|body| Answer::new(body, place)))
            });
        }
        let (service, routes) = (self.doors.service.clone(), self.doors.routes.clone());
        let request = request.map(|body| Incoming::new(body, place.clone(), bounds));
        Box::pin(async move {
            let path = request.uri().path().strip_prefix(rownd_auth::PREFIX);
            let method = path.map(rownd_auth::find);
            let peer = Some(place.link().peer());
            let answer = match method {
                Some(method) => service.answer(method, peer, routes, request).await,
                None => routes.oneshot(request).await?,
            };
            Ok(answer.map(|body| Answer::new(body, place)))
        })
    }
}

/// Answers one check. It begins here, when its turn has come: of a burst of calls that
/// their peer has reset already, none counts as in flight beyond the moment in which it is found
/// to be gone.
async fn check<B>(
    door: Arc<CheckDoor>,
    place: Arc<Place>,
    arrived: Instant,
    request: Request<B>,
) -> Result<Response<Answer>, Infallible>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let seat = place.link().sit();
    let pending = door.begin_since(arrived, seat.others());
    let bounds = Bounds::one(CallKind::Check, door.max_message_bytes());
    let request = request.map(|body| Incoming::new(body, place.clone(), bounds));
    let (answer, judged) = door.respond_to(&pending, request).await;
    if judged {
        place.link().judged();
    }
    // The message is judged and gone; what is left is the answer.
    place.put_bytes_back();
    drop((pending, seat));
    Ok(answer.map(|body| Answer::new(body, place)))
}

/// Denies one check that found no place.
async fn refuse(door: Arc<CheckDoor>, place: Arc<Place>) -> Result<Response<Answer>, Infallible> {
    place.make();
    let answer = door.deny(&door.begin(), DenyReason::Overloaded).await;
    Ok(answer.map(|body| Answer::new(body, place)))
}
