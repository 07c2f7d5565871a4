//! Tokens by four libraries in three languages, none of which knows ours: PyJWT, joserfc, npm's
//! jose and golang-jwt, each with every algorithm, in the shape of every kind of issuer.
//!
//! In: their key sets and tokens. Out: all of them are taken, and for nobody but whom they name;
//! each again by an unknown key under the same name, and each in the hands of an issuer
//! that signs with something else, is refused.

use std::collections::BTreeMap;

use rownd_authz::model::DenyReason;
use serde::Deserialize;
use serde_json::{Value, json};

use super::talk::{node, program, python};
use crate::it::attacks::Kind;
use crate::support::{Ask, Issuer, Reply, TestApp, config_with, forge::Algorithm, issuer::KEYS};

#[derive(Debug, Deserialize)]
struct Minted {
    library: String,
    keys: Vec<Value>,
    tokens: BTreeMap<String, Pair>,
}

#[derive(Debug, Deserialize)]
struct Pair {
    good: String,
    forged: String,
}

/// A token to be made, and the issuer that is to take it.
struct Order {
    name: String,
    kind: Kind,
    algorithm: Algorithm,
    issuer: Issuer,
}

/// Each kind with each algorithm it can have.
fn orders() -> Vec<Order> {
    let all = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];
    let possible = |kind: Kind| match kind {
        Kind::Oidc | Kind::Static => all.to_vec(),
        other => vec![other.algorithm()],
    };
    let each = |kind: Kind| possible(kind).into_iter().map(move |algorithm| (kind, algorithm));
    let order = |(kind, algorithm): (Kind, Algorithm)| Order {
        name: format!("{}-{}", kind.name(), algorithm.name().to_ascii_lowercase()),
        kind,
        algorithm,
        issuer: Issuer::start(),
    };
    Kind::ALL.into_iter().flat_map(each).map(order).collect()
}

impl Order {
    fn question(&self) -> Value {
        // Like the real tokens: Firebase and SuperTokens say JWT, those of RFC 9068 say at+jwt.
        let typ = if self.kind == Kind::Oidc { "at+jwt" } else { "JWT" };
        json!({
            "name": self.name,
            "alg": self.algorithm.name(),
            "header": { "typ": typ },
            "claims": self.kind.claims(&self.name, &self.issuer).user(&self.user()).json(),
        })
    }

    fn user(&self) -> String {
        format!("user-of-{}", self.name)
    }

    fn settings(&self, keys: &Value) -> Value {
        let mut settings = self.kind.settings(&self.name, &self.issuer, &[]);
        if matches!(self.kind, Kind::Oidc | Kind::Static) {
            settings["algorithms"] = json!([self.algorithm.name()]);
        }
        if self.kind == Kind::Static {
            settings["key_set"] = json!(keys.to_string());
        }
        settings
    }
}

/// A service that trusts the library's keys verifies the tokens that the library minted.
async fn hold(library: &str, minter: impl AsyncFnOnce(Value) -> Value) {
    let orders = orders();
    assert_eq!(orders.len(), 9);
    let questions: Vec<Value> = orders.iter().map(Order::question).collect();
    let answer = minter(json!({ "orders": questions })).await;
    let minted: Minted = serde_json::from_value(answer).unwrap();
    assert!(minted.library.starts_with(library), "{}: run `make tools` again", minted.library);
    let keys = json!({ "keys": minted.keys });
    let settings = config_with(&orders[0].issuer, |config| {
        config["issuers"] = orders.iter().map(|order| order.settings(&keys)).collect();
    });
    for order in &orders {
        order.issuer.set(KEYS, Reply::json(&keys));
    }
    let app = TestApp::ready(&settings).await;
    for order in &orders {
        let what = format!("{library} {}", order.name);
        let Pair { good, forged } = &minted.tokens[&order.name];
        let answer = app.check(&Ask::with_token(good)).await;
        answer.assert_allowed(&what, "authenticated");
        assert_eq!(answer.set("x-rownd-user-id"), Some(order.user().as_str()), "{what}");
        assert_eq!(answer.set("x-rownd-issuer"), Some(order.name.as_str()), "{what}");
        assert_eq!(answer.set("x-rownd-auth-level"), Some("verified"), "{what}");
        let answer = app.check(&Ask::with_token(forged)).await;
        answer.assert_denied(&format!("{what}, forged"), DenyReason::SignatureInvalid);
        // The end of another good token behind it.
        let other = orders.iter().find(|other| other.name != order.name).unwrap();
        let (head, _) = good.rsplit_once('.').unwrap();
        let (_, tail) = minted.tokens[&other.name].good.rsplit_once('.').unwrap();
        let answer = app.check(&Ask::with_token(format!("{head}.{tail}"))).await;
        answer.assert_denied(&format!("{what}, patched"), DenyReason::SignatureInvalid);
    }
}

#[tokio::test]
async fn pyjwts_tokens_of_every_kind_are_taken() {
    let script = "tests/foreign/minters/pyjwt_mint.py";
    hold("PyJWT 2.15.1", async |question| python(script, &question).await).await;
}

#[tokio::test]
async fn joserfcs_tokens_of_every_kind_are_taken() {
    let script = "tests/foreign/minters/joserfc_mint.py";
    hold("joserfc 1.8.0", async |question| python(script, &question).await).await;
}

#[tokio::test]
async fn joses_tokens_of_every_kind_are_taken() {
    let script = "tests/foreign/minters/jose_mint.cjs";
    hold("jose 4.15.9", async |question| node(script, &question).await).await;
}

#[tokio::test]
async fn golang_jwts_tokens_of_every_kind_are_taken() {
    hold("golang-jwt v5.3.1", async |question| program("golang-jwt/mint", &question).await).await;
}
