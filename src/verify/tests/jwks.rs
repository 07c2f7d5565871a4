//! Which keys of a document are used: bad ones are refused with a reason, and never spoil the
//! good ones beside them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Signer, key_set, with};
use crate::{
    config::SigningAlgorithm,
    verify::jwks::{KeyRefusal, KeySet, KeySetError, MAX_KEYS},
};

const EDDSA: &[SigningAlgorithm] = &[SigningAlgorithm::EdDSA];

fn read(document: &Value) -> Result<KeySet, KeySetError> {
    KeySet::parse(document.to_string().as_bytes(), EDDSA, None)
}

fn good() -> Value {
    Signer::new("good", 1).jwk()
}

/// Another good key with these changes.
fn other(changes: &Value) -> Value {
    with(Signer::new("other", 2).jwk(), changes)
}

#[test]
fn a_good_key_is_used_under_its_name() {
    let set = read(&json!({"keys": [good()]})).unwrap();
    assert_eq!((set.len(), set.refused.len()), (1, 0));
    let key = set.find(Some("good"), SigningAlgorithm::EdDSA).unwrap();
    assert_eq!(key.kid.as_deref(), Some("good"));
    assert!(set.find(Some("Good"), SigningAlgorithm::EdDSA).is_none());
    assert!(set.find(Some("good"), SigningAlgorithm::ES256).is_none());
    assert!(set.find(None, SigningAlgorithm::EdDSA).is_some(), "the only one there is");
}

#[test]
fn a_key_is_used_without_optional_members() {
    for (name, changes) in [
        ("no use", json!({"use": null})),
        ("no alg", json!({"alg": null})),
        ("the newer name of the algorithm", json!({"alg": "Ed25519"})),
        ("no kid", json!({"kid": null})),
        ("operations", json!({"key_ops": ["verify"]})),
        ("several operations", json!({"key_ops": ["sign", "verify"]})),
        ("members that mean nothing here", json!({"x5t": "x", "nbf": 1, "ext": true})),
    ] {
        let set = read(&json!({"keys": [other(&changes)]})).unwrap();
        assert_eq!((set.len(), set.refused.len()), (1, 0), "{name}");
    }
}

/// Members of a document that are never used as a key.
fn hostile() -> Vec<(&'static str, Value)> {
    vec![
        ("null", Value::Null),
        ("text", json!("key")),
        ("a number", json!(1)),
        ("a list", json!([])),
        ("nothing in it", json!({})),
        ("symmetric", json!({"kty": "oct", "kid": "s", "k": "c2VjcmV0", "alg": "HS256"})),
        ("symmetric without its secret", json!({"kty": "oct", "kid": "s", "alg": "EdDSA"})),
        ("symmetric in disguise", other(&json!({"k": "c2VjcmV0"}))),
        ("a private member", other(&json!({"d": "AAAA"}))),
        ("an empty private member", other(&json!({"d": ""}))),
        ("another kty", other(&json!({"kty": "EC"}))),
        ("kty in another case", other(&json!({"kty": "okp"}))),
        ("no kty", other(&json!({"kty": null}))),
        ("kty is a list", other(&json!({"kty": ["OKP"]}))),
        ("another curve", other(&json!({"crv": "X25519"}))),
        ("a larger curve", other(&json!({"crv": "Ed448"}))),
        ("no curve", other(&json!({"crv": null}))),
        ("another algorithm", other(&json!({"alg": "ES256"}))),
        ("a symmetric algorithm", other(&json!({"alg": "HS256"}))),
        ("the algorithm none", other(&json!({"alg": "none"}))),
        ("the algorithm in another case", other(&json!({"alg": "eddsa"}))),
        ("an algorithm that is no text", other(&json!({"alg": 1}))),
        ("for encryption", other(&json!({"use": "enc"}))),
        ("an empty use", other(&json!({"use": ""}))),
        ("a use that is no text", other(&json!({"use": ["sig"]}))),
        ("to sign only", other(&json!({"key_ops": ["sign"]}))),
        ("to encrypt", other(&json!({"key_ops": ["encrypt", "decrypt"]}))),
        ("for nothing", other(&json!({"key_ops": []}))),
        ("operations that are no list", other(&json!({"key_ops": "verify"}))),
        ("a name that is no text", other(&json!({"kid": 1}))),
        ("no point", other(&json!({"x": null}))),
        ("a point that is no text", other(&json!({"x": [1]}))),
        ("an empty point", other(&json!({"x": ""}))),
        ("31 bytes", other(&json!({"x": URL_SAFE_NO_PAD.encode([9; 31])}))),
        ("33 bytes", other(&json!({"x": URL_SAFE_NO_PAD.encode([9; 33])}))),
        ("padding", other(&json!({"x": format!("{}=", Signer::new("x", 2).x())}))),
        ("the other alphabet", other(&json!({"x": "++++++++++++++++++++++++++++++++++++++++++8"}))),
        (
            "an RSA key",
            json!({"kty": "RSA", "kid": "r", "alg": "RS256", "use": "sig", "n": "AQAB", "e": "AQAB"}),
        ),
        (
            "an EC key",
            json!({"kty": "EC", "kid": "e", "alg": "ES256", "crv": "P-256", "x": "AA", "y": "AA"}),
        ),
        (
            "an RSA key that says EdDSA",
            json!({"kty": "RSA", "kid": "r", "alg": "EdDSA", "n": "AQAB", "e": "AQAB"}),
        ),
    ]
}

