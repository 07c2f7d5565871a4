//! The tokens of the bench, in the form that Rownd gives them. In: serial numbers. Out: as many
//! different access tokens of one length as are asked for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use test_support::forge::{Algorithm, Key};

use crate::Result;

pub(crate) const APP: &str = "app_bench0000000000000000001";
const KEY_ID: &str = "sig-1700000000";
const LIFETIME: Duration = Duration::from_secs(3600);
/// Length of the payload that makes an EdDSA token of about 800 bytes.
const PAYLOAD: usize = 492;

/// The `iss` of the tokens of an algorithm: Rownd's own, or another's.
pub(crate) const fn issuer(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDsa => "https://api.rownd.io",
        Algorithm::Es256 => "https://es256.bench.test",
        Algorithm::Es384 => "https://es384.bench.test",
        Algorithm::Es512 => "https://es512.bench.test",
        Algorithm::Rs256 => "https://rs256.bench.test",
        Algorithm::Rs384 => "https://rs384.bench.test",
        Algorithm::Rs512 => "https://rs512.bench.test",
        Algorithm::Ps256 => "https://ps256.bench.test",
        Algorithm::Ps384 => "https://ps384.bench.test",
        Algorithm::Ps512 => "https://ps512.bench.test",
    }
}

pub(crate) struct Signer {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: Key,
}

impl Signer {
    pub(crate) fn generate(algorithm: Algorithm) -> Self {
        Self { algorithm, key: Key::of(algorithm, KEY_ID) }
    }

    /// One signer of each of the usual algorithms.
    pub(crate) fn of_each() -> Vec<Self> {
        Algorithm::DEFAULT.map(Self::generate).into()
    }

    /// The public key as its issuer publishes it.
    pub(crate) fn jwk(&self) -> Value {
        self.key.jwk()
    }

    /// One access token for each serial number.
    pub(crate) fn mint(&self, serials: std::ops::Range<u64>) -> Result<Tokens> {
        self.mint_under(&self.key.header(), serials)
    }

    /// The same under this header.
    pub(crate) fn mint_under(
        &self,
        header: &Value,
        serials: std::ops::Range<u64>,
    ) -> Result<Tokens> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let header = header.to_string();
        let mut tokens = Tokens::default();
        for serial in serials {
            let payload = payload(issuer(self.algorithm), serial, now);
            let token = self.key.sign(&header, payload);
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
}

/// The user id in the token with this serial number.
pub(crate) fn user(serial: u64) -> String {
    format!("user_bench{serial:016}")
}

fn payload(issuer: &str, serial: u64, now: Duration) -> String {
    let user = user(serial);
    let (issued, expires) = (now.as_secs(), (now + LIFETIME).as_secs());
    let mut payload = format!(
        r#"{{"jti":"{serial:08x}-0000-4000-8000-{serial:012x}","aud":["app:{APP}"],"sub":"{user}","iat":{issued},"https://auth.rownd.io/app_user_id":"{user}","https://auth.rownd.io/is_verified_user":true,"https://auth.rownd.io/auth_level":"verified","iss":"{issuer}","exp":{expires},"https://bench.example/workspace":""#,
    );
    while payload.len() + 2 < PAYLOAD {
        payload.push('w');
    }
    payload.push_str(r#""}"#);
    payload
}

/// Tokens of one length, end to end: a hundred thousand are one allocation.
#[derive(Default)]
pub(crate) struct Tokens {
    bytes: Vec<u8>,
    length: usize,
}

impl Tokens {
    /// Adds tokens of the same length.
    pub(crate) fn extend(&mut self, more: Self) {
        self.length = more.length;
        self.bytes.extend(more.bytes);
    }

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
