//! A key set document (RFC 7517) to usable keys. One bad key never spoils its set; each refusal
//! has a reason. No placeholder key exists: an unusable document yields no set at all.

mod import;
mod pem;
mod refusal;
mod rsa;

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::signature::ParsedPublicKey;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::config::SigningAlgorithm;
pub use refusal::KeyRefusal;

/// The most characters of a name that are shown.
const MAX_SHOWN: usize = 64;

/// The most keys that are read of a document.
pub(super) const MAX_KEYS: usize = 100;

/// A usable key: parsed once, bound to one algorithm.
pub(super) struct Key {
    pub(super) kid: Option<String>,
    pub(super) algorithm: SigningAlgorithm,
    /// Verifies tokens of any `kid`: it came without a name and not from a key set document.
    nameless: bool,
    public: ParsedPublicKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl Key {
    /// The proof that the signature over `signed` is this key's; `None` if it is not.
    pub(super) fn check(&self, signed: &[u8], signature: &[u8]) -> Option<GoodSignature> {
        self.public.verify_sig(signed, signature).is_ok().then_some(GoodSignature(()))
    }

    /// The signature over `signed` is this key's.
    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.check(signed, signature).is_some()
    }

    fn same(&self, other: &Self) -> bool {
        self.kid == other.kid
            && self.algorithm == other.algorithm
            && self.public.as_ref() == other.public.as_ref()
    }

    /// The key of a token that names this `kid`, or none.
    fn answers_to(&self, kid: Option<&str>) -> bool {
        self.nameless || kid.is_none_or(|kid| self.kid.as_deref() == Some(kid))
    }
}

/// The proof that a signature is that of a key. Only [`Key::check`] makes one.
#[derive(Debug)]
pub(super) struct GoodSignature(());

/// The part of a key that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyName {
    /// Its name; a key without one is for tokens of any name, or of none.
    pub kid: Option<String>,
    /// The algorithm of the signatures that it verifies.
    pub algorithm: &'static str,
}

/// The reason why a document is not used as a key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeySetError {
    /// It is not JSON with a list `keys`.
    #[error("the document is no key set")]
    NotAKeySet,
    /// It has more than [`MAX_KEYS`].
    #[error("the document holds more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// Every key is refused, or there is none.
    #[error("the document holds no usable key")]
    NoUsableKey,
}

/// The usable keys of one document.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    keys: Vec<Arc<Key>>,
    pub(super) refused: Vec<KeyRefusal>,
}

impl KeySet {
    /// Reads a document. Keys already in use are kept as they are, so that cached claims which they
    /// verified stay valid.
    ///
    /// # Errors
    ///
    /// The reason why the document holds no usable set.
    pub(super) fn parse(
        document: &[u8],
        algorithms: &[SigningAlgorithm],
        known: Option<&Self>,
    ) -> Result<Self, KeySetError> {
        #[derive(Deserialize)]
        struct KeySetDocument<'a> {
            #[serde(borrow)]
            keys: Vec<&'a RawValue>,
        }
        let document: KeySetDocument<'_> =
            serde_json::from_slice(document).map_err(|_| KeySetError::NotAKeySet)?;
        if document.keys.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut set = Self::default();
        for key in document.keys {
            match import::jwk(key, algorithms) {
                Ok(key) => set.keys.push(Arc::new(key)),
                Err(reason) => set.refused.push(reason),
            }
        }
        set.drop_ambiguous();
        if set.keys.is_empty() {
            return Err(KeySetError::NoUsableKey);
        }
        if let Some(known) = known {
            for key in &mut set.keys {
                if let Some(same) = known.keys.iter().find(|old| old.same(key)) {
                    *key = same.clone();
                }
            }
        }
        Ok(set)
    }

    /// Reads keys that an operator has put in place: a key set document, or public keys in PEM.
    ///
    /// # Errors
    ///
    /// The reason in words, for the problem of the configuration.
    pub(super) fn in_place(text: &str, algorithms: &[SigningAlgorithm]) -> Result<Self, String> {
        if text.trim_start().starts_with('{') {
            return Self::parse(text.as_bytes(), algorithms, None)
                .map_err(|error| error.to_string());
        }
        let keys = pem::keys(text, algorithms)?.into_iter().map(Arc::new).collect();
        let mut set = Self { keys, refused: Vec::new() };
        set.drop_ambiguous();
        Ok(set)
    }

    /// Of two keys with one name and algorithm that differ, neither is used.
    fn drop_ambiguous(&mut self) {
        let mut seen: HashMap<(Option<String>, &'static str), Arc<Key>> = HashMap::new();
        let mut ambiguous = Vec::new();
        let mut repeated = Vec::new();
        for (index, key) in self.keys.iter().enumerate() {
            let name = (key.kid.clone(), algorithm_name(key.algorithm));
            match seen.get(&name) {
                None => {
                    seen.insert(name, key.clone());
                }
                Some(first) if first.same(key) => repeated.push(index),
                Some(_) if key.kid.is_none() => {}
                Some(_) => ambiguous.push(name),
            }
        }
        let mut index = 0;
        let refused = &mut self.refused;
        self.keys.retain(|key| {
            let name = (key.kid.clone(), algorithm_name(key.algorithm));
            let twice = ambiguous.contains(&name);
            if twice {
                refused.push(KeyRefusal::Ambiguous);
            }
            let keep = !twice && !repeated.contains(&index);
            index += 1;
            keep
        });
    }

    /// The key of this name; without a name, the one key that there is.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: SigningAlgorithm) -> Option<&Arc<Key>> {
        let mut fitting =
            self.keys.iter().filter(|key| key.algorithm == algorithm && key.answers_to(kid));
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// This very key is in the set.
    pub(super) fn holds(&self, key: &Arc<Key>) -> bool {
        self.keys.iter().any(|known| Arc::ptr_eq(known, key))
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Name and algorithm of each key, for people.
    pub(super) fn names(&self) -> Vec<KeyName> {
        let name = |key: &Arc<Key>| KeyName {
            kid: key.kid.as_ref().map(|kid| kid.chars().take(MAX_SHOWN).collect()),
            algorithm: algorithm_name(key.algorithm),
        };
        self.keys.iter().map(name).collect()
    }
}

/// The name of an algorithm in tokens and keys (RFC 7518, RFC 8037).
pub(super) const fn algorithm_name(algorithm: SigningAlgorithm) -> &'static str {
    match algorithm {
        SigningAlgorithm::EdDSA => "EdDSA",
        SigningAlgorithm::ES256 => "ES256",
        SigningAlgorithm::RS256 => "RS256",
    }
}
