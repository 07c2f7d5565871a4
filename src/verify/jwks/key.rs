//! A usable key, and the proof of a signature that it verified.
//!
//! In: a public key that is fit to be trusted, and the algorithms that it serves. Out: the
//! judgement about a signature by one of these algorithms, and by no other.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::signature::ParsedPublicKey;
use serde::Serialize;

use crate::config::SigningAlgorithm;

/// The most characters of a name that are shown.
const MAX_SHOWN: usize = 64;

/// A usable key: parsed once for each algorithm that it serves, usually one.
pub(in crate::verify) struct Key {
    pub(super) kid: Option<String>,
    /// Verifies tokens of any `kid`: it came without a name and not from a key set document.
    pub(super) nameless: bool,
    pub(super) verifiers: Vec<SignatureVerifier>,
    /// When it verified a token last, by the count of such tokens.
    matched: AtomicU64,
}

/// A public key, bound to one algorithm.
pub(super) struct SignatureVerifier {
    pub(super) algorithm: SigningAlgorithm,
    pub(super) public: ParsedPublicKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let algorithms: Vec<SigningAlgorithm> = self.algorithms().collect();
        f.debug_struct("Key").field("algorithms", &algorithms).finish_non_exhaustive()
    }
}

impl Key {
    pub(super) const fn new(
        kid: Option<String>,
        nameless: bool,
        verifiers: Vec<SignatureVerifier>,
    ) -> Self {
        Self { kid, nameless, verifiers, matched: AtomicU64::new(0) }
    }

    /// The proof that the signature over `signed` is this key's, by this algorithm; `None` if it is
    /// not.
    pub(in crate::verify) fn check(
        self: &Arc<Self>,
        algorithm: SigningAlgorithm,
        signed: &[u8],
        signature: &[u8],
    ) -> Option<GoodSignature> {
        let verifier = self.verifiers.iter().find(|known| known.algorithm == algorithm)?;
        let good = verifier.public.verify_sig(signed, signature).is_ok();
        good.then(|| GoodSignature { key: self.clone() })
    }

    /// Its name in tokens, where it has one.
    pub(in crate::verify) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// When it verified a token without a `kid` last; a larger number is later.
    pub(in crate::verify) fn matched(&self) -> u64 {
        self.matched.load(Ordering::Relaxed)
    }

    /// It has verified a token without a `kid`, the one of this number.
    pub(in crate::verify) fn note_match(&self, number: u64) {
        self.matched.fetch_max(number, Ordering::Relaxed);
    }

    pub(super) fn serves(&self, algorithm: SigningAlgorithm) -> bool {
        self.algorithms().any(|served| served == algorithm)
    }

    pub(super) fn algorithms(&self) -> impl Iterator<Item = SigningAlgorithm> {
        self.verifiers.iter().map(|verifier| verifier.algorithm)
    }

    /// The public key itself is that of another.
    pub(super) fn same_public(&self, other: &Self) -> bool {
        match (self.verifiers.first(), other.verifiers.first()) {
            (Some(one), Some(two)) => one.public.as_ref() == two.public.as_ref(),
            (None, _) | (_, None) => false,
        }
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        self.kid == other.kid
            && self.nameless == other.nameless
            && self.algorithms().eq(other.algorithms())
            && self.same_public(other)
    }

    /// Name and algorithms, for people.
    pub(super) fn shown(&self) -> KeyName {
        let names: Vec<&str> = self.algorithms().map(SigningAlgorithm::as_str).collect();
        KeyName {
            kid: self.kid.as_ref().map(|kid| kid.chars().take(MAX_SHOWN).collect()),
            algorithm: names.join(", "),
        }
    }
}

impl KeyName {
    /// Adds the algorithms of the same key under the same name.
    pub(super) fn add(&mut self, other: &Self) {
        for algorithm in other.algorithm.split(", ") {
            if !self.algorithm.split(", ").any(|known| known == algorithm) {
                self.algorithm.push_str(", ");
                self.algorithm.push_str(algorithm);
            }
        }
    }
}

/// The proof that a signature is that of a key. Only [`Key::check`] makes one.
#[derive(Debug)]
pub(in crate::verify) struct GoodSignature {
    key: Arc<Key>,
}

impl GoodSignature {
    /// The key that made the signature.
    pub(in crate::verify) const fn key(&self) -> &Arc<Key> {
        &self.key
    }
}

/// The part of a key that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyName {
    /// Its name. A PEM key without one is for tokens of any name; a key of a set without one is for
    /// tokens without a name.
    pub kid: Option<String>,
    /// The algorithms of the signatures that it verifies, with `, ` between them.
    pub algorithm: String,
}
