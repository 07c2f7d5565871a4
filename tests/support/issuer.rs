//! A scripted Rownd: keys, key set, app configuration, and tokens with every part
//! settable.
//!
//! In: what it should do when asked for keys. Out: an issuer at a loopback address
//! that counts its requests, and tokens it signed. It shares no code with the
//! product or its emulator, so that a wrong idea of a token cannot pass on both ends.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::background;

/// The `iss` of the tokens; the address of the issuer is another one.
pub(crate) const ISSUER: &str = "https://api.rownd.io";
/// The app the tokens are made for.
pub(crate) const APP: &str = "app_e2e0000000000000000000001";
/// The user in the tokens.
pub(crate) const USER: &str = "user_e2e000000000000000001";

/// What the issuer does when it is asked for its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It answers.
    Serves,
    /// It takes the request and says nothing.
    Hangs,
    /// It answers 500.
    Fails,
}

#[derive(Debug)]
struct Key {
    kid: String,
    pair: Ed25519KeyPair,
}

impl Key {
    fn new(kid: &str) -> Arc<Self> {
        let pair = Ed25519KeyPair::generate().expect("a key pair");
        Arc::new(Self { kid: kid.to_owned(), pair })
    }

    fn jwk(&self) -> Value {
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.pair.public_key());
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": x })
    }
}

#[derive(Debug)]
struct State {
    address: SocketAddr,
    key: Mutex<Arc<Key>>,
    mood: Mutex<Mood>,
    key_requests: AtomicU64,
}

/// A running issuer.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    state: Arc<State>,
}

impl Issuer {
    /// Starts one on a free port.
    pub(crate) async fn start(mood: Mood) -> Self {
        let listener = background()
            .spawn(TcpListener::bind("127.0.0.1:0"))
            .await
            .expect("the bind task")
            .expect("a free port for the issuer");
        let state = Arc::new(State {
            address: listener.local_addr().expect("its address"),
            key: Mutex::new(Key::new("sig-1")),
            mood: Mutex::new(mood),
            key_requests: AtomicU64::new(0),
        });
        background().spawn(serve(listener, Arc::clone(&state)));
        Self { state }
    }

    /// Its entry in the product's configuration.
    pub(crate) fn config(&self) -> Value {
        json!({
            "name": "rownd",
            "kind": "rownd",
            "base_url": format!("http://{}", self.state.address),
            "issuer": ISSUER,
            "apps": [{ "id": APP }],
            // So that a test need not wait before an unknown key is asked for.
            "keys": { "cooldown": "100ms" },
        })
    }

    /// From now on.
    pub(crate) fn mood(&self, mood: Mood) {
        *self.state.mood.lock().expect("the mood") = mood;
    }

    /// Signs with a new key from now on, and publishes that one only.
    pub(crate) fn rotate(&self, kid: &str) {
        *self.state.key.lock().expect("the key") = Key::new(kid);
    }

    /// How often its keys were asked for.
    pub(crate) fn key_requests(&self) -> u64 {
        self.state.key_requests.load(Ordering::SeqCst)
    }

    /// A good token of a user at this auth level.
    pub(crate) fn token(&self, level: &str) -> Token {
        let key = Arc::clone(&self.state.key.lock().expect("the key"));
        let now = now();
        let token = Token {
            header: json!({ "alg": "EdDSA", "kid": key.kid }),
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
#[derive(Debug, Clone)]
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

    /// Ended long ago.
    pub(crate) fn expired(self) -> Self {
        let now = now();
        self.claim("iat", now - 7200).claim("exp", now - 3600)
    }

    /// Signed by a key that nobody published, under the published name.
    pub(crate) fn forged(mut self) -> Self {
        self.key = Key::new(&self.key.kid);
        self
    }

    /// Brings the key that it is signed with.
    pub(crate) fn with_its_key(self) -> Self {
        let jwk = self.key.jwk();
        self.header("jwk", jwk)
    }

    /// The compact form.
    pub(crate) fn sign(&self) -> String {
        self.sign_parts(&self.header.to_string(), &self.claims.to_string())
    }

    /// The compact form of a header and a body that need not be JSON.
    pub(crate) fn sign_parts(&self, header: &str, claims: &str) -> String {
        let input = format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(header),
            BASE64_URL_SAFE_NO_PAD.encode(claims)
        );
        let signature = self.key.pair.sign(input.as_bytes());
        format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
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

/// Seconds since the epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs()
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service =
                hyper::service::service_fn(move |request| answer(Arc::clone(&state), request));
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let base = format!("http://{}", state.address);
    let body = match request.uri().path() {
        "/hub/auth/keys" => {
            state.key_requests.fetch_add(1, Ordering::SeqCst);
            let mood = *state.mood.lock().expect("the mood");
            match mood {
                Mood::Serves => json!({ "keys": [state.key.lock().expect("the key").jwk()] }),
                Mood::Hangs => std::future::pending().await,
                Mood::Fails => return Ok(status(500)),
            }
        }
        "/hub/auth/.well-known/oauth-authorization-server" => json!({
            "issuer": ISSUER,
            "token_endpoint": format!("{base}/hub/auth/token"),
            "jwks_uri": format!("{base}/hub/auth/keys"),
            "id_token_signing_alg_values_supported": ["EdDSA"],
        }),
        "/hub/app-config" => json!({ "config_type": "app", "app": { "id": APP, "name": "e2e" } }),
        _ => return Ok(status(404)),
    };
    let mut response = Response::new(Full::from(body.to_string()));
    response
        .headers_mut()
        .insert("content-type", http::HeaderValue::from_static("application/json"));
    Ok(response)
}

fn status(code: u16) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = http::StatusCode::from_u16(code).expect("a status");
    response
}
