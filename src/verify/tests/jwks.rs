//! Which keys of a document are used: bad ones are refused with a reason, and never spoil the
//! good ones beside them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Signer, key_set, named, verifies, with};
use crate::{
    config::SigningAlgorithm,
    verify::jwks::{KeyRefusal, KeyRules, KeySet, KeySetError, MAX_KEYS, RefusedKeys},
};

const EDDSA: KeyRules<'static> = named(&[SigningAlgorithm::EdDSA]);

pub(super) fn read(document: &Value) -> Result<KeySet, KeySetError> {
    KeySet::parse(document.to_string().as_bytes(), EDDSA, None)
}

pub(super) fn good() -> Value {
    Signer::new("good", 1).jwk()
}

/// The reasons why keys of a set are not used.
pub(super) fn reasons(set: &KeySet) -> Vec<KeyRefusal> {
    set.refused.iter().map(|key| key.reason).collect()
}

/// The reasons why no key of a document is used.
fn all_refused(read: Result<KeySet, KeySetError>) -> Vec<KeyRefusal> {
    match read {
        Err(KeySetError::NoUsableKey(RefusedKeys(keys))) => {
            keys.iter().map(|key| key.reason).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// Another good key with these changes.
pub(super) fn other(changes: &Value) -> Value {
    with(Signer::new("other", 2).jwk(), changes)
}

#[test]
fn a_good_key_is_used_under_its_name() {
    let set = read(&json!({"keys": [good()]})).unwrap();
    assert_eq!((set.len(), set.refused.len()), (1, 0));
    let key = set.find(Some("good"), SigningAlgorithm::EdDSA).unwrap();
    assert_eq!(key.kid(), Some("good"));
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
        ("no operation", json!({"key_ops": []})),
        ("operations that mean nothing here", json!({"key_ops": [1, "verify", null]})),
        ("padding", json!({"x": format!("{}=", Signer::new("other", 2).x())})),
        (
            "padding of the wrong length",
            json!({"x": format!("{}===", Signer::new("other", 2).x())}),
        ),
        ("an empty name", json!({"kid": ""})),
        ("certificates", json!({"x5c": [], "x5t#S256": null, "x5u": 7})),
        ("several operations", json!({"key_ops": ["sign", "verify"]})),
        ("members that mean nothing here", json!({"x5t": "x", "nbf": 1, "ext": true})),
    ] {
        let set = read(&json!({"keys": [other(&changes)]})).unwrap();
        assert_eq!((set.len(), set.refused.len()), (1, 0), "{name}");
    }
}

/// Many serializers write every member of their own type.
#[test]
fn a_member_that_is_null_counts_as_absent() {
    for name in [
        "use", "key_ops", "alg", "kid", "x5u", "x5c", "x5t", "x5t#S256", "exp", "d", "p", "q",
        "dp", "dq", "qi", "oth", "k", "n", "e", "y", "r", "t",
    ] {
        let mut key = Signer::new("other", 2).jwk();
        key[name] = Value::Null;
        let set = read(&json!({"keys": [key]})).unwrap();
        assert_eq!((set.len(), set.refused.len()), (1, 0), "{name}");
        let asked = if name == "kid" { None } else { Some("other") };
        assert!(set.find(asked, SigningAlgorithm::EdDSA).is_some(), "{name}");
    }
    for (name, expected) in
        [("kty", KeyRefusal::Missing), ("crv", KeyRefusal::Missing), ("x", KeyRefusal::Missing)]
    {
        let mut key = Signer::new("other", 2).jwk();
        key[name] = Value::Null;
        assert_eq!(all_refused(read(&json!({"keys": [key]}))), [expected], "{name}");
    }
}

/// Members of a document that are never used as a key, and the true reason of each: by
/// what they are.
fn hostile_types() -> Vec<(&'static str, Value, KeyRefusal)> {
    use KeyRefusal::{
        Algorithm, Missing, NotStrict, Secret, UnsupportedAlgorithm, UnsupportedType, WrongType,
    };
    vec![
        ("null", Value::Null, NotStrict),
        ("text", json!("key"), NotStrict),
        ("a number", json!(1), NotStrict),
        ("a list", json!([]), NotStrict),
        ("nothing in it", json!({}), Missing),
        ("symmetric", json!({"kty": "oct", "kid": "s", "k": "c2VjcmV0", "alg": "HS256"}), Secret),
        ("symmetric without its secret", json!({"kty": "oct", "kid": "s", "alg": "EdDSA"}), Secret),
        ("symmetric in disguise", other(&json!({"k": "c2VjcmV0"})), Secret),
        ("a private member", other(&json!({"d": "AAAA"})), Secret),
        ("an empty private member", other(&json!({"d": ""})), Secret),
        ("another kty", other(&json!({"kty": "EC"})), UnsupportedType),
        ("kty in another case", other(&json!({"kty": "okp"})), UnsupportedType),
        ("no kty", other(&json!({"kty": null})), Missing),
        ("kty is a list", other(&json!({"kty": ["OKP"]})), WrongType),
        ("another curve", other(&json!({"crv": "X25519"})), UnsupportedType),
        ("a larger curve", other(&json!({"crv": "Ed448"})), UnsupportedType),
        ("no curve", other(&json!({"crv": null})), Missing),
        ("another algorithm", other(&json!({"alg": "ES256"})), Algorithm),
        ("a symmetric algorithm", other(&json!({"alg": "HS256"})), UnsupportedAlgorithm),
        ("the algorithm none", other(&json!({"alg": "none"})), UnsupportedAlgorithm),
        ("the algorithm in another case", other(&json!({"alg": "eddsa"})), UnsupportedAlgorithm),
        ("an algorithm that is no text", other(&json!({"alg": 1})), WrongType),
    ]
}

/// The same, by what they are for and by their numbers.
fn hostile_numbers() -> Vec<(&'static str, Value, KeyRefusal)> {
    use KeyRefusal::{Algorithm, KeyOps, Length, Missing, NotBase64url, OtherType, Use, WrongType};
    vec![
        ("for encryption", other(&json!({"use": "enc"})), Use),
        ("an empty use", other(&json!({"use": ""})), Use),
        ("a use that is no text", other(&json!({"use": ["sig"]})), WrongType),
        ("to sign only", other(&json!({"key_ops": ["sign"]})), KeyOps),
        ("to encrypt", other(&json!({"key_ops": ["encrypt", "decrypt"]})), KeyOps),
        ("operations that are no list", other(&json!({"key_ops": "verify"})), WrongType),
        ("a name that is no text", other(&json!({"kid": 1})), WrongType),
        ("no point", other(&json!({"x": null})), Missing),
        ("a point that is no text", other(&json!({"x": [1]})), WrongType),
        ("an empty point", other(&json!({"x": ""})), Missing),
        ("31 bytes", other(&json!({"x": URL_SAFE_NO_PAD.encode([9; 31])})), Length),
        ("33 bytes", other(&json!({"x": URL_SAFE_NO_PAD.encode([9; 33])})), Length),
        (
            "padding in the middle",
            other(&json!({"x": format!("A={}", &Signer::new("x", 2).x()[2..])})),
            NotBase64url,
        ),
        ("a blank", other(&json!({"x": format!("{} ", Signer::new("x", 2).x())})), NotBase64url),
        ("padding alone", other(&json!({"x": "===="})), Missing),
        (
            "the other alphabet",
            other(&json!({"x": "++++++++++++++++++++++++++++++++++++++++++8"})),
            NotBase64url,
        ),
        (
            "an RSA key",
            json!({"kty": "RSA", "kid": "r", "alg": "RS256", "use": "sig", "n": "AQAB", "e": "AQAB"}),
            OtherType,
        ),
        (
            "an EC key",
            json!({"kty": "EC", "kid": "e", "alg": "ES256", "crv": "P-256", "x": "AA", "y": "AA"}),
            OtherType,
        ),
        (
            "an RSA key that says EdDSA",
            json!({"kty": "RSA", "kid": "r", "alg": "EdDSA", "n": "AQAB", "e": "AQAB"}),
            Algorithm,
        ),
    ]
}

/// Members of a document that are never used as a key.
fn hostile() -> Vec<(&'static str, Value, KeyRefusal)> {
    [hostile_types(), hostile_numbers()].concat()
}

#[test]
fn a_hostile_key_is_refused_with_a_reason() {
    for (name, key, expected) in hostile() {
        assert_eq!(all_refused(read(&json!({"keys": [key]}))), [expected], "{name}");
        let beside = read(&json!({"keys": [key, good()]})).unwrap();
        assert_eq!((beside.len(), beside.refused.len()), (1, 1), "{name}");
        assert_eq!(beside.refused[0].reason, expected, "{name}");
        assert!(beside.find(Some("good"), SigningAlgorithm::EdDSA).is_some(), "{name}");
    }
}

#[test]
fn one_good_key_among_hostile_ones_is_used() {
    let keys: Vec<Value> = hostile().into_iter().map(|(_, key, _)| key).collect();
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
    let no_set = || Err(KeySetError::NotAKeySet);
    let no_key = || Err(KeySetError::Empty);
    let other_encoding = || Err(KeySetError::NotUtf8);
    let wide = |text: &str| String::from_utf8(text.bytes().flat_map(|byte| [byte, 0]).collect());
    let wide = wide("{}").unwrap();
    for (name, document, expected) in [
        ("empty", "", no_set()),
        ("HTML", "<html>down for maintenance</html>", no_set()),
        ("null", "null", no_set()),
        ("a list", "[]", no_set()),
        ("no keys", "{}", no_set()),
        ("keys are null", r#"{"keys":null}"#, no_set()),
        ("keys are an object", r#"{"keys":{"a":{}}}"#, no_set()),
        ("keys are text", r#"{"keys":"a"}"#, no_set()),
        ("keys twice", r#"{"keys":[],"keys":[]}"#, no_set()),
        ("cut short", r#"{"keys":[{"kty":"OKP""#, no_set()),
        ("a tail", r#"{"keys":[]} x"#, no_set()),
        ("a byte order mark before nothing", "\u{feff}", no_set()),
        ("two byte order marks", "\u{feff}\u{feff}{\"keys\":[]}", no_set()),
        ("a byte order mark in the middle", "{\u{feff}\"keys\":[]}", no_set()),
        ("UTF-16", &wide, other_encoding()),
        ("a text of one key", "\"kty\"", no_set()),
        ("no kty", r#"{"kty":null,"crv":"Ed25519"}"#, no_set()),
        ("brackets without end", &"[".repeat(100_000), no_set()),
        ("an error of the API", r#"{"statusCode":500,"messages":["x"]}"#, no_set()),
        ("an empty list", r#"{"keys":[]}"#, no_key()),
        ("an empty list after a byte order mark", "\u{feff}{\"keys\":[]}", no_key()),
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
    assert!(KeySet::parse(&document, named(&[SigningAlgorithm::ES256]), None).is_err());
}

#[test]
fn two_different_keys_of_one_name_are_both_refused() {
    let named = |kid: &str, seed: u8| with(Signer::new("x", seed).jwk(), &json!({"kid": kid}));
    let find = |keys: Vec<Value>, kid: Option<&str>| {
        let set = read(&json!({"keys": keys}));
        set.map(|set| (set.len(), set.find(kid, SigningAlgorithm::EdDSA).is_some()))
    };
    let both = vec![named("a", 1), named("a", 2)];
    assert_eq!(all_refused(read(&json!({ "keys": both }))), [KeyRefusal::Ambiguous; 2]);
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

/// One key as it is, without a set around it.
#[test]
fn a_bare_key_is_a_set_of_one() {
    for (name, document, expected) in [
        ("bare", good().to_string(), true),
        ("after a byte order mark", format!("\u{feff}{}", good()), true),
        ("with blanks around", format!(" \n{}\n ", good()), true),
        ("beside a list that is null", with(good(), &json!({"x5c": 1})).to_string(), true),
        ("two of them", format!("{}{}", good(), good()), false),
        ("in a list", json!([good()]).to_string(), false),
        ("by its name", json!({"good": good()}).to_string(), false),
    ] {
        let set = KeySet::parse(document.as_bytes(), EDDSA, None);
        let found = set.ok().and_then(|set| set.find(Some("good"), SigningAlgorithm::EdDSA));
        assert_eq!(found.is_some(), expected, "{name}");
    }
    // It is judged like any other.
    let secret = with(good(), &json!({"d": "AA"}));
    assert_eq!(all_refused(read(&secret)), [KeyRefusal::Secret]);
    // A list of keys counts, whatever stands beside it.
    let mut set = json!({"keys": [other(&json!({}))]});
    set["kty"] = json!("OKP");
    let read = read(&set).unwrap();
    assert!(read.find(Some("other"), SigningAlgorithm::EdDSA).is_some());
}

/// At most a few keys are named in a message, each by a bounded text without control characters.
#[test]
fn the_reasons_are_said_in_a_bounded_text() {
    let keys: Vec<Value> = (0..MAX_KEYS)
        .map(|index| {
            other(&json!({"use": "enc", "kid": format!("{index}\n\u{202e} {}", "ä".repeat(400))}))
        })
        .collect();
    let error = read(&json!({ "keys": keys })).unwrap_err().to_string();
    assert!(error.contains("(kid 0%0A%E2%80%AE%20%C3%A4"), "{error}");
    assert!(error.contains(KeyRefusal::Use.text()) && error.ends_with("; and 92 more"), "{error}");
    assert!(error.len() < 1_200, "{} bytes", error.len());
    assert!(error.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{error}");
    let error = read(&json!({ "keys": [null, other(&json!({"alg": "HS256"}))] })).unwrap_err();
    let expected = format!(
        "the document holds no usable key: {} (no kid); {} (kid other)",
        KeyRefusal::NotStrict.text(),
        KeyRefusal::UnsupportedAlgorithm.text()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_key_that_stays_is_recognised_after_a_refresh() {
    let (a, b, c) = (Signer::new("a", 1), Signer::new("b", 2), Signer::new("c", 3));
    let first = KeySet::parse(&key_set(&[&a, &b]), EDDSA, None).unwrap();
    let kept = first.find(Some("a"), SigningAlgorithm::EdDSA).unwrap();
    let gone = first.find(Some("b"), SigningAlgorithm::EdDSA).unwrap();
    let second = KeySet::parse(&key_set(&[&c, &a]), EDDSA, Some(&first)).unwrap();
    assert!(second.holds(&kept));
    assert!(!second.holds(&gone));
    // Another key under the old name is another key.
    let third = KeySet::parse(&key_set(&[&Signer::new("a", 9)]), EDDSA, Some(&second)).unwrap();
    assert!(!third.holds(&kept));
    let unrelated = KeySet::parse(&key_set(&[&a]), EDDSA, None).unwrap();
    assert!(!unrelated.holds(&kept), "a key of another set");
}

proptest! {
    #[test]
    fn every_real_key_is_used_and_verifies_what_it_signed(seed: [u8; 32], message in prop::collection::vec(any::<u8>(), 0..60)) {
        let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let signer = Signer { kid: "k", pair };
        let set = KeySet::parse(&key_set(&[&signer]), EDDSA, None).unwrap();
        let key = set.find(Some("k"), SigningAlgorithm::EdDSA).unwrap();
        let signature = signer.pair.sign(&message);
        prop_assert!(verifies(&key, &message, signature.as_ref()));
        let mut changed = signature.as_ref().to_vec();
        changed[usize::from(seed[0] % 64)] ^= 1;
        prop_assert!(!verifies(&key, &message, &changed));
    }

    #[test]
    fn no_document_makes_the_reader_panic(document in prop::collection::vec(any::<u8>(), 0..60), name in "[a-z_]{1,8}", value in ".{0,9}") {
        let _ = KeySet::parse(&document, EDDSA, None);
        let _ = read(&json!({"keys": [other(&json!({name: value}))]}));
    }
}
