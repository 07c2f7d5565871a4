//! The state that replicas share, with a real Redis and a real Valkey, Sentinels and a cluster: one suite
//! for every store, and several instances of the service that a test takes the store away from.
//!
//! In: commands to one replica, faults of the store and of the way to it. Out: the decisions of the
//! other replicas, what they say about themselves, and what the store holds.

#[cfg(feature = "dev")]
mod acknowledged;
#[cfg(feature = "dev")]
mod changes;
mod connection;
mod contract;
mod events;
mod failover;
mod faults;
#[cfg(feature = "dev")]
mod refreshes;
mod revocations;

use std::path::PathBuf;

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Ask, Claims, Issuer, Key, TestApp, config, control, eventually, forge::USER,
    redis_sets::RedisSet,
};

/// The key of the deployment: 32 bytes in base64.
pub(crate) const KEY: &str = "c2l4dGVlbi1ieXRlcyEhc2l4dGVlbi1ieXRlcz8/c2g=";

/// The section `shared` with this URL.
pub(crate) fn section(url: &str) -> Value {
    json!({ "url": url, "key": KEY })
}

/// The section `shared` with the place of this set.
pub(crate) fn shared_in(set: &RedisSet) -> Value {
    let mut section = set.place();
    section["key"] = json!(KEY);
    section
}

/// One issuer, and the replicas of a service that trusts it.
struct Fleet {
    key: Key,
    issuer: Issuer,
    files: TempDir,
}

/// A replica, and its control socket.
struct Replica {
    app: TestApp,
    socket: PathBuf,
}

impl Fleet {
    fn new() -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        Self { key, issuer, files: TempDir::new().unwrap() }
    }

    fn settings(&self, name: &str, shared: &Value) -> Value {
        let mut settings = config(&self.issuer);
        let socket = self.files.path().join(name);
        settings["listeners"]["control"] =
            json!({ "address": format!("unix:{}", socket.display()) });
        settings["shared"] = shared.clone();
        settings
    }

    /// Starts a replica of this name, which need not become ready.
    async fn start(&self, name: &str, shared: &Value) -> Replica {
        let app = TestApp::start(&self.settings(name, shared)).await;
        Replica { app, socket: self.files.path().join(name) }
    }

    async fn ready(&self, name: &str, shared: &Value) -> Replica {
        let replica = self.start(name, shared).await;
        replica.app.is_ready().await;
        replica
    }

    fn token(&self, jti: &str) -> Ask {
        Ask::with_token(self.key.token(&Claims::of(&self.issuer.url()).with("jti", jti)))
    }
}

impl Replica {
    async fn order(&self, path: &str, body: Value) -> Value {
        control::order(&self.socket, path, &body).await
    }

    async fn command(&self, path: &str, body: Value) -> (u16, Value) {
        control::command(&self.socket, "POST", path, &body.to_string()).await
    }

    /// Whether the very next check denies it as revoked; any other denial ends the test.
    async fn denies(&self, ask: &Ask) -> bool {
        let answer = self.app.check(ask).await;
        if answer.is_allowed() {
            return false;
        }
        answer.assert_denied("a revoked token", DenyReason::Revoked);
        true
    }

    async fn denies_soon(&self, ask: &Ask) {
        eventually("the denial of a revoked token", async || self.denies(ask).await.then_some(()))
            .await;
    }

    async fn status(&self) -> Value {
        self.app.page("/status").await.json()
    }

    /// Waits until it says why the store does not answer.
    async fn last_error(&self) -> String {
        eventually("the last error of the store", async || {
            self.status().await["shared"]["last_error"].as_str().map(str::to_owned)
        })
        .await
    }

    /// Waits until it says this of the store. On a busy machine the first error may be one of time.
    async fn says(&self, what: &str, fits: impl Fn(&str) -> bool) {
        eventually(what, async || {
            let status = self.status().await;
            status["shared"]["last_error"].as_str().is_some_and(&fits).then_some(())
        })
        .await;
    }

    /// Waits until it says whether the store answers.
    async fn is_connected(&self, connected: bool) {
        eventually("the state of the store", async || {
            (self.status().await["shared"]["connected"] == connected).then_some(())
        })
        .await;
    }
}

/// Every token of the user.
fn user() -> Value {
    json!({ "user_id": USER })
}
