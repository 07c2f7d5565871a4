//! The emulator as a server.
//!
//! In: [`Settings`]. Out: an [`Emulator`] that has its port and its keys, and serves when run.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;

use crate::{
    listen::{self, Reach},
    mint::Minter,
    routes::{self, Controls},
    settings::Settings,
    state::State,
};

/// An emulator that has its port and its keys. It answers while [`run`](Self::run) is polled.
pub struct Emulator {
    listener: TcpListener,
    address: SocketAddr,
    state: Arc<State>,
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").finish_non_exhaustive()
    }
}

impl Emulator {
    /// The address on which it listens, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that a client takes as Rownd's base URL, without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.state.base_url
    }

    /// The settings it was bound with: the demo app's names, key and secret among them.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.state.settings
    }

    /// A minter of tokens signed with this emulator's keys.
    #[must_use]
    pub fn minter(&self) -> Minter {
        Minter::new(Arc::clone(&self.state))
    }

    /// A handle that rotates keys, injects faults and reads the counts of requests.
    #[must_use]
    pub fn controls(&self) -> Controls {
        Controls::new(Arc::clone(&self.state))
    }

    /// Serves until `shutdown` is ready, then finishes the requests in flight, for at most two
    /// seconds.
    ///
    /// # Errors
    /// The listener's error, if it cannot accept connections any more.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let routes = routes::router(&self.state);
        listen::serve(self.listener, routes, shutdown).await
    }
}

/// Listens on the port and makes the keys.
///
/// # Errors
/// `InvalidInput` for an address that is not loopback and not allowed by the settings,
/// `AddrInUse` for a port in use, any other error of the system; the message names the address.
/// `Other` if the keys cannot be made.
pub async fn bind(settings: Settings) -> io::Result<Emulator> {
    let reach = if settings.allow_remote { Reach::Anywhere } else { Reach::Loopback };
    let listener = listen::bind("emulator", settings.address, reach).await?;
    let address = listener.local_addr()?;
    let state = State::new(settings, address).map_err(io::Error::other)?;
    Ok(Emulator { listener, address, state: Arc::new(state) })
}
