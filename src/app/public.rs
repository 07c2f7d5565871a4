//! The listener `http`: what other programs read, and the calls of backends.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use futures_util::{FutureExt as _, future::BoxFuture};

use super::{
    BuildError,
    http1::{Http1Limits, Http1Peer},
    phase::Phase,
    socket::{BoundSocket, SocketPeer},
    tls::{self, ListenerTls},
};
use crate::{
    authz::Authorizer,
    blocking::BlockingRunner,
    config::{Config, HttpGroup, HttpListener, ListenAddress},
    grpc::{Doors, WebConnection, WebDoors},
    http::{
        inbound::{Inbound, InboundPeer},
        public::{self, OtherPaths, PublicState},
    },
    model::Warning,
};

/// The limits of the listener `http` for documents.
const LIMITS: Http1Limits = Http1Limits {
    name: "http",
    max_connections: 64,
    max_closing: 8,
    lifetime: Duration::from_secs(60),
    headers: Duration::from_secs(2),
    last_request: Duration::from_millis(300),
    ends: Phase::Ending,
};

/// The bound listener, and what it serves.
#[derive(Debug)]
pub(super) struct PublicSocket {
    pub(super) socket: BoundSocket,
    pub(super) tls: Option<Arc<ListenerTls>>,
    settings: HttpListener,
    rpcs: Option<WebDoors>,
}

impl PublicSocket {
    /// Binds it, if it is configured. The calls of backends go through these doors.
    pub(super) async fn bind(
        settings: Option<&HttpListener>,
        doors: &Doors,
        blocking: &BlockingRunner,
    ) -> Result<Option<Self>, BuildError> {
        let Some(settings) = settings else { return Ok(None) };
        let build = |_| WebDoors::build(doors, settings, blocking.clone());
        let rpcs = settings.place_of(HttpGroup::Rpc).map(build);
        let rpcs = rpcs.transpose().map_err(BuildError::Part)?;
        let tls = settings.tls.as_ref().map(|settings| ListenerTls::build(tls::HTTP, settings));
        let tls = tls.transpose().map_err(BuildError::Part)?;
        let setting = "listeners.http.address";
        let socket = BoundSocket::bind(setting, &settings.address, settings.socket_mode).await?;
        Ok(Some(Self { socket, tls, settings: settings.clone(), rpcs }))
    }

    pub(super) const fn address(&self) -> &ListenAddress {
        self.socket.address()
    }

    /// Whether the calls of backends are among what it serves.
    pub(super) const fn answers_calls(&self) -> bool {
        self.rpcs.is_some()
    }

    /// Its limits. Connections of callers live long, and their calls are answered before they end.
    pub(super) fn limits(&self) -> Http1Limits {
        let limits = Http1Limits { max_connections: self.settings.max_connections, ..LIMITS };
        if self.rpcs.is_none() {
            let groups = [HttpGroup::TokenValidator, HttpGroup::Webhooks];
            return if groups.into_iter().any(|group| self.settings.place_of(group).is_some()) {
                // An answer about a token takes at most 10 s, the body before it 5 s.
                Http1Limits { last_request: Duration::from_secs(16), ..limits }
            } else {
                limits
            };
        }
        Http1Limits {
            lifetime: Duration::from_secs(1800),
            headers: Duration::from_secs(90),
            // A call takes at most two minutes (rownd_auth.timeout).
            last_request: Duration::from_secs(125),
            ends: Phase::Closing,
            ..limits
        }
    }

    /// The routes for each peer.
    pub(super) fn routes(
        &self,
        authorizer: &Arc<Authorizer>,
        inbound: Option<Arc<Inbound>>,
    ) -> impl Fn(Http1Peer) -> Router + use<> {
        let state = PublicState::new(&self.settings, authorizer.clone());
        let rpcs = self.rpcs.clone();
        move |peer| {
            let mut others: Vec<Arc<dyn OtherPaths>> = Vec::with_capacity(2);
            if let Some(inbound) = inbound.clone() {
                let address = match peer.socket {
                    SocketPeer::Tcp(address) => Some(address),
                    SocketPeer::Unix { .. } => None,
                };
                let peer = InboundPeer { address, names: peer.names.clone() };
                others.push(Arc::new(InboundPaths { inbound, peer: Arc::new(peer) }));
            }
            if let Some(rpcs) = &rpcs {
                others.push(Arc::new(Rpcs(rpcs.for_connection(peer.names))));
            }
            public::router(state.clone().with(others))
        }
    }
}

/// The paths that other servers call, on one connection.
struct InboundPaths {
    inbound: Arc<Inbound>,
    peer: Arc<InboundPeer>,
}

impl OtherPaths for InboundPaths {
    fn serve(&self, path: &str) -> bool {
        self.inbound.serves(path)
    }

    fn answer(&self, request: Request) -> BoxFuture<'static, Response> {
        let (inbound, peer) = (self.inbound.clone(), self.peer.clone());
        async move { inbound.answer(&peer, request).await }.boxed()
    }
}

/// The calls of backends on one connection.
struct Rpcs(WebConnection);

impl OtherPaths for Rpcs {
    fn serve(&self, path: &str) -> bool {
        WebConnection::serves(path)
    }

    fn answer(&self, request: Request) -> BoxFuture<'static, Response> {
        let connection = self.0.clone();
        async move { connection.answer(request).await.map(Body::new).into_response() }.boxed()
    }
}

/// The warnings about this listener.
pub(super) fn warnings(config: &Config) -> Vec<Warning> {
    let Some(http) = &config.listeners.http else { return Vec::new() };
    let is_open = !http.address.is_local() && http.tls.is_none();
    let secret = [HttpGroup::Rpc, HttpGroup::TokenValidator, HttpGroup::Webhooks];
    if secret.into_iter().all(|group| http.place_of(group).is_none()) || !is_open {
        return Vec::new();
    }
    vec![Warning::of(
        "http_without_tls",
        "/listeners/http/address",
        "other machines can connect to the listener `http`, and it has no TLS: tokens and the secrets \
         of callers cross the network in plain text unless a mesh encrypts them; set \
         listeners.http.tls, or listen on a loopback address or a Unix socket",
    )]
}
