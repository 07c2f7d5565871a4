//! A scripted Rownd for tests through Envoy: keys, key set, app configuration, and tokens with
//! every part settable.
//!
//! In: the behaviour of its key set endpoint. Out: an issuer at a loopback address that counts
//! its requests, and tokens that it signed. It runs on the runtime that all tests share.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use super::{
    background,
    forge::{self, Key},
    issuer::{APP_CONFIG, Issuer, KEYS, METADATA, Reply},
};

/// The `iss` of the tokens; the address of the issuer is another one.
pub(crate) const ISSUER: &str = "https://api.rownd.io";
/// The app of the tokens.
pub(crate) const APP: &str = "app_e2e0000000000000000000001";
/// The user of the tokens.
pub(crate) const USER: &str = "user_e2e000000000000000001";

/// The behaviour of the endpoint that serves the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyService {
    /// It answers with the keys.
    Works,
    /// It takes the request and never answers.
    NeverAnswers,
    /// It answers 500.
    Fails,
}

struct State {
    issuer: Issuer,
    key: Mutex<Arc<Key>>,
    key_service: Mutex<KeyService>,
}

/// A running Rownd. It ends when its last copy is dropped.
#[derive(Clone)]
pub(crate) struct Rownd(Arc<State>);

impl fmt::Debug for Rownd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rownd").field(&self.0.issuer.url()).finish()
    }
}

impl Rownd {
    /// Starts one on a free port.
    pub(crate) async fn start(key_service: KeyService) -> Self {
        let issuer = background().spawn(async { Issuer::start() }).await.expect("an issuer");
        let base = issuer.url();
        issuer.set(
            METADATA,
            Reply::json(&json!({
                "issuer": ISSUER,
                "token_endpoint": format!("{base}/hub/auth/token"),
                "jwks_uri": format!("{base}{KEYS}"),
                "id_token_signing_alg_values_supported": ["EdDSA"],
            })),
        );
        let app = json!({ "config_type": "app", "app": { "id": APP, "name": "e2e" } });
        issuer.set(APP_CONFIG, Reply::json(&app));
        let key = Mutex::new(Arc::new(Key::new("sig-1")));
        let rownd = Self(Arc::new(State { issuer, key, key_service: Mutex::new(key_service) }));
        rownd.publish();
        rownd
    }

    /// Its entry in the configuration of the product.
    pub(crate) fn config(&self) -> Value {
        json!({
            "name": "rownd",
            "kind": "rownd",
            "base_url": self.0.issuer.url(),
            "issuer": ISSUER,
            "apps": [{ "id": APP }],
            // So that a test need not wait before an unknown key is fetched.
            "keys": { "cooldown": "100ms" },
        })
    }

    /// Changes the behaviour of the key set endpoint.
    pub(crate) fn key_service(&self, key_service: KeyService) {
        *self.0.key_service.lock().expect("the key service") = key_service;
        self.publish();
    }

    /// Signs with a new key from now on, and publishes that key only.
    pub(crate) fn rotate(&self, kid: &str) {
        *self.0.key.lock().expect("the key") = Arc::new(Key::new(kid));
        self.publish();
    }

    fn publish(&self) {
        let reply = match *self.0.key_service.lock().expect("the key service") {
            KeyService::Works => Reply::keys(&[&self.key()]),
            KeyService::NeverAnswers => Reply::Hang,
            KeyService::Fails => Reply::status(500),
        };
        self.0.issuer.set(KEYS, reply);
    }

    fn key(&self) -> Arc<Key> {
        Arc::clone(&self.0.key.lock().expect("the key"))
    }

    /// The number of requests for its keys.
    pub(crate) fn key_requests(&self) -> u64 {
        self.0.issuer.hits(KEYS)
    }

    /// A valid token of a user at this auth level.
    pub(crate) fn token(&self, level: &str) -> Token {
        let (key, now) = (self.key(), forge::now());
        let token = Token {
            header: key.header(),
            claims: json!({
                "iss": ISSUER,
                "aud": [format!("app:{APP}")],
                "sub": USER,
                "iat": now,
                "exp": now + 3600,
                "jti": format!("{:016x}", rand::random::<u64>()),
                "https://auth.rownd.io/app_user_id": USER,
                "https://auth.rownd.io/is_verified_user": level == "verified" || level == "guest",
                "https://auth.rownd.io/auth_level": level,
            }),
            key,
        };
        if level == "guest" || level == "instant" {
            token.claim("https://auth.rownd.io/is_anonymous", true)
        } else {
            token
        }
    }
}

/// A token before it is signed.
#[derive(Clone)]
pub(crate) struct Token {
    header: Value,
    claims: Value,
    key: Arc<Key>,
}

impl Token {
    /// Sets a claim.
    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    /// Sets a member of the header.
    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    /// Expired an hour ago.
    pub(crate) fn expired(self) -> Self {
        let now = forge::now();
        self.claim("iat", now - 7200).claim("exp", now - 3600)
    }

    /// Signed by an unpublished key under the published name.
    pub(crate) fn forged(mut self) -> Self {
        self.key = Arc::new(Key::new(&self.key.kid));
        self
    }

    /// Has the public key that it is signed with in its header.
    pub(crate) fn with_its_key(self) -> Self {
        let jwk = self.key.jwk();
        self.header("jwk", jwk)
    }

    /// The compact form.
    pub(crate) fn sign(&self) -> String {
        self.sign_parts(&self.header_json(), &self.claims_json())
    }

    /// The compact form of a header and a body that need not be JSON.
    pub(crate) fn sign_parts(&self, header: &str, claims: &str) -> String {
        self.key.sign(header, claims)
    }

    /// The header as JSON.
    pub(crate) fn header_json(&self) -> String {
        self.header.to_string()
    }

    /// The claims as JSON.
    pub(crate) fn claims_json(&self) -> String {
        self.claims.to_string()
    }
}
