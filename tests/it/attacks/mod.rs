//! Attacks on tokens, keys, caches and headers, each through the whole service.
//!
//! In: tables of hostile input. Out: every row is a denial with its own reason, and the
//! good token beside it is allowed before and after, so that a broken set-up cannot pass
//! for a defence.

mod algorithms;
mod caches;
mod claims;
mod credentials;
mod headers;
mod identities;
mod keys;
mod paths;
mod requests;
mod shapes;

use rownd_authz::model::DenyReason;
use serde_json::Value;

use super::support::{
    Answer, Ask, Claims, Issuer, Key, Reply, TestApp, config, eventually, issuer::KEYS,
};

/// A service that trusts one issuer with one key.
pub(crate) struct Court {
    pub(crate) issuer: Issuer,
    pub(crate) key: Key,
    pub(crate) app: TestApp,
}

impl Court {
    /// With the usual configuration.
    pub(crate) async fn sit() -> Self {
        Self::sit_with(|_| {}).await
    }

    /// With a changed one.
    pub(crate) async fn sit_with(change: impl FnOnce(&mut Value)) -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let mut settings = config(&issuer);
        change(&mut settings);
        let app = TestApp::ready(&settings).await;
        Self { issuer, key, app }
    }

    /// Good claims.
    pub(crate) fn claims(&self) -> Claims {
        Claims::of(&self.issuer.url())
    }

    /// Asks with a token.
    pub(crate) async fn judge(&self, token: impl AsRef<[u8]>) -> Answer {
        self.app.check(&Ask::with_token(token)).await
    }

    /// The token is refused for this reason.
    pub(crate) async fn refuses(&self, what: &str, token: impl AsRef<[u8]>, reason: DenyReason) {
        self.judge(token).await.assert_denied(what, reason);
    }

    /// The token is taken.
    pub(crate) async fn takes(&self, what: &str, token: impl AsRef<[u8]>) -> Answer {
        let answer = self.judge(token).await;
        answer.assert_allowed(what, "authenticated");
        answer
    }

    /// Has the service fetch the keys once more, and waits for the end of it.
    pub(crate) async fn fetch_again(&self) {
        let fetches = || self.app.metric("rownd_authz_key_fetches_total", &[]);
        let before = fetches();
        let stranger = Key::new("sig-stranger").token(&self.claims());
        eventually("another fetch", async || {
            self.judge(&stranger).await;
            (fetches() > before).then_some(())
        })
        .await;
    }

    /// These are the keys of the issuer from now on, and the service knows.
    pub(crate) async fn publish(&self, set: Reply) {
        self.issuer.set(KEYS, set);
        self.fetch_again().await;
    }

    /// A good token is still taken, and nothing that was refused has got through.
    pub(crate) async fn adjourns(self) {
        self.takes("a good token", self.key.token(&self.claims())).await;
        assert!(self.app.counted("authenticated") >= 1.0);
    }
}
