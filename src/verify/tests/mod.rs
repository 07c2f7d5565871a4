//! Tokens, claims, keys and caches, with keys and tokens made here: tables of what is refused
//! and why, and the refresh of keys under paused time. Nothing here touches a network.

mod claim_map;
mod claims;
mod claims_cache;
mod command_reload;
mod in_place;
mod jwks;
mod key_cache;
mod key_choice;
mod key_copy;
mod key_credential;
mod key_forget;
mod key_lifecycle;
mod key_pending;
mod key_snapshot;
#[cfg(feature = "dev")]
mod key_source;
mod key_trouble;
mod key_types;
mod kinds;
mod mutations;
mod pairs;
mod refusal_cache;
mod replicas;
mod revocation;
mod signatures;
mod tenant_fetches;
mod tenants;
mod token;
mod unnamed;
mod weak_points;
mod wycheproof;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    CommandTarget, Identity, MemoryRevocations, Verifier, VerifierLimits,
    fetch_budget::ClaimedIssueTime,
    first_keys::FirstKeys,
    jwks::{Key, KeyRules},
    key_refresher::{FetchedIssuer, KeyRefresher},
    key_source::{FetchError, FetchResult, KeyDocuments},
    token::{Token, parse as parse_into},
};
use crate::{
    blocking::BlockingRunner,
    config::{self, SigningAlgorithm},
    health::Readiness,
    metrics::{Labels, Metrics},
    model::{ClaimNames, Denial, DenyReason},
    upstream::{self, Client, Document},
};

const ISS: &str = "https://issuer.test";
const APP: &str = "app_test00000000000000000000001";
/// The time of every test, Unix seconds.
const NOW: u64 = 1_800_000_000;

/// A key of an issuer, made from a seed so that a failure repeats.
struct Signer {
    kid: &'static str,
    pair: Ed25519KeyPair,
}

impl Signer {
    fn new(kid: &'static str, seed: u8) -> Self {
        Self { kid, pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap() }
    }

    fn x(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.public_key())
    }

    fn jwk(&self) -> Value {
        json!({"kty": "OKP", "alg": "EdDSA", "kid": self.kid, "use": "sig", "crv": "Ed25519", "x": self.x()})
    }

    fn sign(&self, header: &Value, claims: &Value) -> Bytes {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// Signs these texts as they are.
    fn sign_text(&self, header: &str, claims: &str) -> Bytes {
        let signed = unsigned(header, claims);
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes()));
        Bytes::from(format!("{signed}.{signature}"))
    }

    /// A token of the usual shape with these claims.
    fn token(&self, claims: &Value) -> Bytes {
        self.sign(&json!({"alg": "EdDSA", "kid": self.kid}), claims)
    }
}

/// The rules of an issuer of these algorithms, whose tokens and keys always have a `kid`.
const fn named(algorithms: &[SigningAlgorithm]) -> KeyRules<'_> {
    KeyRules { algorithms, kid_optional: false }
}

/// The rules of an issuer of these algorithms, whose tokens and keys may come without a `kid`.
const fn unnamed(algorithms: &[SigningAlgorithm]) -> KeyRules<'_> {
    KeyRules { algorithms, kid_optional: true }
}

/// The key verifies this signature by Ed25519.
fn verifies(key: &Arc<Key>, text: &[u8], signature: &[u8]) -> bool {
    key.check(SigningAlgorithm::EdDSA, text, signature).is_some()
}

/// Takes a token apart. Its memory is never given back, so that tests may hold on to it.
fn parse(raw: &[u8]) -> Result<Token<'static>, DenyReason> {
    parse_into(Box::leak(raw.to_vec().into()), Box::leak(Box::default()))
}

fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

fn key_set(keys: &[&Signer]) -> Vec<u8> {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    json!({ "keys": keys }).to_string().into_bytes()
}

