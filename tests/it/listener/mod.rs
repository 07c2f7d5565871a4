//! The gRPC listener against hostile clients, and its own shutdown.
//!
//! In: silence, other protocols, too many connections and streams, signals. Out: bounds
//! that hold, a service that recovers, and a drain that loses nothing.

mod addresses;
mod disk;
mod ends;
mod peers;
pub(crate) mod places;
mod process;

use serde_json::Value;

use crate::support::{Ask, Claims, Issuer, Key, TestApp, config_with, wire::Wire};

const CONNECTIONS: &str = "rownd_authz_connections_total";

struct House {
    issuer: Issuer,
    key: Key,
    app: TestApp,
}

impl House {
    async fn open(change: impl FnOnce(&mut Value)) -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let app = TestApp::ready(&config_with(&issuer, change)).await;
        Self { issuer, key, app }
    }

    fn good(&self) -> Ask {
        Ask::with_token(self.key.token(&Claims::of(&self.issuer.url())))
    }

    async fn dial(&self) -> Wire {
        Wire::connect(self.app.address()).await
    }

    async fn is_well(&self) {
        self.app.check(&self.good()).await.assert_allowed("a good one", "authenticated");
    }

    fn result(&self, result: &str) -> f64 {
        self.app.metric(CONNECTIONS, &[("result", result)])
    }
}