#[test]
fn a_hostile_key_is_refused_with_a_reason() {
    for (name, key) in hostile() {
        let alone = read(&json!({"keys": [key]}));
        assert_eq!(alone.map(|set| set.len()), Err(KeySetError::NoUsableKey), "{name}");
        let beside = read(&json!({"keys": [key, good()]})).unwrap();
        assert_eq!((beside.len(), beside.refused.len()), (1, 1), "{name}");
        assert!(!beside.refused[0].text().is_empty(), "{name}");
        assert!(beside.find(Some("good"), SigningAlgorithm::EdDSA).is_some(), "{name}");
    }
}

#[test]
fn one_good_key_among_hostile_ones_is_used() {
    let keys: Vec<Value> = hostile().into_iter().map(|(_, key)| key).collect();
    assert!(keys.len() > 20);
    for place in [0, keys.len() / 2, keys.len()] {
        let mut keys = keys.clone();
        keys.insert(place, good());
        let set = read(&json!({"keys": keys})).unwrap();
        assert_eq!((set.len(), set.refused.len()), (1, keys.len() - 1));
        assert!(set.find(None, SigningAlgorithm::EdDSA).is_some());
    }
}

/// Text that is no JSON of `serde_json::Value`: a member twice, or nesting without end.
#[test]
fn a_key_that_is_no_strict_json_does_not_spoil_the_others() {
    let good = good().to_string();
    let x = Signer::new("other", 2).x();
    let endless = format!(r#"{{"kty":"OKP","x5c":{}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    for (name, bad) in [
        (
            "a member twice",
            format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"a","kid":"b","x":"{x}"}}"#),
        ),
        (
            "the point twice",
            format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"a","x":"{x}","x":"{x}"}}"#),
        ),
        (
            "a member twice further down",
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","y":{{"z":1,"z":1}}}}"#),
        ),
        ("nesting without end", endless),
        (
            "a lone surrogate",
            format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"\ud800","x":"{x}"}}"#),
        ),
    ] {
        for document in
            [format!(r#"{{"keys":[{bad},{good}]}}"#), format!(r#"{{"keys":[{good},{bad}]}}"#)]
        {
            let set = KeySet::parse(document.as_bytes(), EDDSA, None)
                .map_err(|error| format!("{name}: {error}"));
            let set = set.unwrap();
            assert_eq!((set.len(), set.refused.len()), (1, 1), "{name}");
        }
    }
}

#[test]
fn a_document_that_is_no_key_set_yields_no_keys() {
    let no_set = Err(KeySetError::NotAKeySet);
    let no_key = Err(KeySetError::NoUsableKey);
    for (name, document, expected) in [
        ("empty", "", no_set),
        ("HTML", "<html>down for maintenance</html>", no_set),
        ("null", "null", no_set),
        ("a list", "[]", no_set),
        ("no keys", "{}", no_set),
        ("keys are null", r#"{"keys":null}"#, no_set),
        ("keys are an object", r#"{"keys":{"a":{}}}"#, no_set),
        ("keys are text", r#"{"keys":"a"}"#, no_set),
        ("keys twice", r#"{"keys":[],"keys":[]}"#, no_set),
        ("cut short", r#"{"keys":[{"kty":"OKP""#, no_set),
        ("a tail", r#"{"keys":[]} x"#, no_set),
        ("a byte order mark", "\u{feff}{\"keys\":[]}", no_set),
        ("brackets without end", &"[".repeat(100_000), no_set),
        ("an error of the API", r#"{"statusCode":500,"messages":["x"]}"#, no_set),
        ("an empty list", r#"{"keys":[]}"#, no_key),
        ("nulls", r#"{"keys":[null,null]}"#, no_key),
    ] {
        let read = KeySet::parse(document.as_bytes(), EDDSA, None).map(|set| set.len());
        assert_eq!(read, expected, "{name}");
    }
}

#[test]
fn a_document_with_too_many_keys_is_not_used() {
    let keys = |count: usize| -> Vec<Value> {
        (0..count).map(|index| with(good(), &json!({"kid": format!("k{index}")}))).collect()
    };
    assert_eq!(read(&json!({"keys": keys(MAX_KEYS)})).map(|set| set.len()), Ok(MAX_KEYS));
    let many = read(&json!({"keys": keys(MAX_KEYS + 1)})).map(|set| set.len());
    assert_eq!(many, Err(KeySetError::TooManyKeys));
    // Also where all but one are no keys.
    let mut nulls = vec![Value::Null; MAX_KEYS];
    nulls.push(good());
    assert!(read(&json!({"keys": nulls})).is_err());
}

#[test]
fn an_issuer_without_the_algorithm_uses_no_such_key() {
    let document = key_set(&[&Signer::new("good", 1)]);
    assert!(KeySet::parse(&document, &[SigningAlgorithm::ES256], None).is_err());
}

#[test]
fn two_different_keys_of_one_name_are_both_refused() {
    let named = |kid: &str, seed: u8| with(Signer::new("x", seed).jwk(), &json!({"kid": kid}));
    let find = |keys: Vec<Value>, kid: Option<&str>| {
        let set = read(&json!({"keys": keys}));
        set.map(|set| (set.len(), set.find(kid, SigningAlgorithm::EdDSA).is_some()))
    };
    let differ = find(vec![named("a", 1), named("a", 2)], Some("a"));
    assert_eq!(differ, Err(KeySetError::NoUsableKey));
    for (name, keys, kid, expected) in [
        ("the same twice", vec![named("a", 1), named("a", 1)], Some("a"), (1, true)),
        (
            "two that differ beside another",
            vec![named("a", 1), named("b", 3), named("a", 2)],
            Some("a"),
            (1, false),
        ),
        (
            "the other one is used",
            vec![named("a", 1), named("b", 3), named("a", 2)],
            Some("b"),
            (1, true),
        ),
        (
            "twice the same, then another",
            vec![named("a", 1), named("a", 1), named("a", 2), named("b", 3)],
            Some("a"),
            (1, false),
        ),
        ("one key with two names", vec![named("a", 1), named("b", 1)], Some("b"), (2, true)),
        ("two names, none asked for", vec![named("a", 1), named("b", 2)], None, (2, false)),
    ] {
        assert_eq!(find(keys, kid), Ok(expected), "{name}");
    }
}

#[test]
fn keys_without_a_name_serve_tokens_without_one() {
    let nameless = |seed: u8| with(Signer::new("x", seed).jwk(), &json!({"kid": null}));
    let set = read(&json!({"keys": [nameless(1)]})).unwrap();
    assert!(set.find(None, SigningAlgorithm::EdDSA).is_some());
    assert!(set.find(Some("x"), SigningAlgorithm::EdDSA).is_none());
    // Two of them: which one is meant cannot be told.
    let set = read(&json!({"keys": [nameless(1), nameless(2)]})).unwrap();
    assert!(set.find(None, SigningAlgorithm::EdDSA).is_none());
    let set = read(&json!({"keys": [nameless(1), nameless(1)]})).unwrap();
    assert!(set.find(None, SigningAlgorithm::EdDSA).is_some(), "the same one twice");
}

#[test]
fn a_key_that_stays_is_recognised_after_a_refresh() {
    let (a, b, c) = (Signer::new("a", 1), Signer::new("b", 2), Signer::new("c", 3));
    let first = KeySet::parse(&key_set(&[&a, &b]), EDDSA, None).unwrap();
    let kept = first.find(Some("a"), SigningAlgorithm::EdDSA).unwrap().clone();
    let gone = first.find(Some("b"), SigningAlgorithm::EdDSA).unwrap().clone();
    let second = KeySet::parse(&key_set(&[&c, &a]), EDDSA, Some(&first)).unwrap();
    assert!(second.holds(&kept));
    assert!(!second.holds(&gone));
    // Another key under the old name is another key.
    let third = KeySet::parse(&key_set(&[&Signer::new("a", 9)]), EDDSA, Some(&second)).unwrap();
    assert!(!third.holds(&kept));
    let unrelated = KeySet::parse(&key_set(&[&a]), EDDSA, None).unwrap();
    assert!(!unrelated.holds(&kept), "a key of another set");
}

fn bytes(hex: &str) -> [u8; 32] {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

/// The points of order 1, 2, 4 and 8, by the y coordinate.
const SMALL_ORDER: [&str; 5] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
];

#[test]
fn a_point_under_which_anybody_can_sign_is_refused() {
    // S = 0 and R = the identity: no private key has made this signature.
    let mut signature = [0; 64];
    signature[0] = 1;
    let signature = URL_SAFE_NO_PAD.encode(signature);
    for y in SMALL_ORDER {
        for sign in [0, 0x80] {
            let mut point = bytes(y);
            point[31] |= sign;
            let x = URL_SAFE_NO_PAD.encode(point);
            let set = read(&json!({"keys": [other(&json!({"x": x})), good()]})).unwrap();
            assert_eq!(set.refused, [KeyRefusal::WeakPoint], "{y} {sign}");
            // The library takes it, and a forged signature for one message in eight or more.
            let key = DecodingKey::from_ed_components(&x).unwrap();
            let forged = (0..200).filter(|message: &i32| {
                let message = message.to_string();
                let judged = jsonwebtoken::crypto::verify(
                    &signature,
                    message.as_bytes(),
                    &key,
                    jsonwebtoken::Algorithm::EdDSA,
                );
                matches!(judged, Ok(true))
            });
            // With x = 0 the sign bit is no valid encoding, and there is nothing to forge.
            let valid = sign == 0 || !(y.starts_with("01") || y.starts_with("ec"));
            assert_eq!(forged.count() > 0, valid, "{y} {sign}");
        }
    }
}

#[test]
fn a_second_spelling_of_a_point_is_refused() {
    // 2^255 - 19 + n for every n that fits, with both signs.
    for n in 0..19_u8 {
        let mut point = [0xff; 32];
        point[0] = 0xed + n;
        for last in [0x7f, 0xff] {
            point[31] = last;
            let x = URL_SAFE_NO_PAD.encode(point);
            let set = read(&json!({"keys": [other(&json!({"x": x})), good()]})).unwrap();
            assert_eq!(set.refused, [KeyRefusal::WeakPoint], "{n} {last}");
        }
    }
    // The largest canonical one is not refused for its size (it is no point at all, and so
    // verifies nothing).
    let mut point = [0xff; 32];
    (point[0], point[31]) = (0xeb, 0x7f);
    let x = URL_SAFE_NO_PAD.encode(point);
    assert_eq!(read(&json!({"keys": [other(&json!({"x": x})), good()]})).unwrap().refused.len(), 0);
}

proptest! {
    #[test]
    fn every_real_key_is_used_and_verifies_what_it_signed(seed: [u8; 32], message in prop::collection::vec(any::<u8>(), 0..60)) {
        let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let signer = Signer { kid: "k", pair };
        let set = KeySet::parse(&key_set(&[&signer]), EDDSA, None).unwrap();
        let key = set.find(Some("k"), SigningAlgorithm::EdDSA).unwrap();
        let signature = signer.pair.sign(&message);
        prop_assert!(key.verifies(&message, signature.as_ref()));
        let mut changed = signature.as_ref().to_vec();
        changed[usize::from(seed[0] % 64)] ^= 1;
        prop_assert!(!key.verifies(&message, &changed));
    }

    #[test]
    fn no_document_makes_the_reader_panic(document in prop::collection::vec(any::<u8>(), 0..60), name in "[a-z_]{1,8}", value in ".{0,9}") {
        let _ = KeySet::parse(&document, EDDSA, None);
        let _ = read(&json!({"keys": [other(&json!({name: value}))]}));
    }
}
