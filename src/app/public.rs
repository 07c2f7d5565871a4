//! The listener `http`: what other programs may read.

use std::{sync::Arc, time::Duration};

use axum::Router;

use super::{BuildError, http1::Http1Limits, socket::BoundSocket};
use crate::{
    authz::Authorizer,
    config::{HttpListener, ListenAddress},
    http::public::{self, PublicState},
};

/// The limits of the listener `http`.
pub(super) const LIMITS: Http1Limits = Http1Limits {
    name: "http",
    max_connections: 64,
    max_closing: 8,
    lifetime: Duration::from_secs(60),
};

/// The bound listener, and what it serves.
#[derive(Debug)]
pub(super) struct PublicSocket {
    pub(super) socket: BoundSocket,
    settings: HttpListener,
}

impl PublicSocket {
    /// Binds it, if it is configured.
    pub(super) async fn bind(settings: Option<&HttpListener>) -> Result<Option<Self>, BuildError> {
        let Some(settings) = settings else { return Ok(None) };
        let setting = "listeners.http.address";
        let socket = BoundSocket::bind(setting, &settings.address, settings.socket_mode).await?;
        Ok(Some(Self { socket, settings: settings.clone() }))
    }

    pub(super) const fn address(&self) -> &ListenAddress {
        self.socket.address()
    }

    /// The documents that it serves.
    pub(super) fn routes(&self, authorizer: &Arc<Authorizer>) -> Router {
        public::router(PublicState::new(&self.settings, authorizer.clone()))
    }
}