/// The claims of a verified user's access token, as Rownd writes them.
fn access() -> Value {
    json!({
        "jti": "00000000-0000-4000-8000-000000000001",
        "aud": [format!("app:{APP}")],
        "sub": "user_test0000000000000000001",
        "iat": NOW - 100,
        "https://auth.rownd.io/app_user_id": "user_test0000000000000000001",
        "https://auth.rownd.io/is_verified_user": true,
        "https://auth.rownd.io/auth_level": "verified",
        "iss": ISS,
        "exp": NOW + 3_500,
    })
}

/// Changes to JSON: each member set, or removed where it is `null`.
fn with(mut json: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        let members = json.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    json
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The answers of an issuer, and the fetches that it got.
#[derive(Debug, Clone)]
struct Script(Arc<Mutex<Answers>>);

#[derive(Debug)]
struct Answers {
    next: Result<Document, FetchError>,
    takes: Duration,
    panics: bool,
    fetches: Vec<Instant>,
}

impl Script {
    fn new(document: Vec<u8>) -> Self {
        let next = Ok(Document { body: document, max_age: None });
        Self(Arc::new(Mutex::new(Answers {
            next,
            takes: Duration::ZERO,
            panics: false,
            fetches: Vec::new(),
        })))
    }

    fn answer(&self, document: Vec<u8>) {
        self.0.lock().unwrap().next = Ok(Document { body: document, max_age: None });
    }

    fn answer_for(&self, document: Vec<u8>, max_age: Duration) {
        self.0.lock().unwrap().next = Ok(Document { body: document, max_age: Some(max_age) });
    }

    fn fail(&self, result: FetchResult) {
        let text = || "as the test says".to_owned();
        let error = match result {
            FetchResult::Network => FetchError::Upstream(upstream::UpstreamError::Network(text())),
            FetchResult::Proxy => {
                FetchError::Upstream(upstream::UpstreamError::Proxy(text().into()))
            }
            FetchResult::Credential => FetchError::Credential(text()),
            FetchResult::Timeout => FetchError::Upstream(upstream::UpstreamError::Timeout),
            FetchResult::Status => FetchError::Upstream(upstream::UpstreamError::Status(500)),
            FetchResult::Invalid => FetchError::NoPlace,
            FetchResult::Ok => panic!("a good fetch is no failure"),
        };
        assert_eq!(error.result(), result);
        self.0.lock().unwrap().next = Err(error);
    }

    fn panic_once(&self) {
        self.0.lock().unwrap().panics = true;
    }

    fn takes(&self, time: Duration) {
        self.0.lock().unwrap().takes = time;
    }

    fn fetches(&self) -> usize {
        self.0.lock().unwrap().fetches.len()
    }

    fn fetched_at(&self) -> Vec<Instant> {
        self.0.lock().unwrap().fetches.clone()
    }
}

impl KeyDocuments for Script {
    fn fetch(&mut self) -> BoxFuture<'_, Result<Document, FetchError>> {
        Box::pin(async {
            let (takes, panics) = {
                let mut answers = self.0.lock().unwrap();
                answers.fetches.push(Instant::now());
                (answers.takes, std::mem::take(&mut answers.panics))
            };
            sleep(takes).await;
            assert!(!panics, "as the test says");
            self.0.lock().unwrap().next.clone()
        })
    }
}

/// A verifier whose issuers answer as scripted.
struct Rig {
    verifier: Arc<Verifier>,
    scripts: Vec<Script>,
    refreshers: Vec<KeyRefresher>,
    metrics: Arc<Metrics>,
    readiness: Readiness,
}

/// One issuer of this app and these keys.
fn rig(keys: &[&Signer]) -> Rig {
    rig_of(&format!("issuers: [{}]", issuer("one", ISS)), &[key_set(keys)])
}

fn issuer(name: &str, iss: &str) -> String {
    format!("{{name: {name}, kind: rownd, base_url: '{iss}', apps: [{{id: {APP}}}]}}")
}

/// It makes no request here, and building it takes longer than most tests.
static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    // It cannot be built without a provider of TLS.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::build(&config::Network::default(), &[], Duration::from_secs(1)).unwrap()
});

