//! The settings of an emulator: where it listens, the names of its demo app, and the seed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::{
    data::{
        apps::{App, Variant},
        clients::Client,
        ids,
    },
    seed::{Seed, demo},
};

/// The address on which the emulator listens by default: 127.0.0.1:8787.
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);

/// The settings of an emulator.
///
/// `Debug` shows none of them, because the app's secret is among them.
#[derive(Clone)]
pub struct Settings {
    /// The address on which to listen; port 0 is any free port.
    pub address: SocketAddr,
    /// Whether `address` may be another than a loopback address. Everybody who can connect can
    /// mint tokens.
    pub allow_remote: bool,
    /// The URL under which clients reach the emulator; `http://ADDRESS` when `None`.
    pub base_url: Option<String>,
    /// The `iss` of its tokens and metadata; the base URL when `None`.
    pub issuer: Option<String>,
    /// The id of the demo app, `app_...`.
    pub app_id: String,
    /// The publishable key of the demo app, `key_...`.
    pub app_key: String,
    /// The secret that belongs to the key, `ras_...`.
    pub app_secret: String,
    /// A sub-brand of the demo app, with a key of its own.
    pub variant: Variant,
    /// The time for which clients may keep the key set, in seconds.
    pub keys_max_age: u32,
    /// Further apps and users, or others in place of the demo app's.
    pub seed: Seed,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}

impl Settings {
    /// The demo app at `address`, with fixed public names and a new random secret.
    #[must_use]
    pub fn demo(address: SocketAddr) -> Self {
        Self {
            address,
            allow_remote: false,
            base_url: None,
            issuer: None,
            app_id: "app_demo0000000000000000000001".to_owned(),
            app_key: "key_demo0000000000000000000001".to_owned(),
            app_secret: format!("ras_{}", ids::random_hex(24)),
            variant: Variant {
                id: "cmdemovariant000000000001".to_owned(),
                key: "key_demovariant0000000000000001".to_owned(),
                name: "Demo sub-brand".to_owned(),
            },
            keys_max_age: 300,
            seed: Seed::default(),
        }
    }

    /// The base URL of an emulator that listens on `address`, without a slash at its end.
    pub(crate) fn base_url_at(&self, address: SocketAddr) -> String {
        match &self.base_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            // All addresses: this machine is one of them.
            None if address.ip().is_unspecified() => format!("http://localhost:{}", address.port()),
            None => format!("http://{address}"),
        }
    }

    /// The id of the app that SuperTokens' plugin serves.
    pub(crate) fn plugin_app(&self) -> &str {
        let served = self.seed.apps.iter().find(|app| app.supertokens_plugin);
        served.map_or(&self.app_id, |app| &app.id)
    }

    /// The apps at the start: the demo app, then those of the seed.
    pub(crate) fn apps(&self) -> Vec<App> {
        let mut app = App::plain(&self.app_id, &self.app_key, &self.app_secret);
        app.variants.push(self.variant.clone());
        app.oidc_clients = Client::demo(&self.app_secret);
        app.users = demo::users();
        app.groups = demo::groups();
        std::iter::once(app).chain(self.seed.apps.iter().cloned()).collect()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::demo(DEFAULT_ADDRESS)
    }
}

/// A random secret of 256 bits in hexadecimal, for any service of a test that needs one.
#[must_use]
pub fn random_secret() -> String {
    ids::random_hex(32)
}
