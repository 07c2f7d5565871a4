//! The listeners of the development servers: bind and serve.
//!
//! In: an address or a router. Out: a listener that is loopback and nothing else, and
//! a future that serves until told to stop. These servers mint tokens and repeat
//! headers, so a wider address is refused, not warned about.

use std::{io, net::SocketAddr, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::oneshot};

/// How long a request in flight may hold up the end. An injected delay can be long,
/// and nobody waits for a development server.
const GRACE: Duration = Duration::from_secs(2);

/// Binds `address`; `who` names the server in the message.
pub(super) async fn bind(who: &str, address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("the {who} is for development and listens on loopback only, not on {address}"),
        ));
    }
    TcpListener::bind(address).await.map_err(|error| {
        // The kind is kept, so that a caller can tell a taken port from the rest.
        io::Error::new(error.kind(), format!("the {who} cannot listen on {address}: {error}"))
    })
}

/// Serves `routes` until `shutdown` is ready, then finishes within [`GRACE`].
pub(super) async fn serve(
    listener: TcpListener,
    routes: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(listener, routes).with_graceful_shutdown(async move {
        shutdown.await;
        // The receiver is gone only if serving has ended already.
        let _ = stopping.send(());
    });
    let deadline = async move {
        match stopped.await {
            Ok(()) => tokio::time::sleep(GRACE).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = serving => ended,
        () = deadline => Ok(()),
    }
}