fn rig_of(yaml: &str, documents: &[Vec<u8>]) -> Rig {
    rig_that_keeps(&ClaimNames::default(), yaml, documents)
}

/// A rig whose identities keep these claims.
fn rig_that_keeps(asked: &ClaimNames, yaml: &str, documents: &[Vec<u8>]) -> Rig {
    let config =
        config::parse("test.yaml", yaml, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
    let mut labels = Labels::of_issuers(config.issuers.iter().map(|issuer| issuer.name.clone()));
    super::add_labels(&mut labels);
    let metrics = Metrics::build(&labels).unwrap();
    let readiness = Readiness::new();
    let limits = VerifierLimits {
        max_token_bytes: config.check.max_token_bytes,
        claims_cache_bytes: config.check.claims_cache_bytes,
        refusal_cache_bytes: config.check.refusal_cache_bytes,
    };
    let revocations = MemoryRevocations::new(&config.revocation, &metrics);
    let parts =
        Verifier::build(&config.issuers, limits, revocations, &CLIENT, &metrics, &readiness)
            .unwrap()
            .with_snapshots(config.key_snapshots.as_ref(), &config.issuers)
            .with_asked_claims(asked);
    let verifier = Arc::new(parts.verifier);
    let scripts: Vec<Script> =
        documents.iter().map(|document| Script::new(document.clone())).collect();
    let refreshers = scripts.iter().zip(verifier.issuers());
    let refreshers = refreshers.map(|(script, issuer)| {
        let latch = readiness.latch(&format!("keys of {}", issuer.name()));
        let source = Box::new(script.clone());
        let series =
            FetchedIssuer { name: issuer.name().into(), label: issuer.label(), tenant: None };
        KeyRefresher::new(
            series,
            issuer.rings[0].keys.clone(),
            source,
            metrics.clone(),
            Some(FirstKeys::new(latch).add()),
        )
    });
    let refreshers = refreshers.collect();
    Rig { verifier, scripts, refreshers, metrics, readiness }
}

impl Rig {
    /// Runs the refreshers beside the test.
    async fn run<T>(&mut self, test: impl AsyncFnOnce(&Self) -> T) -> T {
        let refreshers = std::mem::take(&mut self.refreshers);
        let refreshers = futures_util::future::join_all(
            refreshers.into_iter().map(|task| task.run(BlockingRunner::new())),
        );
        tokio::select! {
            _ = refreshers => panic!("a refresher never ends"),
            result = test(self) => result,
        }
    }

    /// Runs the test once the first keys have come.
    async fn run_with_keys<T>(&mut self, test: impl AsyncFnOnce(&Self) -> T) -> T {
        self.run(async |rig| {
            for issuer in rig.verifier.issuers() {
                let key = issuer.rings[0]
                    .keys
                    .find(None, SigningAlgorithm::EdDSA, ClaimedIssueTime::UNKNOWN, soon())
                    .await;
                assert!(issuer.key_status().usable > 0, "{key:?}");
            }
            test(rig).await
        })
        .await
    }

    fn script(&self) -> &Script {
        &self.scripts[0]
    }

    async fn verify_at(&self, token: &Bytes, now: u64) -> Result<Arc<Identity>, Denial> {
        self.verifier.verify(token, at(now), soon()).await
    }

    async fn verify(&self, token: &Bytes) -> Result<Arc<Identity>, Denial> {
        self.verify_at(token, NOW).await
    }

    /// The value of a series in the metrics.
    fn metric(&self, series: &str) -> f64 {
        let text = self.metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        // Most series are made by their first event.
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    fn verified(&self, result: &str) -> f64 {
        self.metric(&format!(
            "rownd_authz_verifications_total{{issuer=\"one\",result=\"{result}\"}}"
        ))
    }
}

/// A deadline that is far enough for everything that is not late.
fn soon() -> Instant {
    Instant::now() + Duration::from_millis(200)
}
