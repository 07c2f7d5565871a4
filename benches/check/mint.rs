//! The bench's own issuers: a key of each algorithm made at start, and tokens in the
//! shape Rownd gives them. Comes in: serial numbers. Goes out: key sets, and as many
//! distinct access tokens of one length as are asked for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Result;

pub(crate) const APP: &str = "app_bench0000000000000000001";
const KEY_ID: &str = "sig-1700000000";
const LIFETIME: Duration = Duration::from_secs(3600);
/// Length of the signing input that makes an EdDSA token of about 800 bytes.
const PAYLOAD: usize = 492;

/// The algorithm of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    EdDSA,
    ES256,
    RS256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 3] = [Self::EdDSA, Self::ES256, Self::RS256];

    /// The `iss` of those tokens: Rownd's own, or another's.
    pub(crate) const fn issuer(self) -> &'static str {
        match self {
            Self::EdDSA => "https://api.rownd.io",
            Self::ES256 => "https://es256.bench.test",
            Self::RS256 => "https://rs256.bench.test",
        }
    }
}

enum Key {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

pub(crate) struct Signer {
    pub(crate) algorithm: Algorithm,
    key: Key,
    header: String,
}

impl Signer {
    pub(crate) fn generate(algorithm: Algorithm) -> Result<Self> {
        let header = json!({ "alg": algorithm, "kid": KEY_ID }).to_string();
        let key = match algorithm {
            Algorithm::EdDSA => Key::Ed(Ed25519KeyPair::generate()?),
            Algorithm::ES256 => Key::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?),
            Algorithm::RS256 => Key::Rsa(RsaKeyPair::generate(KeySize::Rsa2048)?),
        };
        Ok(Self { algorithm, key, header: URL_SAFE_NO_PAD.encode(header) })
    }

    /// The public key as its issuer publishes it.
    pub(crate) fn jwk(&self) -> Value {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.key {
            Key::Ed(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key().as_ref()) })
            }
            Key::Ec(key) => {
                let point = key.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..]) })
            }
            Key::Rsa(key) => {
                let public = key.public_key();
                let n = public.modulus().big_endian_without_leading_zero();
                let e = public.exponent().big_endian_without_leading_zero();
                json!({ "kty": "RSA", "n": b64(n), "e": b64(e) })
            }
        };
        jwk["alg"] = json!(self.algorithm);
        jwk["use"] = json!("sig");
        jwk["kid"] = json!(KEY_ID);
        jwk
    }

    pub(crate) fn key_set(&self) -> String {
        json!({ "keys": [self.jwk()] }).to_string()
    }

    /// One access token for each serial number.
    pub(crate) fn mint(&self, serials: std::ops::Range<u64>) -> Result<Tokens> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let mut tokens = Tokens::default();
        for serial in serials {
            let token = self.token(serial, now)?;
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

    fn token(&self, serial: u64, now: Duration) -> Result<String> {
        let payload = payload(self.algorithm.issuer(), serial, now);
        let mut token = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(payload));
        let signature = self.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        Ok(match &self.key {
            Key::Ed(key) => key.sign(text).as_ref().to_vec(),
            Key::Ec(key) => key.sign(&random, text)?.as_ref().to_vec(),
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)?;
                signature
            }
        })
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
