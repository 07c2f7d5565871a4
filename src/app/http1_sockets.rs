//! The listeners over HTTP/1, bound together and served together.

use std::{net::SocketAddr, sync::Arc};

use tokio::{sync::watch, task::JoinSet};

use super::{
    BuildError, ReloadHandle,
    control::{self, ControlSocket},
    http1, ops,
    phase::Phase,
    public::{self, PublicSocket},
    socket::BoundSocket,
    tasks::spawn,
};
use crate::{
    config::{ListenAddress, Listeners},
    http::ops::{self as pages, OpsState},
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

impl Http1Sockets {
    /// Binds each that is configured.
    ///
    /// # Errors
    ///
    /// The address that cannot be bound.
    pub(super) async fn bind(settings: &Listeners) -> Result<Self, BuildError> {
        let pages = &settings.ops;
        let ops = BoundSocket::bind_tcp("listeners.ops.address", pages.address).await?;
        let probes = match pages.probe_address {
            Some(address) => {
                Some(BoundSocket::bind_tcp("listeners.ops.probe_address", address).await?)
            }
            None => None,
        };
        let control = ControlSocket::bind(settings.control.as_ref()).await?;
        let public = PublicSocket::bind(settings.http.as_ref()).await?;
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

    /// Serves all of them until the process ends.
    pub(super) fn serve(
        self,
        state: OpsState,
        (reload, replica): (ReloadHandle, Option<Arc<RevocationReplica>>),
        phase: &watch::Receiver<Phase>,
    ) -> JoinSet<()> {
        let mut serving = JoinSet::new();
        if let Some(control) = self.control {
            tracing::info!(address = %control.address(), "taking commands");
            let routes = control.routes(control::commands(&state, reload, replica));
            let served = http1::serve(control.socket, control::LIMITS, routes, phase.clone());
            spawn(&mut serving, served);
        }
        if let Some(public) = self.public {
            let routes = public.routes(&state.authorizer);
            let served =
                http1::serve(public.socket, public::LIMITS, move |_| routes.clone(), phase.clone());
            spawn(&mut serving, served);
        }
        let pages = pages::router(state);
        for (socket, _) in [Some(self.ops), self.probes].into_iter().flatten() {
            let pages = pages.clone();
            let served = http1::serve(socket, ops::LIMITS, move |_| pages.clone(), phase.clone());
            spawn(&mut serving, served);
        }
        serving
    }
}
