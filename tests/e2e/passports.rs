//! Passports behind the real Envoy: the service gets one that the published keys verify, no spelling
//! of its header is a client's, and none is handed out on another rule or after a revocation.

use std::{fs, net::SocketAddr};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::support::{
    control::order,
    echo::{Echo, Echoed},
    envoy::{Envoy, EnvoyBuilder},
    free_port,
    gate::Gate,
    passport::{JWKS, opened, p256},
    product::{Product, Until},
    raw::{Answer, Raw},
    rownd::{KeyService, Rownd, USER},
};

use super::shipped::SEPARATORS;

const GATES: [&str; 3] = ["joined", "raw", "checked"];
const NAMES: [&str; 2] = ["x-rownd-passport", "txn-token"];
const OWN_ISS: &str = "https://authz.example.com";

struct Stack {
    _echo: Echo,
    issuer: Rownd,
    _product: Product,
    envoy: Envoy,
    /// The listener `http` of the product.
    http: SocketAddr,
    dir: TempDir,
}

fn config(issuer: &Rownd, dir: &TempDir, http: SocketAddr) -> Value {
    let key = dir.path().join("key.pem");
    fs::write(&key, p256()).expect("a key file");
    let socket = format!("unix:{}", dir.path().join("control.sock").display());
    let prefix = |path: &str| json!({ "path": { "prefix": path } });
    json!({
        "issuers": [issuer.config()],
        "passport": {
            "issuer": OWN_ISS,
            "trust_domain": "shop.example.com",
            "keys": [{ "file": key, "kid": "one" }],
        },
        "listeners": {
            "http": { "address": http.to_string(), "serve": ["passport_keys"] },
            "control": { "address": socket },
        },
        "routes": [
            { "id": "none", "match": prefix("/none"), "auth": "none" },
            { "id": "plain", "match": prefix("/plain") },
            { "id": "orders", "match": { "path": { "template": "/orders/{id}" } },
              "auth": "optional",
              "passport": { "audience": "orders", "claims": {
                "order": { "path": "id" }, "plan": { "claim": "plan" } } } },
            { "id": "transfers", "match": prefix("/transfers"),
              "passport": { "format": "txn-token", "scope": "transfers.write" } },
        ],
        "check": { "timeout": "4s" },
    })
}

async fn stack() -> &'static Stack {
    static STACK: OnceCell<Stack> = OnceCell::const_new();
    STACK
        .get_or_init(|| async {
            let dir = tempfile::tempdir().expect("a directory");
            let (issuer, http) = (Rownd::start(KeyService::Works).await, free_port());
            let echo = Echo::start().await;
            let product = Product::start(config(&issuer, &dir, http), Until::Ready).await;
            let raw = |name| Gate { raw_headers: true, ..Gate::new(name) };
            let envoy = EnvoyBuilder::new(echo.address())
                .authz("authz", &[product.endpoint()])
                .gate(Gate::new("joined"))
                .gate(raw("raw"))
                .gate(Gate { validate_mutations: true, mutation_rules: true, ..raw("checked") })
                .start()
                .await;
            Stack { _echo: echo, issuer, _product: product, envoy, http, dir }
        })
        .await
}

impl Stack {
    async fn ask(&self, gate: &str, request: &Raw) -> Answer {
        request.send(self.envoy.gate(gate)).await
    }

    async fn pass(&self, gate: &str, request: &Raw) -> Echoed {
        let answer = self.ask(gate, request).await;
        assert_eq!(answer.status, 200, "@ {gate}: {}", answer.text());
        answer.echo()
    }

    async fn key_set(&self) -> Value {
        Raw::get(JWKS).send(self.http).await.json()
    }
}

/// A request with both headers in each spelling.
fn forged(path: &str) -> Raw {
    SEPARATORS.chars().fold(Raw::get(path), |request, separator| {
        NAMES.iter().fold(request, |request, name| {
            let name = name.replace('-', &separator.to_string());
            request.header(name.to_uppercase(), "evil").header(name, "evil")
        })
    })
}

#[track_caller]
fn nothing_evil(echoed: &Echoed, context: &str) {
    let evil: Vec<_> = echoed.headers.iter().filter(|(_, value)| value.contains("evil")).collect();
    assert!(evil.is_empty(), "{context}: {evil:?} reached the service");
}

