//! A key set document (RFC 7517) to usable keys. One bad key never spoils its set; each refusal
//! has a reason. No placeholder key exists: an unusable document yields no set at all.

mod document;
mod ed25519;
mod import;
mod key;
mod pem;
mod public;
mod refusal;
mod rsa;

use std::sync::Arc;

use crate::{config::SigningAlgorithm, upstream::without_mark};
pub(super) use document::MAX_KEYS;
pub(super) use key::KeyName;
pub(super) use key::{GoodSignature, Key};
pub(super) use refusal::RefusedKeys;
pub use refusal::{KeyRefusal, RefusedKey};

/// The most keys that are tried for one token: each costs a signature.
pub(super) const MAX_TRIES: usize = 4;

/// The reason why a document is not used as a key set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeySetError {
    /// It is text in another encoding than UTF-8.
    #[error("the document is not in UTF-8, as JSON has to be (UTF-16 or UTF-32)")]
    NotUtf8,
    /// It is neither JSON with a list `keys` nor one key.
    #[error("the document is no key set")]
    NotAKeySet,
    /// It has more than [`MAX_KEYS`].
    #[error("the document holds more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// Its list of keys is empty.
    #[error("the document holds no usable key: its list of keys is empty")]
    Empty,
    /// Every key is refused.
    #[error("the document holds no usable key: {0}")]
    NoUsableKey(RefusedKeys),
}

impl KeySetError {
    /// The keys that were refused; none where the document was not read so far.
    pub(super) fn refused(&self) -> &[RefusedKey] {
        match self {
            Self::NoUsableKey(RefusedKeys(refused)) => refused,
            Self::NotUtf8 | Self::NotAKeySet | Self::TooManyKeys | Self::Empty => &[],
        }
    }
}

/// The keys of an issuer that are used.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyRules<'a> {
    /// The algorithms of the issuer.
    pub(super) algorithms: &'a [SigningAlgorithm],
    /// Tokens and keys may come without a `kid`, although there are several keys.
    pub(super) kid_optional: bool,
}

impl KeyRules<'_> {
    /// The most keys that may fit a token without a `kid`.
    const fn most_tries(self) -> usize {
        if self.kid_optional { MAX_TRIES } else { 1 }
    }
}

/// The keys that may have signed a token.
#[derive(Debug)]
pub(super) enum FittingKeys {
    /// It is this one, or none.
    One(Arc<Key>),
    /// It is one of these few, or none.
    Several(Vec<Arc<Key>>),
    /// The token names no key, and more keys fit than are tried.
    TooMany,
}

