//! The gRPC listener: its address, its limit of connections, and how it accepts them.

use std::{sync::Arc, time::Duration};

use super::{
    BuildError,
    connection_limit::ConnectionLimit,
    handoff::{Accepted, AcceptedConnection, DetachedStream, Handoff},
    labels::ConnectionResult,
    open_files::{self, Affordable},
    socket::{BoundSocket, SocketPeer},
};
use crate::{
    config::{Config, GrpcListener, ListenAddress},
    health::Parts,
    metrics::Metrics,
    model::{Origin, Warning},
};

/// The listener's name in the log and in metrics.
const NAME: &str = "grpc";
/// Connections that may be closing while new ones have their slots already.
const MAX_CLOSING: usize = 32;
/// A younger connection is not evicted: in this time it has sent its preface, after a handshake
/// where there is one.
const MIN_AGE: Duration = Duration::from_millis(250);

/// A bound gRPC listener.
#[derive(Debug)]
pub(super) struct GrpcSocket {
    socket: BoundSocket,
    max_connections: usize,
}

impl GrpcSocket {
    /// Binds it. So many file descriptors are kept free for everything else.
    pub(super) async fn bind(settings: &GrpcListener, reserved: u64) -> Result<Self, BuildError> {
        let setting = "listeners.grpc.address";
        let socket = BoundSocket::bind(setting, &settings.address, settings.socket_mode).await?;
        let affordable = Affordable::on_this_machine(reserved);
        let max_connections = settings.max_connections.min(affordable.connections);
        Ok(Self { socket, max_connections })
    }

    pub(super) const fn address(&self) -> &ListenAddress {
        self.socket.address()
    }

    /// Accepts until dropped. At the limit, idle connections are evicted for new ones; where none
    /// is idle, a new one waits until another ends.
    pub(super) async fn accept(mut self, handoff: Handoff, metrics: Arc<Metrics>, parts: Parts) {
        self.socket.report_to(&parts, NAME);
        let limit = ConnectionLimit::new(NAME, self.max_connections, MAX_CLOSING, MIN_AGE);
        let failed = || metrics.connection(ConnectionResult::AcceptFailed);
        loop {
            let (stream, peer) = self.socket.accept(NAME, failed).await;
            let Ok(stream) = DetachedStream::new(stream) else {
                failed();
                continue;
            };
            let origin = self.origin(peer);
            let slot = limit.acquire(peer.into()).await;
            handoff.send(Accepted::Grpc(AcceptedConnection { stream, origin, slot }));
        }
    }

    fn origin(&self, peer: SocketPeer) -> Origin {
        match peer {
            // Where other machines can connect, a peer on loopback may be a proxy of theirs.
            SocketPeer::Tcp(ip) if ip.is_loopback() && !self.socket.is_exposed() => {
                Origin::Loopback
            }
            SocketPeer::Tcp(_) => Origin::Network,
            SocketPeer::Unix { uid, gid, .. } => Origin::Unix { uid, gid },
        }
    }
}

/// The warnings about this listener.
pub(super) fn warnings(config: &Config) -> Vec<Warning> {
    let grpc = &config.listeners.grpc;
    let mut found = Vec::new();
    if !grpc.address.is_local() && grpc.tls.is_none() {
        found.push(Warning::of(
            "grpc_without_tls",
            "/listeners/grpc/address",
            "other machines can connect to the gRPC listener, and it has no TLS: tokens cross \
                 the network in plain text unless a mesh encrypts them; set listeners.grpc.tls, or \
                 listen on a loopback address or a Unix socket",
        ));
    }
    found
}

/// The warnings about the settings of this listener on this machine.
pub(super) fn host_warnings(config: &Config) -> Vec<Warning> {
    let wanted = config.listeners.grpc.max_connections;
    let affordable = Affordable::on_this_machine(open_files::reserved(config));
    if affordable.connections >= wanted {
        return Vec::new();
    }
    let Affordable { connections, open_files } = affordable;
    let needed = open_files::needed(config);
    let text = format!(
        "{wanted} connections may be open, and the limit of open files ({open_files}) allows \
         {connections}; {needed} are needed: {}; or write max_connections: {connections}",
        open_files::remedy(needed)
    );
    vec![Warning::of("few_open_files", "/listeners/grpc/max_connections", text)]
}
