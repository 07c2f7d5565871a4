//! A forge of tokens: any header, any payload, any signature.
//!
//! It shares no code with the emulator's minter or the verifier, so that a wrong idea of a
//! token cannot stand on both ends.

use std::{
    cell::Cell,
    fmt,
    sync::{Arc, Mutex},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
        RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The app whose tokens the test configurations take.
pub const APP: &str = "app_test00000000000000000000001";

/// The user of the tokens.
pub const USER: &str = "user_test0000000000000000001";

/// base64url without padding.
pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The way back.
pub fn unb64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Seconds since 1970.
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// The algorithm of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037).
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA with P-256 and SHA-256 (RFC 7518 section 3.4).
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA with P-384 and SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// ECDSA with P-521 and SHA-512.
    #[serde(rename = "ES512")]
    Es512,
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits (RFC 7518 section 3.3).
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    #[serde(rename = "RS512")]
    Rs512,
    /// RSASSA-PSS with SHA-256 (RFC 7518 section 3.5).
    #[serde(rename = "PS256")]
    Ps256,
    /// RSASSA-PSS with SHA-384.
    #[serde(rename = "PS384")]
    Ps384,
    /// RSASSA-PSS with SHA-512.
    #[serde(rename = "PS512")]
    Ps512,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 10] = [
        Self::EdDsa,
        Self::Es256,
        Self::Rs256,
        Self::Es384,
        Self::Es512,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
    ];

    /// Those that an issuer has without a setting.
    pub const DEFAULT: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];

    /// Its name in tokens and keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
        }
    }

    /// The curve of its keys, as a key set names it; none of RSA.
    const fn curve(self) -> Option<&'static str> {
        match self {
            Self::EdDsa => Some("Ed25519"),
            Self::Es256 => Some("P-256"),
            Self::Es384 => Some("P-384"),
            Self::Es512 => Some("P-521"),
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => {
                None
            }
        }
    }

    fn rsa_encoding(self) -> &'static dyn RsaEncoding {
        match self {
            Self::Rs256 => &RSA_PKCS1_SHA256,
            Self::Rs384 => &RSA_PKCS1_SHA384,
            Self::Rs512 => &RSA_PKCS1_SHA512,
            Self::Ps256 => &RSA_PSS_SHA256,
            Self::Ps384 => &RSA_PSS_SHA384,
            Self::Ps512 => &RSA_PSS_SHA512,
            Self::EdDsa | Self::Es256 | Self::Es384 | Self::Es512 => panic!("no algorithm of RSA"),
        }
    }
}

enum Pair {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Rsa(Arc<RsaKeyPair>),
}

/// A key and its name.
pub struct Key {
    /// The name of the key in tokens and key sets.
    pub kid: String,
    algorithm: Algorithm,
    pair: Pair,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// RSA keys are slow to make: every test takes the same ones, none of them twice.
fn rsa() -> Arc<RsaKeyPair> {
    static POOL: Mutex<Vec<Arc<RsaKeyPair>>> = Mutex::new(Vec::new());
    // A test has a thread of its own.
    thread_local!(static TAKEN: Cell<usize> = const { Cell::new(0) });
    let next = TAKEN.replace(TAKEN.get() + 1);
    let mut pool = POOL.lock().unwrap();
    while pool.len() <= next {
        pool.push(Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));
    }
    pool[next].clone()
}

impl Key {
    /// A fresh Ed25519 key.
    pub fn new(kid: &str) -> Self {
        Self::of(Algorithm::EdDsa, kid)
    }

    /// A key that no other key of this test is.
    pub fn of(algorithm: Algorithm, kid: &str) -> Self {
        let ec = |scheme| Pair::Ec(EcdsaKeyPair::generate(scheme).unwrap());
        let pair = match algorithm {
            Algorithm::EdDsa => Pair::Ed(Ed25519KeyPair::generate().unwrap()),
            Algorithm::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::Es512 => ec(&ECDSA_P521_SHA512_FIXED_SIGNING),
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => Pair::Rsa(rsa()),
        };
        Self { kid: kid.to_owned(), algorithm, pair }
    }

    /// The Ed25519 key of this private seed.
    pub fn of_seed(kid: &str, seed: &[u8]) -> Self {
        let pair = Pair::Ed(Ed25519KeyPair::from_seed_unchecked(seed).unwrap());
        Self { kid: kid.to_owned(), algorithm: Algorithm::EdDsa, pair }
    }

    /// The algorithm of this key.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The 32 public bytes of an Ed25519 key.
    pub fn public(&self) -> [u8; 32] {
        match &self.pair {
            Pair::Ed(pair) => pair.public_key().as_ref().try_into().unwrap(),
            _ => panic!("no Ed25519 key"),
        }
    }