/// The usable keys of one document.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    keys: Vec<Arc<Key>>,
    pub(super) refused: Vec<RefusedKey>,
    /// The algorithms for which too many keys fit a token without a `kid`.
    crowded: Vec<SigningAlgorithm>,
    kid_optional: bool,
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
        rules: KeyRules<'_>,
        known: Option<&Self>,
    ) -> Result<Self, KeySetError> {
        let mut set = Self { kid_optional: rules.kid_optional, ..Self::default() };
        for key in document::keys(document)? {
            match import::jwk(key, rules.algorithms) {
                Ok(key) => set.keys.push(Arc::new(key)),
                Err(refused) => set.refused.push(refused),
            }
        }
        set.drop_ambiguous();
        set.drop_unnamed(rules);
        if set.keys.is_empty() {
            return Err(KeySetError::NoUsableKey(RefusedKeys(set.refused)));
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
    pub(super) fn in_place(text: &str, rules: KeyRules<'_>) -> Result<Self, String> {
        let text = without_mark(text);
        if text.trim_start().starts_with('{') {
            return Self::parse(text.as_bytes(), rules, None).map_err(|error| error.to_string());
        }
        let keys = pem::keys(text, rules.algorithms)?.into_iter().map(Arc::new).collect();
        let mut set = Self { keys, kid_optional: rules.kid_optional, ..Self::default() };
        set.drop_ambiguous();
        for algorithm in rules.algorithms {
            let count = set.distinct(|key| key.serves(*algorithm), MAX_TRIES).len();
            if count > MAX_TRIES {
                let name = algorithm.as_str();
                return Err(format!(
                    "has more than {MAX_TRIES} keys in PEM for {name}, and a token cannot say \
                     which one it means; leave old ones out, or write a JWKS, whose keys have a kid"
                ));
            }
        }
        set.drop_unnamed(rules);
        Ok(set)
    }

    /// Of two keys with one name and algorithm that differ, neither is used.
    fn drop_ambiguous(&mut self) {
        let keys = &self.keys;
        let clashes = |one: &Arc<Key>, two: &Arc<Key>| {
            one.kid.is_some()
                && one.kid == two.kid
                && one.algorithms().any(|algorithm| two.serves(algorithm))
                && !one.same_public(two)
        };
        let kept = keys.iter().enumerate().filter_map(|(index, key)| {
            let repeats = keys.iter().take(index).any(|before| before.same(key));
            let ambiguous = keys.iter().any(|other| clashes(key, other));
            if ambiguous {
                self.refused.push(RefusedKey::new(key.kid(), KeyRefusal::Ambiguous));
            }
            (!repeats && !ambiguous).then(|| key.clone())
        });
        self.keys = kept.collect();
    }

    /// A key without a name is used only for tokens without one, and not even for those where too
    /// many keys fit.
    fn drop_unnamed(&mut self, rules: KeyRules<'_>) {
        let most = rules.most_tries();
        let is_crowded = |algorithm: &SigningAlgorithm| {
            self.distinct(|key| key.serves(*algorithm), most).len() > most
        };
        self.crowded = rules.algorithms.iter().copied().filter(is_crowded).collect();
        let (refused, crowded) = (&mut self.refused, &self.crowded);
        self.keys.retain(|key| {
            let used = key.kid.is_some()
                || key.nameless
                || key.algorithms().any(|algorithm| !crowded.contains(&algorithm));
            if !used {
                refused.push(RefusedKey::new(None, KeyRefusal::Unnamed));
            }
            used
        });
    }

    /// The keys that may have signed a token of this name and algorithm: the one of its name; else
    /// those that answer to any name; of a token without a name, the few that there are.
    pub(super) fn fitting(
        &self,
        kid: Option<&str>,
        algorithm: SigningAlgorithm,
    ) -> Option<FittingKeys> {
        let serving = |key: &Arc<Key>| key.serves(algorithm);
        let Some(kid) = kid else {
            if !self.crowded.contains(&algorithm) {
                return several(self.distinct(serving, MAX_TRIES));
            }
            return self.kid_optional.then_some(FittingKeys::TooMany);
        };
        let named = |key: &&Arc<Key>| serving(key) && key.kid() == Some(kid);
        if let Some(key) = self.keys.iter().find(named) {
            return Some(FittingKeys::One(key.clone()));
        }
        match self.keys.as_slice() {
            // The issuer has no other key, and has not named it.
            [only] if self.kid_optional && only.kid.is_none() && serving(only) => {
                Some(FittingKeys::One(only.clone()))
            }
            all => {
                let nameless = all.iter().any(|key| key.nameless);
                nameless
                    .then(|| self.distinct(|key| key.nameless && serving(key), MAX_TRIES))
                    .and_then(several)
            }
        }
    }

    /// The different keys of this kind: as many as are tried for a token, and at most one more.
    fn distinct(&self, wanted: impl Fn(&Arc<Key>) -> bool, most: usize) -> Vec<Arc<Key>> {
        let mut found: Vec<Arc<Key>> = Vec::new();
        for key in self.keys.iter().filter(|key| wanted(key)) {
            if !found.iter().any(|known| known.same_public(key)) {
                found.push(key.clone());
            }
            if found.len() > most {
                break;
            }
        }
        found
    }

    /// The one key of this name, or the only one for a token without a name.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: SigningAlgorithm) -> Option<Arc<Key>> {
        match self.fitting(kid, algorithm)? {
            FittingKeys::One(key) => Some(key),
            FittingKeys::Several(_) | FittingKeys::TooMany => None,
        }
    }

    /// This very key is in the set.
    pub(super) fn holds(&self, key: &Arc<Key>) -> bool {
        self.keys.iter().any(|known| Arc::ptr_eq(known, key))
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Name and algorithms of each key, for people. A key that is held once for each of its
    /// algorithms is shown once.
    pub(super) fn names(&self) -> Vec<KeyName> {
        let mut shown: Vec<(&Key, KeyName)> = Vec::new();
        for key in &self.keys {
            let name = key.shown();
            let known = shown
                .iter_mut()
                .find(|(known, shown)| shown.kid == name.kid && known.same_public(key));
            match known {
                Some((_, known)) => known.add(&name),
                None => shown.push((key, name)),
            }
        }
        shown.into_iter().map(|(_, name)| name).collect()
    }
}

/// The choice among these keys; `None` if there are none.
fn several(mut keys: Vec<Arc<Key>>) -> Option<FittingKeys> {
    if keys.len() > 1 {
        return Some(FittingKeys::Several(keys));
    }
    keys.pop().map(FittingKeys::One)
}
