//! The bench's own Rownd: one Ed25519 key made at start and tokens in the shape
//! Rownd gives them. Comes in: serial numbers. Goes out: the key set, and as
//! many distinct access tokens of one length as are asked for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::Result;

pub(crate) const ISSUER: &str = "https://api.rownd.io";
pub(crate) const APP: &str = "app_bench0000000000000000001";
const KEY_ID: &str = "sig-1700000000";
const LIFETIME: Duration = Duration::from_secs(3600);
/// Length of the signing input that makes a token of about 800 bytes.
const PAYLOAD: usize = 492;

pub(crate) struct Signer {
    key: Ed25519KeyPair,
    header: String,
}

impl Signer {
    pub(crate) fn generate() -> Result<Self> {
        let header = json!({ "alg": "EdDSA", "kid": KEY_ID }).to_string();
        Ok(Self { key: Ed25519KeyPair::generate()?, header: URL_SAFE_NO_PAD.encode(header) })
    }

    pub(crate) fn public_key(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }

    /// The key set as Rownd publishes it.
    pub(crate) fn key_set(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.public_key());
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": KEY_ID, "x": x });
        json!({ "keys": [key] }).to_string()
    }

    /// One access token for each serial number.
    pub(crate) fn mint(&self, serials: std::ops::Range<u64>) -> Result<Tokens> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let mut tokens = Tokens { bytes: Vec::new(), length: 0 };
        for serial in serials {
            let token = self.token(serial, now);
            if tokens.bytes.is_empty() {
                tokens.length = token.len();
            }
            if token.len() != tokens.length {
                return Err("tokens of different lengths".into());
            }
            tokens.bytes.extend_from_slice(token.as_bytes());
        }
        Ok(tokens)
    }

    fn token(&self, serial: u64, now: Duration) -> String {
        let mut token = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(payload(serial, now)));
        let signature = self.key.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token
    }
}

/// Whose token that is.
pub(crate) fn user(serial: u64) -> String {
    format!("user_bench{serial:016}")
}

fn payload(serial: u64, now: Duration) -> String {
    let user = user(serial);
    let (issued, expires) = (now.as_secs(), (now + LIFETIME).as_secs());
    let mut payload = format!(
        r#"{{"jti":"{serial:08x}-0000-4000-8000-{serial:012x}","aud":["app:{APP}"],"sub":"{user}","iat":{issued},"https://auth.rownd.io/app_user_id":"{user}","https://auth.rownd.io/is_verified_user":true,"https://auth.rownd.io/auth_level":"verified","iss":"{ISSUER}","exp":{expires},"https://bench.example/workspace":""#,
    );
    while payload.len() + 2 < PAYLOAD {
        payload.push('w');
    }
    payload.push_str(r#""}"#);
    payload
}

/// Tokens of one length, end to end: a hundred thousand are one allocation.
pub(crate) struct Tokens {
    bytes: Vec<u8>,
    length: usize,
}

impl Tokens {
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn get(&self, index: usize) -> Option<&[u8]> {
        self.bytes.chunks_exact(self.length).nth(index)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.length)
    }
}