    /// The public numbers as a key set names them.
    pub fn numbers(&self) -> Vec<(&'static str, Vec<u8>)> {
        match &self.pair {
            Pair::Ed(pair) => vec![("x", pair.public_key().as_ref().to_vec())],
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(point.len() / 2);
                vec![("x", x.to_vec()), ("y", y.to_vec())]
            }
            Pair::Rsa(pair) => {
                let key = pair.public_key();
                vec![
                    ("n", key.modulus().big_endian_without_leading_zero().to_vec()),
                    ("e", key.exponent().big_endian_without_leading_zero().to_vec()),
                ]
            }
        }
    }

    /// The public key as its own standard writes it: the point, or PKCS#1.
    pub fn raw(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Ed(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Rsa(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// The public key as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
    pub fn spki(&self) -> Vec<u8> {
        use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
        let der = |der: Result<PublicKeyX509Der<'_>, _>| -> Vec<u8> {
            der.unwrap_or_else(|_: aws_lc_rs::error::Unspecified| panic!("no DER"))
                .as_ref()
                .to_vec()
        };
        match &self.pair {
            Pair::Ed(pair) => der(pair.public_key().as_der()),
            Pair::Ec(pair) => der(pair.public_key().as_der()),
            Pair::Rsa(pair) => der(pair.public_key().as_der()),
        }
    }

    /// The private numbers of an RSA key (RFC 5208).
    pub fn pkcs8(&self) -> Vec<u8> {
        use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
        let Pair::Rsa(pair) = &self.pair else { panic!("no RSA key") };
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        der.as_ref().to_vec()
    }

    /// The published form of the key.
    pub fn jwk(&self) -> Value {
        let mut jwk = match (self.algorithm, self.algorithm.curve()) {
            (Algorithm::EdDsa, Some(crv)) => json!({ "kty": "OKP", "crv": crv }),
            (_, Some(crv)) => json!({ "kty": "EC", "crv": crv }),
            (_, None) => json!({ "kty": "RSA" }),
        };
        jwk["alg"] = json!(self.algorithm().name());
        jwk["use"] = json!("sig");
        jwk["kid"] = json!(self.kid);
        for (name, number) in self.numbers() {
            jwk[name] = json!(b64(number));
        }
        jwk
    }

    /// The raw signature of a text.
    pub fn signature(&self, text: &str) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ed(pair) => pair.sign(text.as_bytes()).as_ref().to_vec(),
            Pair::Ec(pair) => pair.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let encoding = self.algorithm.rsa_encoding();
                pair.sign(encoding, &random, text.as_bytes(), &mut signature).unwrap();
                signature
            }
        }
    }

    /// A signature in another manner of its family, as a confused or malicious signer makes it.
    pub fn other_signatures(&self, text: &str) -> Vec<(&'static str, Vec<u8>)> {
        let Pair::Rsa(pair) = &self.pair else { return Vec::new() };
        let all: [(&str, &'static dyn RsaEncoding); 5] = [
            ("PS256", &RSA_PSS_SHA256),
            ("PS384", &RSA_PSS_SHA384),
            ("PS512", &RSA_PSS_SHA512),
            ("RS384", &RSA_PKCS1_SHA384),
            ("RS512", &RSA_PKCS1_SHA512),
        ];
        let sign = |(name, encoding)| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
            (name, signature)
        };
        all.into_iter().map(sign).collect()
    }

    /// A compact token over a header and a payload given as bytes.
    pub fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let signed = format!("{}.{}", b64(header), b64(payload));
        let signature = b64(self.signature(&signed));
        format!("{signed}.{signature}")
    }

    /// A header that names this key.
    pub fn header(&self) -> Value {
        json!({ "alg": self.algorithm().name(), "kid": self.kid })
    }

    /// A token over this header and these claims.
    pub fn token_under(&self, header: &Value, claims: &Claims) -> String {
        self.sign(header.to_string(), claims.json().to_string())
    }

    /// A token over these claims.
    pub fn token(&self, claims: &Claims) -> String {
        self.token_under(&self.header(), claims)
    }
}

/// The claims of a token; good ones to begin with.
#[derive(Debug, Clone)]
pub struct Claims(pub Map<String, Value>);

impl Claims {
    /// A verified user's access token of this issuer, good for an hour. It was issued long enough
    /// ago for every key of that time to be known.
    pub fn of(iss: &str) -> Self {
        let claims = json!({
            "jti": format!("{:032x}", rand::random::<u128>()),
            "iss": iss,
            "aud": [format!("app:{APP}")],
            "sub": USER,
            "iat": now() - 120,
            "exp": now() + 3600,
            "https://auth.rownd.io/app_user_id": USER,
            "https://auth.rownd.io/is_verified_user": true,
            "https://auth.rownd.io/auth_level": "verified",
        });
        let Value::Object(claims) = claims else { unreachable!() };
        Self(claims)
    }

    /// With another value of a claim.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// With another value of one of Rownd's own claims.
    pub fn rownd(self, name: &str, value: impl Into<Value>) -> Self {
        self.with(&format!("https://auth.rownd.io/{name}"), value)
    }

    /// Without a claim.
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// Of this user, whatever claim its issuer says it by.
    pub fn user(self, id: &str) -> Self {
        self.rownd("app_user_id", id).with("sub", id)
    }

    /// At this auth level.
    pub fn level(self, level: &str) -> Self {
        self.rownd("auth_level", level)
    }

    /// The claims as JSON.
    pub fn json(&self) -> Value {
        Value::Object(self.0.clone())
    }
}
