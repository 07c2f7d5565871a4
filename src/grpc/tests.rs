//! What the doors hand on to the services behind them.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::service::Service as _;
use tonic::{body::Body, server::NamedService, service::Routes};

use super::{Doors, ext_authz};
use crate::model::{Origin, Peer, PeerName};

/// A service that remembers who called.
#[derive(Clone, Default)]
struct Probe(Arc<Mutex<Option<Peer>>>);

impl NamedService for Probe {
    const NAME: &'static str = "test.Probe";
}

impl tower::Service<Request<Body>> for Probe {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        *self.0.lock().unwrap() = request.extensions().get::<Arc<Peer>>().map(|p| (**p).clone());
        ready(Ok(Response::new(Body::empty())))
    }
}

#[tokio::test]
async fn a_service_learns_who_is_at_the_other_end_of_the_connection() {
    let (check, _) = ext_authz::tests::door("{}");
    let probe = Probe::default();
    let routes = Routes::new(probe.clone()).prepare();
    let doors = Doors { check: Arc::new(check), routes, peer: None };
    let envoy = PeerName::Uri("spiffe://cluster.local/ns/edge/sa/envoy".to_owned());
    for peer in [
        Peer { origin: Origin::Network, names: vec![envoy, PeerName::Dns("envoy.edge".into())] },
        Peer { origin: Origin::Unix { uid: 1000, gid: 100 }, names: Vec::new() },
        Peer { origin: Origin::Loopback, names: Vec::new() },
    ] {
        let request = Request::post("/test.Probe/Call").body(Empty::<Bytes>::new()).unwrap();
        let answer = doors.clone().facing(peer.clone()).call(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(probe.0.lock().unwrap().take(), Some(peer));
    }
}
