//! The signing keys of the emulator: Ed25519, made at start, gone with the process.
//!
//! In: rotations. Out: signatures by a key that is current, previous, withdrawn or was
//! never published, and the published set as JWK JSON.

use std::{collections::VecDeque, fmt};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How many former keys stay published. Rotating in a loop must not grow the set
/// without end; the oldest then counts as withdrawn.
const PREVIOUS_KEPT: usize = 8;

/// Which key signs a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedBy {
    /// The key that signs now: a good signature.
    #[default]
    Current,
    /// The last key before the current one, still published: a good signature.
    Previous,
    /// The key that left the set last: it was good once.
    Withdrawn,
    /// A key that was never published: a forgery.
    Foreign,
}

/// How to rotate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rotation {
    /// Take every former key out of the set at once, instead of leaving them beside
    /// the new one.
    pub withdraw: bool,
    /// The new key takes over the old one's `kid`, so the old one leaves the set.
    pub same_kid: bool,
}

/// What a rotation led to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Rotated {
    /// The name of the key that signs from now on.
    pub kid: String,
    /// The names in the published set, the signing one first.
    pub published: Vec<String>,
    /// The name of the key that left the set last, if one ever did.
    pub withdrawn: Option<String>,
}

/// Why there is no signature.
#[derive(Debug)]
pub(super) enum KeyError {
    /// No key is in that position yet.
    Absent(SignedBy),
    /// The crypto library refused.
    Crypto(&'static str),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(SignedBy::Previous) => {
                f.write_str("there is no previous key: rotate first")
            }
            Self::Absent(SignedBy::Withdrawn) => {
                f.write_str("no key was withdrawn yet: rotate with `withdraw` or `same_kid` first")
            }
            Self::Absent(who) => write!(f, "there is no {who:?} key"),
            Self::Crypto(what) => write!(f, "cannot {what}"),
        }
    }
}

impl std::error::Error for KeyError {}

pub(super) struct SigningKey {
    kid: String,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    fn generate(kid: String) -> Result<Self, KeyError> {
        let pair =
            Ed25519KeyPair::generate().map_err(|_| KeyError::Crypto("generate an Ed25519 key"))?;
        Ok(Self { kid, pair })
    }

    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.pair
            .try_sign(message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| KeyError::Crypto("sign"))
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

/// Every key, by what has become of it.
pub(super) struct KeyRing {
    current: SigningKey,
    /// Newest first.
    previous: VecDeque<SigningKey>,
    withdrawn: Option<SigningKey>,
    foreign: SigningKey,
    /// The number in the newest `kid`.
    serial: u64,
}

impl KeyRing {
    /// Makes the first keys; `now` (Unix seconds) goes into the `kid`, as Rownd's does.
    pub(super) fn generate(now: u64) -> Result<Self, KeyError> {
        Ok(Self {
            current: SigningKey::generate(name(now))?,
            previous: VecDeque::new(),
            withdrawn: None,
            foreign: SigningKey::generate("sig-never-published".to_owned())?,
            serial: now,
        })
    }

    pub(super) fn find(&self, who: SignedBy) -> Result<&SigningKey, KeyError> {
        match who {
            SignedBy::Current => Some(&self.current),
            SignedBy::Previous => self.previous.front(),
            SignedBy::Withdrawn => self.withdrawn.as_ref(),
            SignedBy::Foreign => Some(&self.foreign),
        }
        .ok_or(KeyError::Absent(who))
    }

    /// The `kid` a token names by default. A forgery names the current key: one that
    /// named an unknown key would be turned away before its signature is looked at.
    pub(super) fn kid_of(&self, who: SignedBy) -> Result<&str, KeyError> {
        match who {
            SignedBy::Foreign => Ok(self.current.kid()),
            other => self.find(other).map(SigningKey::kid),
        }
    }

    pub(super) fn rotate(&mut self, how: Rotation) -> Result<Rotated, KeyError> {
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

    pub(super) fn describe(&self) -> Rotated {
        Rotated {
            kid: self.current.kid.clone(),
            published: self.published().map(|key| key.kid.clone()).collect(),
            withdrawn: self.withdrawn.as_ref().map(|key| key.kid.clone()),
        }
    }

    /// The key set as the JWKS endpoint answers it.
    pub(super) fn key_set(&self) -> Value {
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
