//! The listeners over HTTP/1, bound together and served together.

use std::{net::SocketAddr, sync::Arc};

use tokio::{sync::watch, task::JoinSet};

use super::{
    BuildError, ReloadHandle,
    control::{self, ControlSocket},
    handoff::Handoff,
    http1::{self, ServedBy},
    ops,
    phase::Phase,
    public::PublicSocket,
    socket::BoundSocket,
    tasks::spawn,
    tls::ListenerTls,
};
use crate::{
    blocking::BlockingRunner,
    config::{ListenAddress, Listeners},
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
    public: Option<PublicSocket>,
}

/// The tasks of the listeners.
#[derive(Debug)]
pub(super) struct Http1Tasks {
    /// Those that serve pages and documents, to the end.
    pub(super) serving: JoinSet<()>,
    /// The one that answers calls of backends. It ends where gRPC ends.
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
        let public = PublicSocket::bind(settings.http.as_ref(), doors, blocking).await?;
        Ok(Self { ops, probes, control, public })
    }

    pub(super) const fn ops_address(&self) -> SocketAddr {
        self.ops.1
    }

    pub(super) fn probe_address(&self) -> Option<SocketAddr> {
        self.probes.as_ref().map(|(_, address)| *address)
    }

    pub(super) fn public_address(&self) -> Option<&ListenAddress> {
        self.public.as_ref().map(PublicSocket::address)
    }

    /// TLS of the listener `http`, where it has some.
    pub(super) fn public_tls(&self) -> Option<&Arc<ListenerTls>> {
        self.public.as_ref().and_then(|public| public.tls.as_ref())
    }

    /// Serves all of them until the process ends. Calls of backends go to the workers.
    pub(super) fn serve(
        self,
        state: OpsState,
        (reload, replica): (ReloadHandle, Option<Arc<RevocationReplica>>),
        inbound: Option<Arc<Inbound>>,
        handoff: Handoff,
        phase: &watch::Receiver<Phase>,
    ) -> Http1Tasks {
        let (mut serving, mut calls) = (JoinSet::new(), JoinSet::new());
        if let Some(control) = self.control {
            tracing::info!(address = %control.address(), "taking commands");
            let routes = control.routes(control::commands(&state, reload, replica));
            let (socket, limits) = (control.socket, control::LIMITS);
            let served = http1::serve(socket, None, limits, ServedBy::Tasks, routes, phase.clone());
            spawn(&mut serving, served);
        }
        if let Some(public) = self.public {
            let (routes, limits) = (public.routes(&state.authorizer, inbound), public.limits());
            let answers_calls = public.answers_calls();
            let served_by =
                if answers_calls { ServedBy::Workers(handoff) } else { ServedBy::Tasks };
            let (socket, tls) = (public.socket, public.tls);
            let served = http1::serve(socket, tls, limits, served_by, routes, phase.clone());
            spawn(if answers_calls { &mut calls } else { &mut serving }, served);
        }
        let pages = pages::router(state);
        for (socket, _) in [Some(self.ops), self.probes].into_iter().flatten() {
            let pages = pages.clone();
            let routes = move |_| pages.clone();
            let served =
                http1::serve(socket, None, ops::LIMITS, ServedBy::Tasks, routes, phase.clone());
            spawn(&mut serving, served);
        }
        Http1Tasks { serving, calls }
    }
}