#[tokio::test]
async fn the_service_gets_one_passport_that_the_published_keys_verify() {
    let stack = stack().await;
    let set = stack.key_set().await;
    let hostile = "a\r\nx-rownd-user-id: evil\u{0}\u{1f600}";
    let token = stack.issuer.token("verified").claim("plan", hostile).sign();
    for gate in GATES {
        let echoed = stack.pass(gate, &forged("/orders/a%20b").bearer(&token)).await;
        nothing_evil(&echoed, gate);
        let passports = echoed.all("x-rownd-passport");
        assert_eq!(passports.len(), 1, "@ {gate}: {passports:?}");
        let (header, stated) = opened(&set, passports[0]);
        assert_eq!(header["typ"], "rownd-passport+jwt", "@ {gate}");
        for (name, value) in [
            ("iss", OWN_ISS),
            ("aud", "orders"),
            ("sub", USER),
            ("order", "a b"),
            ("plan", hostile),
        ] {
            assert_eq!(stated[name], value, "{name} @ {gate}");
        }
        assert_eq!(echoed.all("txn-token"), [""; 0], "@ {gate}");
        let again = stack.pass(gate, &Raw::get("/orders/a%20b").bearer(&token)).await;
        assert_eq!(again.all("x-rownd-passport"), passports, "@ {gate}: it is reused");
    }
}

#[tokio::test]
async fn a_transaction_token_has_its_own_header_and_is_new_for_each_request() {
    let stack = stack().await;
    let set = stack.key_set().await;
    let token = stack.issuer.token("verified").sign();
    let mut transactions = Vec::new();
    for gate in GATES {
        let echoed = stack.pass(gate, &forged("/transfers").bearer(&token)).await;
        nothing_evil(&echoed, gate);
        let tokens = echoed.all("txn-token");
        assert_eq!(tokens.len(), 1, "@ {gate}: {tokens:?}");
        let (header, stated) = opened(&set, tokens[0]);
        assert_eq!(header["typ"], "txntoken+jwt", "@ {gate}");
        assert_eq!(
            (&stated["aud"], &stated["scope"]),
            (&json!("shop.example.com"), &json!("transfers.write"))
        );
        // The echo is reached by a client of this address.
        assert_eq!(stated["rctx"]["req_ip"], "127.0.0.1", "@ {gate}");
        assert_eq!(echoed.all("x-rownd-passport"), [""; 0], "@ {gate}");
        transactions.push(stated["txn"].to_string());
    }
    transactions.sort();
    transactions.dedup();
    assert_eq!(transactions.len(), GATES.len());
}

#[tokio::test]
async fn no_other_request_brings_or_gets_one() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    for gate in GATES {
        for (path, token) in [
            ("/none", None),
            ("/none", Some(&token)),
            ("/plain", Some(&token)),
            // Anonymous, on a rule that has one for known users.
            ("/orders/7", None),
        ] {
            let mut request = forged(path);
            if let Some(token) = token {
                request = request.bearer(token);
            }
            let echoed = stack.pass(gate, &request).await;
            let context = format!("{path} @ {gate}");
            nothing_evil(&echoed, &context);
            for name in NAMES {
                assert_eq!(echoed.all(name), [""; 0], "{name} of {context}");
            }
        }
    }
}

#[tokio::test]
async fn a_passport_is_no_credential_and_none_follows_a_revocation() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").claim("jti", "to-be-revoked").sign();
    let echoed = stack.pass("raw", &Raw::get("/orders/7").bearer(&token)).await;
    let passport = echoed.all("x-rownd-passport")[0].to_owned();
    for gate in GATES {
        for path in ["/orders/7", "/plain"] {
            let answer = stack.ask(gate, &Raw::get(path).bearer(&passport)).await;
            let reason = answer.json()["reason"].clone();
            assert_eq!(
                (answer.status, reason),
                (401, json!("token_header_refused")),
                "{path} @ {gate}"
            );
        }
    }
    let revoked = json!({ "jti": "to-be-revoked" });
    order(&stack.dir.path().join("control.sock"), "/revoke", &revoked).await;
    for gate in GATES {
        let answer = stack.ask(gate, &Raw::get("/orders/7").bearer(&token)).await;
        assert_eq!(
            (answer.status, answer.json()["reason"].clone()),
            (401, json!("revoked")),
            "@ {gate}"
        );
        assert_eq!(answer.all("x-rownd-passport"), [""; 0], "@ {gate}");
    }
}
