//! The listeners over HTTP/1, bound together and served together.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{sync::watch, task::JoinSet};

use super::{
    BuildError, ReloadHandle,
    control::{self, ControlSocket},
    handoff::Handoff,
    http1::{self, ServedBy},
    low_priority::run_apart,
    ops,
    phase::Phase,
    public::PublicSocket,
    socket::BoundSocket,
    tasks::spawn,
    tls::ListenerTls,
};
use crate::{
    blocking::BlockingRunner,
    config::{HttpListenerName, ListenAddress, Listeners},
    grpc::Doors,
    http::{
        inbound::Inbound,
        ops::{self as pages, OpsState},
    },
    verify::RevocationReplica,
};

/// The bound listeners beside gRPC.
#[derive(Debug)]
pub(super) struct Http1Sockets {
    ops: (BoundSocket, SocketAddr),
    probes: Option<(BoundSocket, SocketAddr)>,
    control: Option<ControlSocket>,
    /// `http` and `public_http`, where they are configured.
    over_http: Vec<PublicSocket>,
}

/// The tasks of the listeners.
#[derive(Debug)]
pub(super) struct Http1Tasks {
    /// Those that serve pages and documents, to the end.
    pub(super) serving: JoinSet<()>,
    /// Those that answer calls of backends and requests of other servers. They end where gRPC ends.
    pub(super) calls: JoinSet<()>,
}

impl Http1Sockets {
    /// Binds each that is configured.
    ///
    /// # Errors
    ///
    /// The address that cannot be bound.
    pub(super) async fn bind(
        settings: &Listeners,
        doors: &Doors,
        blocking: &BlockingRunner,
    ) -> Result<Self, BuildError> {
        let pages = &settings.ops;
        let ops = BoundSocket::bind_tcp("listeners.ops.address", pages.address).await?;
        let probes = match pages.probe_address {
            Some(address) => {
                Some(BoundSocket::bind_tcp("listeners.ops.probe_address", address).await?)
            }
            None => None,
        };
        let control = ControlSocket::bind(settings.control.as_ref()).await?;
        let mut over_http = Vec::with_capacity(2);
        for settings in settings.over_http() {
            over_http.push(PublicSocket::bind(settings, doors, blocking).await?);
        }
        Ok(Self { ops, probes, control, over_http })
    }

    pub(super) const fn ops_address(&self) -> SocketAddr {
        self.ops.1
    }

    pub(super) fn probe_address(&self) -> Option<SocketAddr> {
        self.probes.as_ref().map(|(_, address)| *address)
    }

    /// The address of one of the listeners `http` and `public_http`.
    pub(super) fn http_address(&self, name: HttpListenerName) -> Option<&ListenAddress> {
        self.over_http.iter().find(|socket| socket.name == name).map(PublicSocket::address)
    }

    /// TLS of the listeners `http` and `public_http`, where they have some.
    pub(super) fn http_tls(&self) -> impl Iterator<Item = &Arc<ListenerTls>> {
        self.over_http.iter().filter_map(|socket| socket.tls.as_ref())
    }

    /// Serves all of them until the process ends. Calls of backends go to the workers; requests of other
    /// servers are served by a thread of lower priority, where no calls come by the same listener.
    ///
    /// # Errors
    ///
    /// Fails where the system starts no more threads.
    pub(super) fn serve(
        self,
        state: OpsState,
        (reload, replica): (ReloadHandle, Option<Arc<RevocationReplica>>),
        inbound: Option<&Arc<Inbound>>,
        handoff: Handoff,
        phase: &watch::Receiver<Phase>,
    ) -> io::Result<Http1Tasks> {
        let (mut serving, mut calls) = (JoinSet::new(), JoinSet::new());
        let mut handoff = Some(handoff);
        let parts = state.readiness.parts().clone();
        let reporting = |mut socket: BoundSocket, name| {
            socket.report_to(&parts, name);
            socket
        };
        if let Some(control) = self.control {
            tracing::info!(address = %control.address(), "taking commands");
            let routes = control.routes(control::commands(&state, reload, replica));
            let limits = control::LIMITS;
            let socket = reporting(control.socket, limits.name);
            let served = http1::serve(socket, None, limits, ServedBy::Tasks, routes, phase.clone());
            spawn(&mut serving, served);
        }
        for public in self.over_http {
            let (routes, limits) = (public.routes(&state.authorizer, inbound), public.limits());
            let (answers_calls, apart) = (public.answers_calls(), public.only_takes_requests());
            // Only one listener may answer calls.
            let workers = handoff.take_if(|_| answers_calls);
            let served_by = workers.map_or(ServedBy::Tasks, ServedBy::Workers);
            let (socket, tls) = (reporting(public.socket, limits.name), public.tls);
            let ends_with_calls = limits.ends == Phase::Closing;
            let served = http1::serve(socket, tls, limits, served_by, routes, phase.clone());
            if apart {
                run_apart(&mut calls, limits.name, vec![served])?;
            } else {
                spawn(if ends_with_calls { &mut calls } else { &mut serving }, served);
            }
        }
        let pages = pages::router(state);
        for (socket, _) in [Some(self.ops), self.probes].into_iter().flatten() {
            let socket = reporting(socket, ops::LIMITS.name);
            let pages = pages.clone();
            let routes = move |_| pages.clone();
            let served =
                http1::serve(socket, None, ops::LIMITS, ServedBy::Tasks, routes, phase.clone());
            spawn(&mut serving, served);
        }
        Ok(Http1Tasks { serving, calls })
    }
}
