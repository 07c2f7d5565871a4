//! RSA keys for the issuers that sign with RS256. They are made when they are first needed: each
//! takes a moment, and most tests need none.
//!
//! In: rotations. Out: signed tokens, and the published set as JWK JSON.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::rotation::{KeyError, Rotated, Rotation};

/// The most former keys that stay published.
const PREVIOUS_KEPT: usize = 4;

/// Makes the `kid` of a key from its number.
type Name = fn(u64) -> String;

struct Key {
    kid: String,
    pair: KeyPair,
}

impl Key {
    fn generate(kid: String) -> Result<Self, KeyError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generate)?;
        Ok(Self { kid, pair })
    }

    fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "RSA",
            "kid": self.kid,
            "n": number(public.modulus().big_endian_without_leading_zero()),
            "e": number(public.exponent().big_endian_without_leading_zero()),
            "alg": "RS256",
            "use": "sig",
        })
    }
}

struct Keys {
    current: Key,
    /// Newest first.
    previous: VecDeque<Key>,
    withdrawn: Option<String>,
    serial: u64,
}

/// A set of keys, of which the newest signs.
pub(crate) struct RsaRing {
    name: Name,
    first: u64,
    keys: Mutex<Option<Keys>>,
}

impl RsaRing {
    /// `first` numbers the first key; each further one counts on.
    pub(crate) fn new(name: Name, first: u64) -> Self {
        Self { name, first, keys: Mutex::new(None) }
    }

    /// The keys. A poisoned lock is used: every change is one assignment, so a panic leaves them whole.
    fn lock(&self) -> MutexGuard<'_, Option<Keys>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(
        &self,
        use_them: impl FnOnce(&mut Keys) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        let mut held = self.lock();
        let keys = match held.take() {
            Some(keys) => keys,
            None => Keys {
                current: Key::generate((self.name)(self.first))?,
                previous: VecDeque::new(),
                withdrawn: None,
                serial: self.first,
            },
        };
        use_them(held.insert(keys))
    }

    /// Signs claims; `header` says what stands beside `alg` and `kid`.
    pub(crate) fn sign(
        &self,
        header: &Map<String, Value>,
        claims: &Value,
    ) -> Result<String, KeyError> {
        self.with(|keys| {
            let mut header = header.clone();
            header.insert("alg".to_owned(), json!("RS256"));
            header.insert("kid".to_owned(), json!(keys.current.kid));
            let mut token = URL_SAFE_NO_PAD.encode(Value::Object(header).to_string());
            token.push('.');
            URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut token);
            let pair = &keys.current.pair;
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
                .map_err(|_| KeyError::Sign)?;
            token.push('.');
            URL_SAFE_NO_PAD.encode_string(signature, &mut token);
            Ok(token)
        })
    }

    /// Makes a new signing key.
    pub(crate) fn rotate(&self, how: Rotation) -> Result<Rotated, KeyError> {
        let name = self.name;
        self.with(|keys| {
            let serial = if how.same_kid { keys.serial } else { keys.serial.saturating_add(1) };
            let retired = std::mem::replace(&mut keys.current, Key::generate(name(serial))?);
            keys.serial = serial;
            if how.withdraw {
                keys.previous.clear();
            }
            if how.withdraw || how.same_kid {
                keys.withdrawn = Some(retired.kid);
            } else {
                keys.previous.push_front(retired);
            }
            if keys.previous.len() > PREVIOUS_KEPT {
                keys.withdrawn = keys.previous.pop_back().map(|key| key.kid);
            }
            let published = std::iter::once(&keys.current).chain(&keys.previous);
            Ok(Rotated {
                kid: keys.current.kid.clone(),
                published: published.map(|key| key.kid.clone()).collect(),
                withdrawn: keys.withdrawn.clone(),
            })
        })
    }

    /// The published keys, the signing one first.
    pub(crate) fn published(&self) -> Result<Vec<Value>, KeyError> {
        self.with(|keys| {
            Ok(std::iter::once(&keys.current).chain(&keys.previous).map(Key::jwk).collect())
        })
    }
}
