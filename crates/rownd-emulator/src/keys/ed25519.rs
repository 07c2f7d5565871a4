//! The Ed25519 keys of Rownd's own tokens.
//!
//! In: rotations. Out: signatures by a key that is current, previous, withdrawn or was never
//! published, and the published set as JWK JSON.

use std::collections::VecDeque;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::rotation::{KeyError, Rotated, Rotation, SignedBy};

/// The most former keys that stay published. With one more the oldest key is withdrawn, so that
/// rotating in a loop does not let the set grow.
const PREVIOUS_KEPT: usize = 8;

pub(crate) struct SigningKey {
    kid: String,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    fn generate(kid: String) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Generate)?;
        Ok(Self { kid, pair })
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.pair
            .try_sign(message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| KeyError::Sign)
    }

    fn jwk(&self) -> Value {
        json!({
            "kty": "OKP",
            "alg": "EdDSA",
            "kid": self.kid,
            "use": "sig",
            "crv": "Ed25519",
            "x": URL_SAFE_NO_PAD.encode(self.pair.public_key()),
        })
    }
}

/// Every key, by its state.
pub(crate) struct KeyRing {
    current: SigningKey,
    /// Newest first.
    previous: VecDeque<SigningKey>,
    withdrawn: Option<SigningKey>,
    foreign: SigningKey,
    /// The number in the newest `kid`.
    serial: u64,
}

impl KeyRing {
    /// Makes the first keys. `now` (seconds since 1970) becomes a part of the `kid`, as at Rownd.
    pub(crate) fn generate(now: u64) -> Result<Self, KeyError> {
        Ok(Self {
            current: SigningKey::generate(name(now))?,
            previous: VecDeque::new(),
            withdrawn: None,
            foreign: SigningKey::generate("sig-never-published".to_owned())?,
            serial: now,
        })
    }

    /// The key of this kind.
    pub(crate) fn find(&self, key: SignedBy) -> Result<&SigningKey, KeyError> {
        match key {
            SignedBy::Current => Ok(&self.current),
            SignedBy::Previous => self.previous.front().ok_or(KeyError::NoPrevious),
            SignedBy::Withdrawn => self.withdrawn.as_ref().ok_or(KeyError::NoWithdrawn),
            SignedBy::Foreign => Ok(&self.foreign),
        }
    }

    /// Signs claims with the current key, under a header with this `typ`.
    pub(crate) fn sign_typed(&self, typ: &str, claims: &Value) -> Result<String, KeyError> {
        let key = self.find(SignedBy::Current)?;
        let header = json!({ "alg": "EdDSA", "typ": typ, "kid": key.kid() });
        compact(header.to_string().as_bytes(), claims.to_string().as_bytes(), key)
    }

    /// The `kid` a token names by default. A forgery names the current key: one that
    /// named an unknown key would be refused before its signature is checked.
    pub(crate) fn kid_of(&self, who: SignedBy) -> Result<&str, KeyError> {
        match who {
            SignedBy::Foreign => Ok(self.current.kid()),
            other => self.find(other).map(SigningKey::kid),
        }
    }

    pub(crate) fn rotate(&mut self, how: Rotation) -> Result<Rotated, KeyError> {
        let kid = if how.same_kid {
            self.current.kid.clone()
        } else {
            self.serial = self.serial.saturating_add(1);
            name(self.serial)
        };
        let retired = std::mem::replace(&mut self.current, SigningKey::generate(kid)?);
        if how.withdraw {
            self.previous.clear();
        }
        if how.withdraw || how.same_kid {
            self.withdrawn = Some(retired);
        } else {
            self.previous.push_front(retired);
        }
        if self.previous.len() > PREVIOUS_KEPT {
            self.withdrawn = self.previous.pop_back();
        }
        Ok(self.describe())
    }

    pub(crate) fn describe(&self) -> Rotated {
        Rotated {
            kid: self.current.kid.clone(),
            published: self.published().map(|key| key.kid.clone()).collect(),
            withdrawn: self.withdrawn.as_ref().map(|key| key.kid.clone()),
        }
    }

    /// The key set as the JWKS endpoint answers it.
    pub(crate) fn key_set(&self) -> Value {
        let keys: Vec<Value> = self.published().map(SigningKey::jwk).collect();
        json!({ "keys": keys })
    }

    fn published(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

fn name(serial: u64) -> String {
    format!("sig-{serial}")
}

/// A signed token: the JWS compact serialisation (RFC 7515 section 7.1).
pub(crate) fn compact(header: &[u8], payload: &[u8], key: &SigningKey) -> Result<String, KeyError> {
    let mut token = URL_SAFE_NO_PAD.encode(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}
