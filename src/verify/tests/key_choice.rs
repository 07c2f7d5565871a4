//! Which key is asked, out of any set and for any name: the one that fits alone, or none.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Signer, named, verifies};
use crate::{
    config::SigningAlgorithm,
    verify::jwks::{KeySet, MAX_KEYS},
};

type Entry = (Option<&'static str>, usize);

const NAMES: [Option<&str>; 4] = [None, Some("a"), Some("b"), Some("A")];

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec((prop::sample::select(NAMES.to_vec()), 0_usize..3), 1..6)
}

/// Something that is no key of ours, in the same document.
fn rubbish() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!({}),
        json!({"kty": "oct", "k": "AAAA", "kid": "a"}),
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "a"}),
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "b", "x": "A".repeat(43)}),
        json!({"kty": "OKP", "crv": "X25519", "kid": "a", "x": "A".repeat(43)}),
        json!({"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "EC", "crv": "P-256", "kid": "b", "x": "A".repeat(43), "y": "A".repeat(43)}),
        json!({"kid": ["a"]}),
    ])
}

/// Written down from the rule: of two keys that differ under one name none is used, and a token
/// without a name is for the only key that there is, whatever names that has.
fn expected(entries: &[Entry], asked: Option<&str>) -> Option<usize> {
    let mut usable: Vec<Entry> = Vec::new();
    for entry @ (name, key) in entries {
        let torn = name.is_some() && entries.iter().any(|(n, k)| n == name && k != key);
        if !torn && !usable.contains(entry) {
            usable.push(*entry);
        }
    }
    usable.retain(|(name, _)| asked.is_none() || *name == asked);
    let mut keys: Vec<usize> = usable.iter().map(|(_, key)| *key).collect();
    keys.sort_unstable();
    keys.dedup();
    match keys.as_slice() {
        [key] => Some(*key),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_key_that_fits_alone_is_chosen_whatever_stands_beside_it(
        entries in entries(),
        rubbish in prop::collection::vec((any::<prop::sample::Index>(), rubbish()), 0..8),
    ) {
        let signers: Vec<Signer> = (1..4).map(|seed| Signer::new("k", seed)).collect();
        let jwk = |(name, key): &Entry| {
            let mut jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": signers[*key].x()});
            if let Some(name) = name {
                jwk["kid"] = json!(name);
            }
            jwk
        };
        let mut keys: Vec<Value> = entries.iter().map(jwk).collect();
        for (at, bad) in rubbish {
            keys.insert(at.index(keys.len() + 1), bad);
        }
        let document = json!({"keys": keys}).to_string();
        let set = KeySet::parse(document.as_bytes(), named(&[SigningAlgorithm::EdDSA]), None);
        for asked in NAMES.into_iter().chain([Some("c"), Some("")]) {
            let found = set.as_ref().ok().and_then(|set| set.find(asked, SigningAlgorithm::EdDSA));
            let signed: Vec<usize> = (0..signers.len())
                .filter(|key| {
                    let signature = signers[*key].pair.sign(b"text");
                    found.as_ref().is_some_and(|key| verifies(key, b"text", signature.as_ref()))
                })
                .collect();
            let wanted: Vec<usize> = expected(&entries, asked).into_iter().collect();
            prop_assert_eq!(signed, wanted, "{:?} of {:?}", asked, entries);
        }
    }
}

#[test]
fn one_good_key_among_as_many_bad_ones_as_there_may_be_is_used() {
    let good = Signer::new("good", 1);
    for at in [0, MAX_KEYS / 2, MAX_KEYS - 1] {
        let mut keys = vec![json!({"kty": "oct", "k": "AAAA", "kid": "good"}); MAX_KEYS - 1];
        keys.insert(at, good.jwk());
        let document = json!({"keys": keys}).to_string();
        let set =
            KeySet::parse(document.as_bytes(), named(&[SigningAlgorithm::EdDSA]), None).unwrap();
        assert_eq!((set.len(), set.refused.len()), (1, MAX_KEYS - 1));
        assert!(set.find(Some("good"), SigningAlgorithm::EdDSA).is_some(), "{at}");
    }
}
