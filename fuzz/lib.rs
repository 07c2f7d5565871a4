//! The parts that the fuzz targets share: issuers of every kind whose keys are in place, a signer,
//! and a clock that stands still. Nothing here or in the targets needs more than the public
//! interface.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use rownd_authz::{
    app,
    config::{self, Config, Issuer, IssuerKind, KeyOrigin, SigningAlgorithm},
    health::Readiness,
    metrics::Metrics,
    model::{Denial, DenialClass},
    upstream::Client,
    verify::{self, Identity, MemoryRevocations, Verifier, VerifierLimits},
};
use serde_json::json;
use tokio::time::Instant;

/// Every kind, in the order in which [`issuers`] has them.
pub const KINDS: [IssuerKind; 5] = [
    IssuerKind::Rownd,
    IssuerKind::Supertokens,
    IssuerKind::Oidc,
    IssuerKind::Firebase,
    IssuerKind::Static,
];

/// When it is.
pub const NOW: u64 = 1_800_000_000;

/// base64url without padding.
pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The `iss` of the tokens of a kind's issuer.
pub fn iss(kind: IssuerKind) -> String {
    format!("https://{}.test", kind.as_str())
}

/// The one key that signs for all of them.
pub fn signer() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed is a key")
}

/// Its key set.
pub fn key_set() -> String {
    let x = b64(signer().public_key());
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x }] }).to_string()
}

/// A token over these claims, good as far as header and signature go.
pub fn sign(claims: &[u8]) -> Bytes {
    let signed = format!("{}.{}", b64(r#"{"alg":"EdDSA","kid":"k"}"#), b64(claims));
    let signature = b64(signer().sign(signed.as_bytes()));
    format!("{signed}.{signature}").into()
}

/// One issuer of each kind, with this key set in place and nothing to fetch. Each gets every
/// algorithm after the check of the configuration, so that all of them can have the fast one.
pub fn issuers(keys: &str) -> Vec<Issuer> {
    let written = KINDS.map(|kind| {
        let mut written = json!({
            "name": kind.as_str(), "kind": kind.as_str(), "issuer": iss(kind),
            "key_set": key_set(), "keys": { "fetch": false }, "required": false,
        });
        match kind {
            IssuerKind::Rownd => written["apps"] = json!([{ "id": "a" }]),
            IssuerKind::Firebase => written["project"] = json!("a"),
            IssuerKind::Supertokens => {
                written["base_url"] = json!("https://supertokens.test");
                written["audiences"] = json!(["a"]);
            }
            IssuerKind::Oidc | IssuerKind::Static => written["audiences"] = json!(["a"]),
        }
        written
    });
    let text = json!({ "issuers": written }).to_string();
    let config = config::parse("fuzz.yaml", &text, &Default::default());
    let mut issuers = config.expect("a good configuration").issuers;
    for issuer in &mut issuers {
        issuer.key_origin = KeyOrigin::InPlace(keys.to_owned());
        issuer.algorithms = SigningAlgorithm::ALL.to_vec();
    }
    issuers
}

/// The metrics of these issuers.
pub fn metrics(issuers: &[Issuer]) -> Arc<Metrics> {
    let names = issuers.iter().map(|issuer| issuer.name.clone());
    Metrics::build(&app::labels(names)).expect("metrics")
}

/// The outbound client, which nobody uses here. It reads the roots of the system, so it is made
/// once.
pub fn client() -> &'static Client {
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Client::build(&config::Network::default(), &[], Duration::from_secs(1)).expect("a client")
    });
    &CLIENT
}

/// A verifier that trusts these issuers, without caches: every token is judged.
pub fn verifier(issuers: &[Issuer], metrics: &Arc<Metrics>) -> Result<Verifier, String> {
    let limits =
        VerifierLimits { max_token_bytes: 8192, claims_cache_bytes: 0, refusal_cache_bytes: 0 };
    let revocations = MemoryRevocations::new(&config().revocation, metrics);
    let parts =
        Verifier::build(issuers, limits, revocations, client(), metrics, &Readiness::new())?;
    Ok(parts.verifier)
}

/// A configuration with rules of every kind.
pub fn config() -> Config {
    let text = r#"
issuers: [{ name: one, kind: static, issuer: "urn:one", audiences: [a], key_set: "{}" }]
credentials: [{ header: authorization }, { cookie: c }, { query: q }]
routes:
  - { id: admin, match: { path: { prefix: /admin } }, auth_level: verified }
  - { id: public, match: { path: { prefix: /public } }, auth: none }
  - { id: optional, match: { path: { prefix: /optional } }, auth: optional }
"#;
    config::parse("fuzz.yaml", text, &Default::default()).expect("a good configuration")
}

/// One judgement, to its end.
pub fn judge(
    runtime: &tokio::runtime::Runtime,
    verifier: &Verifier,
    token: &Bytes,
) -> Result<Arc<Identity>, Denial> {
    let now: SystemTime = UNIX_EPOCH + Duration::from_secs(NOW);
    runtime.block_on(async {
        verifier.verify(token, now, Instant::now() + Duration::from_secs(1)).await
    })
}

/// A denial that a client can cause is always the client's own fault.
pub fn assert_clients_fault(denial: &Denial) {
    assert_eq!(denial.reason().class(), DenialClass::BadCredential, "{:?}", denial.reason());
}

/// A runtime without threads.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}
