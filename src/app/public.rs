//! The listeners `http` and `public_http`: what other programs read, and the calls of backends.

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
    config::{Config, HttpGroup, HttpListenerName, HttpSettings, ListenAddress},
    grpc::{Doors, WebConnection, WebDoors},
    http::{
        inbound::{Inbound, InboundPeer},
        public::{self, OtherPaths, PublicState},
    },
    model::Warning,
};

/// The limits of a listener for documents.
const LIMITS: Http1Limits = Http1Limits {
    name: HttpListenerName::Http.as_str(),
    max_connections: 64,
    max_closing: 8,
    lifetime: Duration::from_secs(60),
    headers: Duration::from_secs(2),
    last_request: Duration::from_millis(300),
    ends: Phase::Ending,
};

/// A bound listener, and what it serves.
#[derive(Debug)]
pub(super) struct PublicSocket {
    pub(super) socket: BoundSocket,
    pub(super) tls: Option<Arc<ListenerTls>>,
    pub(super) name: HttpListenerName,
    max_connections: usize,
    groups: Arc<[HttpGroup]>,
    hosts: Vec<String>,
    rpcs: Option<WebDoors>,
}

impl PublicSocket {
    /// Binds it. The calls of backends go through these doors.
    pub(super) async fn bind(
        settings: HttpSettings<'_>,
        doors: &Doors,
        blocking: &BlockingRunner,
    ) -> Result<Self, BuildError> {
        let HttpSettings { name, address, socket_mode, tls, serve, hosts, cors, max_connections } =
            settings;
        let build = |_| WebDoors::build(doors, cors, blocking.clone());
        let rpcs = settings.place_of(HttpGroup::Rpc).map(build);
        let rpcs = rpcs.transpose().map_err(BuildError::Part)?;
        let tls = tls.map(|settings| ListenerTls::build(tls::of_http(name), settings));
        let tls = tls.transpose().map_err(BuildError::Part)?;
        let socket = BoundSocket::bind(name.address_setting(), address, socket_mode).await?;
        let (groups, hosts) = (serve.into(), hosts.to_vec());
        Ok(Self { socket, tls, name, max_connections, groups, hosts, rpcs })
    }

    pub(super) const fn address(&self) -> &ListenAddress {
        self.socket.address()
    }

    /// Whether the calls of backends are among what it serves.
    pub(super) const fn answers_calls(&self) -> bool {
        self.rpcs.is_some()
    }

    /// Whether other servers send it requests, and backends none: it has a thread of lower priority then.
    pub(super) fn only_takes_requests(&self) -> bool {
        self.rpcs.is_none() && self.groups.iter().copied().any(is_inbound)
    }

    /// Its limits. Connections of callers live long, and their calls are answered before they end.
    pub(super) fn limits(&self) -> Http1Limits {
        let (name, max_connections) = (self.name.as_str(), self.max_connections);
        let limits = Http1Limits { name, max_connections, ..LIMITS };
        if self.rpcs.is_none() {
            return if self.only_takes_requests() {
                // An answer about a token takes at most 10 s, the body before it 5 s. It needs the
                // tasks that fetch, which end with the process.
                let last_request = Duration::from_secs(16);
                Http1Limits { last_request, ends: Phase::Closing, ..limits }
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
        inbound: Option<&Arc<Inbound>>,
    ) -> impl Fn(Http1Peer) -> Router + use<> {
        let state = PublicState::new(self.groups.clone(), &self.hosts, authorizer.clone());
        let rpcs = self.rpcs.clone();
        let groups = self.groups.clone();
        let inbound = inbound.filter(|_| groups.iter().copied().any(is_inbound)).cloned();
        move |peer| {
            let mut others: Vec<Arc<dyn OtherPaths>> = Vec::with_capacity(2);
            if let Some(inbound) = inbound.clone() {
                let address = match peer.socket {
                    SocketPeer::Tcp(address) => Some(address),
                    SocketPeer::Unix { .. } => None,
                };
                let peer = Arc::new(InboundPeer { address, names: peer.names.clone() });
                others.push(Arc::new(InboundPaths { inbound, groups: groups.clone(), peer }));
            }
            if let Some(rpcs) = &rpcs {
                others.push(Arc::new(Rpcs(rpcs.for_connection(peer.names))));
            }
            public::router(state.clone().with(others))
        }
    }
}

/// Whether requests of other servers come to this group: with a body, and with an effect.
const fn is_inbound(group: HttpGroup) -> bool {
    match group {
        HttpGroup::TokenValidator | HttpGroup::Webhooks => true,
        HttpGroup::PassportKeys | HttpGroup::ResourceMetadata | HttpGroup::Rpc => false,
    }
}

/// The paths that other servers call, on one connection.
struct InboundPaths {
    inbound: Arc<Inbound>,
    /// The groups of this listener.
    groups: Arc<[HttpGroup]>,
    peer: Arc<InboundPeer>,
}

impl OtherPaths for InboundPaths {
    fn serve(&self, path: &str) -> bool {
        self.inbound.group_of(path).is_some_and(|group| self.groups.contains(&group))
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

/// The warnings about these listeners.
pub(super) fn warnings(config: &Config) -> Vec<Warning> {
    let carries_secrets = |group| match group {
        HttpGroup::Rpc | HttpGroup::TokenValidator | HttpGroup::Webhooks => true,
        HttpGroup::PassportKeys | HttpGroup::ResourceMetadata => false,
    };
    let is_open = |http: &HttpSettings<'_>| {
        http.is_plain() && http.serve.iter().copied().any(carries_secrets)
    };
    let warning = |http: HttpSettings<'_>| {
        let name = http.name.as_str();
        let text = format!(
            "other machines can connect to the listener `{name}`, and it has no TLS: tokens and the \
             secrets of callers cross the network in plain text unless a mesh encrypts them; set \
             listeners.{name}.tls, or listen on a loopback address or a Unix socket"
        );
        Warning::of("http_without_tls", http.name.pointer("address"), text)
    };
    config.listeners.over_http().filter(is_open).map(warning).collect()
}
