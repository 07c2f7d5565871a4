//! The listeners of the emulator and of the echo.
//!
//! In: an address, then routes. Out: a listener, then a future that serves until it is told to
//! stop. These servers mint tokens and repeat headers, so they listen on loopback unless the
//! caller allows more.

use std::{io, net::SocketAddr, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::oneshot};

/// The longest time that requests in flight may take after the order to stop. An injected delay
/// can be longer.
const GRACE: Duration = Duration::from_secs(2);

/// The addresses on which a server may listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Loopback addresses.
    Loopback,
    /// All addresses.
    Anywhere,
}

/// Listens on `address`; the message of an error names the server.
///
/// # Errors
/// `InvalidInput` for an address that `reach` does not allow, or the system's error.
pub(crate) async fn bind(
    server: &str,
    address: SocketAddr,
    reach: Reach,
) -> io::Result<TcpListener> {
    if reach == Reach::Loopback && !address.ip().is_loopback() {
        let message = format!(
            "the {server} is for development and listens on loopback addresses only, not on {address}"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    TcpListener::bind(address).await.map_err(|error| {
        // The kind is kept, so that a caller can tell a port in use from the rest.
        io::Error::new(error.kind(), format!("the {server} cannot listen on {address}: {error}"))
    })
}

/// Serves `routes` until `shutdown` is ready, then finishes within [`GRACE`].
///
/// # Errors
/// The listener's error, if it cannot accept connections any more.
pub(crate) async fn serve(
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
