//! Attacks on tokens, keys, caches and headers, each through the whole service.
//!
//! In: tables of hostile input. Out: every row is a denial with its own reason, and the
//! good token beside it is allowed before and after, so that a broken set-up cannot pass
//! for a defence.

/// Runs each of these for issuers of every kind, as a test of its own.
macro_rules! for_every_kind {
    ($($attack:ident),+ $(,)?) => {
        for_kinds! { $($attack),+ =>
            rownd: Rownd, supertokens: Supertokens, oidc: Oidc, firebase: Firebase, in_place: Static
        }
    };
}

/// Runs like [`for_every_kind`], only for kinds whose keys are fetched.
macro_rules! for_every_fetched_kind {
    ($($attack:ident),+ $(,)?) => {
        for_kinds! { $($attack),+ =>
            rownd: Rownd, supertokens: Supertokens, oidc: Oidc, firebase: Firebase
        }
    };
}

macro_rules! for_kinds {
    ($attack:ident, $($more:ident),+ => $($name:ident: $kind:ident),+) => {
        for_kinds! { $attack => $($name: $kind),+ }
        for_kinds! { $($more),+ => $($name: $kind),+ }
    };
    ($attack:ident => $($name:ident: $kind:ident),+) => {
        mod $attack {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$attack($crate::it::attacks::Kind::$kind).await;
                }
            )+
        }
    };
}
mod algorithms;
mod browsers;
mod caches;
mod claims;
mod credentials;
mod denials;
mod grid;
mod headers;
mod identities;
mod issuers;
mod keys;
mod kinds;
mod large;
mod paths;
mod queries;
mod requests;
mod sessions;
mod shapes;
mod shared_iss;
mod tenants;

pub(crate) use kinds::Kind;
use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use crate::support::{
    Answer, Ask, Claims, Issuer, Key, Reply, TestApp, config, eventually, issuer::KEYS,
};

/// A service that trusts one issuer with one key.
pub(crate) struct Court {
    pub(crate) kind: Kind,
    pub(crate) issuer: Issuer,
    pub(crate) key: Key,
    pub(crate) app: TestApp,
    settings: Value,
}

impl Court {
    /// With the usual configuration of Rownd's own issuer.
    pub(crate) async fn sit() -> Self {
        Self::of(Kind::Rownd).await
    }

    /// Starts like [`sit`](Self::sit), with a changed configuration.
    pub(crate) async fn sit_with(change: impl FnOnce(&mut Value)) -> Self {
        Self::of_with(Kind::Rownd, change).await
    }

    /// With the usual configuration of an issuer of this kind.
    pub(crate) async fn of(kind: Kind) -> Self {
        Self::of_with(kind, |_| {}).await
    }

    /// With a changed one.
    pub(crate) async fn of_with(kind: Kind, change: impl FnOnce(&mut Value)) -> Self {
        let key = kind.key("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let mut settings = config(&issuer);
        settings["issuers"][0] = kind.settings(kind.name(), &issuer, &[&key]);
        change(&mut settings);
        let app = TestApp::ready(&settings).await;
        Self { kind, issuer, key, app, settings }
    }

    /// The `iss` of its tokens.
    pub(crate) fn iss(&self) -> String {
        self.kind.iss(self.kind.name(), &self.issuer)
    }

    /// The `aud` that its tokens must have.
    pub(crate) fn audience(&self) -> String {
        self.kind.audience(self.kind.name())
    }

    /// Good claims.
    pub(crate) fn claims(&self) -> Claims {
        self.kind.claims(self.kind.name(), &self.issuer)
    }

    /// The name of its algorithm.
    pub(crate) fn alg(&self) -> &'static str {
        self.key.algorithm().name()
    }

    /// Asks with a token.
    pub(crate) async fn judge(&self, token: impl AsRef<[u8]>) -> Answer {
        self.app.check(&Ask::with_token(token)).await
    }

    /// The token is refused for this reason.
    pub(crate) async fn refuses(&self, what: &str, token: impl AsRef<[u8]>, reason: DenyReason) {
        let (answer, what) = (self.judge(token).await, format!("{:?}: {what}", self.kind));
        answer.assert_denied(&what, reason);
        // A configured name, where the token was judged by the rules of an issuer at all.
        let (named, issuers) = (answer.fact("issuer"), self.settings["issuers"].as_array());
        let known = issuers.unwrap().iter().any(|issuer| issuer["name"] == named);
        let either = reason == DenyReason::ClaimsInvalid && named.is_empty();
        let before = named.is_empty() && denials::before_any_issuer(reason);
        let after = known && !denials::before_any_issuer(reason);
        assert!(before || after || either, "{what}: denied by {named:?}");
    }

    /// The token is taken.
    pub(crate) async fn takes(&self, what: &str, token: impl AsRef<[u8]>) -> Answer {
        let answer = self.judge(token).await;
        answer.assert_allowed(&format!("{:?}: {what}", self.kind), "authenticated");
        answer
    }

    /// Makes the service fetch the keys again, and waits for the end of it.
    pub(crate) async fn fetch_again(&self) {
        let fetches = || self.app.metric("rownd_authz_key_fetches_total", &[]);
        let before = fetches();
        let header = json!({ "alg": self.alg(), "kid": "sig-stranger" });
        let stranger = self.key.token_under(&header, &self.claims());
        eventually("another fetch", async || {
            self.judge(&stranger).await;
            (fetches() > before).then_some(())
        })
        .await;
    }

    /// These are the keys of the issuer from now on, and the service knows. Where nothing is
    /// fetched, an operator has written them down and restarted the service.
    pub(crate) async fn publish(&mut self, set: Reply) {
        if self.kind == Kind::Static {
            let Reply::Answer(200, _, body) = set else { panic!("no keys") };
            self.settings["issuers"][0]["key_set"] = json!(String::from_utf8(body).unwrap());
            self.app = TestApp::ready(&self.settings).await;
        } else {
            self.issuer.set(KEYS, set);
            self.fetch_again().await;
        }
    }

    /// A good token is still taken, and nothing that was refused has got through.
    pub(crate) async fn adjourns(self) {
        self.takes("a good token", self.key.token(&self.claims())).await;
        assert!(self.app.counted("authenticated") >= 1.0);
    }
}
