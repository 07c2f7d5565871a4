//! A Rownd API in the process, for development and tests.
//!
//! In: an address, the demo app's names ([`Settings`]) and perhaps a [`Seed`]. Out: an
//! HTTP server that answers as Rownd does (keys, users, groups, tokens, links), as its
//! OpenID provider below `/oidc/` and as SuperTokens below `/auth/`; a [`Minter`] of
//! tokens with every claim settable; and [`Controls`] that rotate keys and inject faults,
//! also reachable under `/__emulator/`.
//!
//! The package spells Rownd's JSON on its own and shares no type with the code that
//! reads it: a shape that is wrong cannot then pass on both ends. It mints tokens for
//! anybody who can reach it, so it listens on loopback addresses only, and its keys
//! and secret live as long as the process.

mod access;
mod api;
mod apps;
mod control;
mod documents;
pub mod echo;
mod faults;
mod groups;
mod jws;
mod keys;
mod links;
mod listen;
mod mint;
mod oidc;
mod outbound;
mod request;
mod rsa;
mod seed;
mod state;
mod supertokens;
#[cfg(test)]
mod tests;
mod tokens;
mod users;
mod world;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::Router;
use tokio::net::TcpListener;

pub use apps::Variant;
pub use control::Controls;
pub use faults::{Endpoint, Fault};
pub use keys::{Rotated, Rotation, SignedBy};
pub use mint::{MintError, Minter, TokenOrder};
pub use oidc::Signing;
pub use seed::{Problem, Problems, Seed};
pub use users::Level;

use state::State;

/// Where the emulator listens unless told otherwise.
pub const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);

/// What the emulator is to be: its address, the demo app's names and the seed.
///
/// `Debug` shows none of it, for the secret is in it.
#[derive(Clone)]
pub struct Settings {
    /// Where to listen: a loopback address, port 0 for any free one.
    pub address: SocketAddr,
    /// The `iss` of its tokens and metadata; its own base URL when `None`.
    pub issuer: Option<String>,
    /// The id of the app, `app_...`.
    pub app_id: String,
    /// The publishable key of the app, `key_...`.
    pub app_key: String,
    /// The secret that goes with the key where profiles are read, `ras_...`.
    pub app_secret: String,
    /// A sub-brand of the app, with a key of its own.
    pub variant: Variant,
    /// For how many seconds clients may keep the key set.
    pub keys_max_age: u32,
    /// Further apps and people, or others in place of the demo's.
    pub seed: Seed,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

impl Settings {
    /// The demo app at `address`, with fixed public names and a secret made up now.
    #[must_use]
    pub fn demo(address: SocketAddr) -> Self {
        Self {
            address,
            issuer: None,
            app_id: "app_demo0000000000000000000001".to_owned(),
            app_key: "key_demo0000000000000000000001".to_owned(),
            app_secret: format!("ras_{}", users::ids::random_hex(24)),
            variant: Variant {
                id: "cmdemovariant000000000001".to_owned(),
                key: "key_demovariant0000000000000001".to_owned(),
                name: "Demo sub-brand".to_owned(),
            },
            keys_max_age: 300,
            seed: Seed::default(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::demo(DEFAULT_ADDRESS)
    }
}

/// A secret that nobody can guess, for a stand-in of anything that has one.
#[must_use]
pub fn random_secret() -> String {
    users::ids::random_hex(32)
}

/// A bound emulator: it has its port and its keys, and answers once [`run`](Self::run)
/// is polled.
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

/// Takes the port and makes the keys.
///
/// # Errors
/// `InvalidInput` for an address that is not loopback, `AddrInUse` for a taken port,
/// or what else the system says; the message names the address. A failure to make
/// keys is an `Other`.
pub async fn bind(settings: Settings) -> io::Result<Emulator> {
    let listener = listen::bind("emulator", settings.address).await?;
    let address = listener.local_addr()?;
    let state = State::new(settings, address).map_err(io::Error::other)?;
    Ok(Emulator { listener, address, state: Arc::new(state) })
}

impl Emulator {
    /// The address it listens on, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDRESS`, what a client takes as Rownd's base URL.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.state.base_url
    }

    /// What it was bound with: the app's names, key and secret.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.state.settings
    }

    /// A minter of tokens signed with this emulator's keys.
    #[must_use]
    pub fn minter(&self) -> Minter {
        Minter::new(Arc::clone(&self.state))
    }

    /// A handle that rotates keys, injects faults and reads the hit counters.
    #[must_use]
    pub fn controls(&self) -> Controls {
        Controls::new(Arc::clone(&self.state))
    }

    /// Serves until `shutdown` is ready, then finishes what is in flight, for a
    /// bounded time.
    ///
    /// # Errors
    /// What the listener reports when it cannot go on.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let routes = router(&self.state);
        listen::serve(self.listener, routes, shutdown).await
    }
}

fn router(state: &Arc<State>) -> Router {
    api::router(state).merge(control::router(state)).method_not_allowed_fallback(api::wrong_method)
}
