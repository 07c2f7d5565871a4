//! The door answers whatever arrives: never with an RPC error, which a proxy may be told to
//! take for "let it through".
//!
//! In: messages with holes, bytes that are no message, bodies without an end, too many at
//! once. Out: answers with code 7 or 16, each with its reason and counted once.

mod crowd;
mod messages;

use bytes::Bytes;

use crate::support::{Answer, Ask, Claims, Issuer, Key, TestApp, config_with, until, wire::Wire};

struct House {
    issuer: Issuer,
    key: Key,
    app: TestApp,
    wire: Wire,
}

impl House {
    async fn open(change: impl FnOnce(&mut serde_json::Value)) -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let app = TestApp::ready(&config_with(&issuer, change)).await;
        let wire = Wire::connect(app.address()).await;
        Self { issuer, key, app, wire }
    }

    fn good(&self) -> Ask {
        Ask::with_token(self.key.token(&Claims::of(&self.issuer.url())))
    }

    fn counted(&self) -> f64 {
        self.app.metric("rownd_authz_checks_total", &[])
    }

    /// These bytes are answered, counted once, and not let through.
    async fn denies(&self, what: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
        let before = self.counted();
        let answer = self.wire.check(headers, body).await;
        assert!(!answer.is_allowed() && [7, 16].contains(&answer.code()), "{what}: {answer:?}");
        assert_eq!(self.counted(), before + 1.0, "{what}: counted once");
        answer
    }

    /// The service is as good as before.
    async fn is_well(&self) {
        self.app.check(&self.good()).await.assert_allowed("a good one", "authenticated");
        until("nothing in flight", || self.app.metric("rownd_authz_in_flight", &[]) == 0.0).await;
        assert_eq!(self.app.counted("internal"), 0.0, "no panic was needed");
    }
}
