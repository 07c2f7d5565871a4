//! A forge of tokens: any header, any payload, any signature.
//!
//! It shares no code with the emulator's minter or the verifier, so that a wrong idea of a
//! token cannot stand on both ends.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

/// The app whose tokens the test configurations take.
pub(crate) const APP: &str = "app_test00000000000000000000001";

/// The user of the tokens.
pub(crate) const USER: &str = "user_test0000000000000000001";

/// base64url without padding.
pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The way back.
pub(crate) fn unb64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// An Ed25519 key and its name.
pub(crate) struct Key {
    pub(crate) kid: String,
    pair: Ed25519KeyPair,
}

impl Key {
    /// A fresh key.
    pub(crate) fn new(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: Ed25519KeyPair::generate().unwrap() }
    }

    /// The key of this private seed.
    pub(crate) fn of_seed(kid: &str, seed: &[u8]) -> Self {
        Self { kid: kid.to_owned(), pair: Ed25519KeyPair::from_seed_unchecked(seed).unwrap() }
    }

    /// Its 32 public bytes.
    pub(crate) fn public(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().unwrap()
    }

    /// As it is published.
    pub(crate) fn jwk(&self) -> Value {
        json!({
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
            "kid": self.kid, "x": b64(self.public()),
        })
    }

    /// The raw signature of a text.
    pub(crate) fn signature(&self, text: &str) -> Vec<u8> {
        self.pair.sign(text.as_bytes()).as_ref().to_vec()
    }

    /// A compact token over a header and a payload given as bytes.
    pub(crate) fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let signed = format!("{}.{}", b64(header), b64(payload));
        let signature = b64(self.signature(&signed));
        format!("{signed}.{signature}")
    }

    /// A header that names this key.
    pub(crate) fn header(&self) -> Value {
        json!({ "alg": "EdDSA", "kid": self.kid })
    }

    /// A token over this header and these claims.
    pub(crate) fn token_under(&self, header: &Value, claims: &Claims) -> String {
        self.sign(header.to_string(), claims.json().to_string())
    }

    /// A token over these claims.
    pub(crate) fn token(&self, claims: &Claims) -> String {
        self.token_under(&self.header(), claims)
    }
}

/// The claims of a token; good ones to begin with.
#[derive(Clone)]
pub(crate) struct Claims(pub(crate) Map<String, Value>);

impl Claims {
    /// A verified user's access token of this issuer, good for an hour.
    pub(crate) fn of(iss: &str) -> Self {
        let claims = json!({
            "jti": format!("{:032x}", rand::random::<u128>()),
            "iss": iss,
            "aud": [format!("app:{APP}")],
            "sub": USER,
            "iat": now(),
            "exp": now() + 3600,
            "https://auth.rownd.io/app_user_id": USER,
            "https://auth.rownd.io/is_verified_user": true,
            "https://auth.rownd.io/auth_level": "verified",
        });
        let Value::Object(claims) = claims else { unreachable!() };
        Self(claims)
    }

    /// With another value of a claim.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// With another value of one of Rownd's own claims.
    pub(crate) fn rownd(self, name: &str, value: impl Into<Value>) -> Self {
        self.with(&format!("https://auth.rownd.io/{name}"), value)
    }

    /// Without a claim.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// At this auth level.
    pub(crate) fn level(self, level: &str) -> Self {
        self.rownd("auth_level", level)
    }

    /// As JSON.
    pub(crate) fn json(&self) -> Value {
        Value::Object(self.0.clone())
    }
}
