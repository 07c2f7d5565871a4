//! The gRPC doors: wire in, wire out.
//!
//! One hyper service that sends each call to its place: external authorization by its own short
//! way, everything else through tonic's router: RowndAuth behind its own door, which knows the
//! caller; health and reflection for whoever asks.

mod deadline;
pub mod ext_authz;
mod health;
pub mod rownd_auth;

use std::{convert::Infallible, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use tonic::{body::Body, service::Routes};
use tower::{BoxError, ServiceExt as _};

use crate::{metrics::Method, model::Peer};
use ext_authz::CheckDoor;
pub use health::{HealthTask, SERVICES};
use rownd_auth::AuthDoor;

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
    peer: Option<Arc<Peer>>,
}

impl Doors {
    /// The services, and the task that reports their health.
    pub fn build(
        check: CheckDoor,
        service: AuthDoor,
        reflection: bool,
    ) -> Result<(Self, HealthTask), String> {
        let (task, health) = HealthTask::build();
        let mut routes = Routes::new(health).add_service(service.methods());
        if reflection {
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
        Ok((Self { check, service, routes: routes.prepare(), peer: None }, task))
    }
}

impl Doors {
    /// The same doors for the calls of one connection. A check is answered to whoever may connect;
    /// what else there is depends on the [`Peer`].
    #[must_use]
    pub fn facing(mut self, peer: Peer) -> Self {
        self.peer = Some(Arc::new(peer));
        self
    }
}

impl<B> hyper::service::Service<Request<B>> for Doors
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        if request.uri().path() == ext_authz::PATH {
            // The ticket is taken here, on arrival, so that waiting for a turn counts too.
            let ticket = self.check.begin();
            let door = self.check.clone();
            return Box::pin(async move { Ok(door.answer(ticket, request).await) });
        }
        let routes = self.routes.clone();
        if let Some(method) = request.uri().path().strip_prefix(rownd_auth::PREFIX) {
            let (method, service) = (Method::of(method), self.service.clone());
            let peer = self.peer.clone();
            return Box::pin(async move {
                Ok(service.answer(method, peer.as_deref(), routes, request).await)
            });
        }
        Box::pin(async move { routes.oneshot(request).await })
    }
}
