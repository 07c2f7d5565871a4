//! Keys of every type and algorithm: which are used and for what, which are refused and why.

use std::sync::Arc;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
        RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
        RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Signer, named, with};
use crate::{
    config::SigningAlgorithm::{
        self, ES256, ES384, ES512, Ed25519, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512,
    },
    verify::jwks::{Key, KeyRefusal, KeySet, KeySetError},
};

/// The algorithms that an issuer has without a setting.
const USUAL: &[SigningAlgorithm] = &[EdDSA, ES256, RS256];

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ec_of(
    scheme: &'static EcdsaSigningAlgorithm,
    alg: &str,
    crv: &str,
    octets: usize,
) -> (EcdsaKeyPair, Value) {
    let pair = EcdsaKeyPair::generate(scheme).unwrap();
    let point = pair.public_key().as_ref();
    let (x, y) = (b64(&point[1..=octets]), b64(&point[1 + octets..]));
    let jwk =
        json!({"kty": "EC", "crv": crv, "kid": "ec", "use": "sig", "alg": alg, "x": x, "y": y});
    (pair, jwk)
}

fn ec() -> (EcdsaKeyPair, Value) {
    ec_of(&ECDSA_P256_SHA256_FIXED_SIGNING, "ES256", "P-256", 32)
}

fn rsa(size: KeySize) -> (RsaKeyPair, Value) {
    let pair = RsaKeyPair::generate(size).unwrap();
    let public = pair.public_key();
    let n = b64(public.modulus().big_endian_without_leading_zero());
    let e = b64(public.exponent().big_endian_without_leading_zero());
    let jwk = json!({"kty": "RSA", "kid": "rsa", "use": "sig", "alg": "RS256", "n": n, "e": e});
    (pair, jwk)
}

fn read(keys: &[Value]) -> Result<KeySet, KeySetError> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), named(USUAL), None)
}

fn reasons(set: &KeySet) -> Vec<KeyRefusal> {
    set.refused.iter().map(|key| key.reason).collect()
}

/// One private key of each type.
struct Pairs {
    rsa: (RsaKeyPair, Value),
    p256: (EcdsaKeyPair, Value),
    p384: (EcdsaKeyPair, Value),
    p521: (EcdsaKeyPair, Value),
    ed: Signer,
}

impl Pairs {
    fn new() -> Self {
        Self {
            rsa: rsa(KeySize::Rsa2048),
            p256: ec(),
            p384: ec_of(&ECDSA_P384_SHA384_FIXED_SIGNING, "ES384", "P-384", 48),
            p521: ec_of(&ECDSA_P521_SHA512_FIXED_SIGNING, "ES512", "P-521", 66),
            ed: Signer::new("ed", 1),
        }
    }

    /// The key that signs with this algorithm, as its issuer publishes it.
    fn jwk(&self, algorithm: SigningAlgorithm) -> Value {
        let jwk = match algorithm {
            RS256 | RS384 | RS512 | PS256 | PS384 | PS512 => self.rsa.1.clone(),
            ES256 => self.p256.1.clone(),
            ES384 => self.p384.1.clone(),
            ES512 => self.p521.1.clone(),
            EdDSA | Ed25519 => self.ed.jwk(),
        };
        with(jwk, &json!({"alg": algorithm.as_str(), "kid": "k"}))
    }

    fn sign(&self, algorithm: SigningAlgorithm, text: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; self.rsa.0.public_modulus_len()];
            self.rsa.0.sign(encoding, &random, text, &mut signature).unwrap();
            signature
        };
        let ec = |pair: &EcdsaKeyPair| pair.sign(&random, text).unwrap().as_ref().to_vec();
        match algorithm {
            RS256 => rsa(&RSA_PKCS1_SHA256),
            RS384 => rsa(&RSA_PKCS1_SHA384),
            RS512 => rsa(&RSA_PKCS1_SHA512),
            PS256 => rsa(&RSA_PSS_SHA256),
            PS384 => rsa(&RSA_PSS_SHA384),
            PS512 => rsa(&RSA_PSS_SHA512),
            ES256 => ec(&self.p256.0),
            ES384 => ec(&self.p384.0),
            ES512 => ec(&self.p521.0),
            EdDSA | Ed25519 => self.ed.pair.sign(text).as_ref().to_vec(),
        }
    }
}

fn good(key: &Arc<Key>, algorithm: SigningAlgorithm, text: &[u8], signature: &[u8]) -> bool {
    key.check(algorithm, text, signature).is_some()
}

/// The same signature, under two names (RFC 9864).
fn are_one(one: SigningAlgorithm, other: SigningAlgorithm) -> bool {
    one == other || matches!((one, other), (EdDSA, Ed25519) | (Ed25519, EdDSA))
}

/// Every algorithm against a key of every algorithm, for an issuer that has all of them.
#[test]
fn a_key_verifies_what_its_algorithm_signed_and_nothing_else() {
    let pairs = Pairs::new();
    for published in SigningAlgorithm::ALL {
        let document = json!({ "keys": [pairs.jwk(published)] }).to_string();
        let rules = named(&SigningAlgorithm::ALL);
        let set = KeySet::parse(document.as_bytes(), rules, None).unwrap();
        assert_eq!((set.len(), set.refused.len()), (1, 0), "{published:?}");
        for stated in SigningAlgorithm::ALL {
            let what = format!("a token of {stated:?} and a key of {published:?}");
            let key = set.find(Some("k"), stated);
            assert_eq!(key.is_some(), are_one(stated, published), "{what}");
            let Some(key) = key else { continue };
            let own = pairs.sign(published, b"text");
            assert!(good(&key, stated, b"text", &own), "{what}");
            assert!(!good(&key, stated, b"tex", &own), "{what}");
            assert!(!good(&key, stated, b"text", &own[1..]), "{what}");
            assert!(!good(&key, stated, b"text", &vec![0; own.len()]), "{what}: all zero");
            for other in SigningAlgorithm::ALL {
                // The key is asked by its own algorithm, whatever made the signature.
                let made = pairs.sign(other, b"text");
                let expected = are_one(other, published);
                assert_eq!(good(&key, stated, b"text", &made), expected, "{what}: {other:?}");
                // And by another algorithm it is not asked at all.
                let asked = are_one(other, stated);
                assert_eq!(good(&key, other, b"text", &own), asked, "{what} as {other:?}");
            }
        }
    }
}

/// A key that does not say its algorithm serves those of its type that the issuer has, each for
/// its own signatures only.
#[test]
fn a_key_without_an_algorithm_serves_those_of_its_type() {
    let pairs = Pairs::new();
    let bare = |algorithm| with(pairs.jwk(algorithm), &json!({"alg": null}));
    for (key, served) in [
        (bare(RS256), &[RS256, RS384, RS512, PS256, PS384, PS512][..]),
        (bare(ES256), &[ES256]),
        (bare(ES384), &[ES384]),
        (bare(ES512), &[ES512]),
        (bare(EdDSA), &[EdDSA, Ed25519]),
    ] {
        let document = json!({ "keys": [key] }).to_string();
        let rules = named(&SigningAlgorithm::ALL);
        let set = KeySet::parse(document.as_bytes(), rules, None).unwrap();
        for stated in SigningAlgorithm::ALL {
            let key = set.find(Some("k"), stated);
            assert_eq!(key.is_some(), served.contains(&stated), "{stated:?} of {served:?}");
            let Some(key) = key else { continue };
            for made in served {
                let signature = pairs.sign(*made, b"text");
                let expected = are_one(*made, stated);
                assert_eq!(good(&key, stated, b"text", &signature), expected, "{made:?}");
            }
        }
        // Only the issuer's own algorithms.
        let one = KeySet::parse(document.as_bytes(), named(&served[..1]), None).unwrap();
        let shown: Vec<String> = one.names().into_iter().map(|name| name.algorithm).collect();
        assert_eq!(shown, [served[0].as_str()]);
    }
}

/// A key that is published once for each algorithm, without a name, is shown once.
#[test]
fn a_key_that_is_published_for_each_algorithm_is_shown_once() {
    let pairs = Pairs::new();
    let same = [RS256, RS384]
        .map(|algorithm| with(pairs.jwk(RS256), &json!({"alg": algorithm, "kid": null})));
    let document = json!({ "keys": same }).to_string();
    let rules = super::unnamed(&SigningAlgorithm::ALL);
    let set = KeySet::parse(document.as_bytes(), rules, None).unwrap();
    let shown: Vec<String> = set.names().into_iter().map(|name| name.algorithm).collect();
    assert_eq!(shown, ["RS256, RS384"]);
}

/// `EdDSA` and `Ed25519` are one algorithm for a key; a setting of `Ed25519` is for tokens that
/// name it so.
#[test]
fn an_ed25519_key_of_either_name_serves_both() {
    let pairs = Pairs::new();
    for published in [EdDSA, Ed25519] {
        for setting in [EdDSA, Ed25519] {
            let document = json!({ "keys": [pairs.jwk(published)] }).to_string();
            let set = KeySet::parse(document.as_bytes(), named(&[setting]), None).unwrap();
            assert!(set.find(Some("k"), setting).is_some(), "{published:?} {setting:?}");
        }
    }
}

#[test]
fn an_algorithm_the_issuer_does_not_sign_with_has_no_keys() {
    let keys = [ec().1, rsa(KeySize::Rsa2048).1, Signer::new("ed", 1).jwk()];
    let document = json!({ "keys": keys }).to_string();
    for only in USUAL {
        let set = KeySet::parse(document.as_bytes(), named(&[*only]), None).unwrap();
        assert_eq!((set.len(), reasons(&set).as_slice()), (1, &[KeyRefusal::OtherType; 2][..]));
    }
    // Of the type that it signs with, for another algorithm.
    let rsa = rsa(KeySize::Rsa2048).1;
    let document = json!({ "keys": [rsa] }).to_string();
    let set = KeySet::parse(document.as_bytes(), named(&[PS256, ES256]), None);
    let Err(KeySetError::NoUsableKey(refused)) = set else { panic!("{set:?}") };
    assert_eq!(refused.0[0].reason, KeyRefusal::OtherAlgorithm);
}

#[test]
fn an_ec_key_that_is_not_sound_is_refused() {
    let (_, good) = ec();
    let short = b64(&[1; 31]);
    for (name, change, expected) in [
        ("another point on no curve", json!({"y": b64(&[1; 32])}), KeyRefusal::Malformed),
        ("a short coordinate", json!({"x": short}), KeyRefusal::Length),
        ("a long coordinate", json!({"x": b64(&[1; 33])}), KeyRefusal::Length),
        ("a zero before a coordinate", json!({"x": b64(&[0; 33])}), KeyRefusal::Length),
        ("no y", json!({"y": null}), KeyRefusal::Missing),
        ("y is a number", json!({"y": 1}), KeyRefusal::WrongType),
        ("zero", json!({"x": b64(&[0; 32]), "y": b64(&[0; 32])}), KeyRefusal::Malformed),
        ("another curve", json!({"crv": "P-384"}), KeyRefusal::Algorithm),
        ("another curve without alg", json!({"crv": "P-384", "alg": null}), KeyRefusal::OtherType),
        ("a curve in another case", json!({"crv": "p-256"}), KeyRefusal::UnsupportedType),
        ("secp256k1", json!({"crv": "secp256k1"}), KeyRefusal::UnsupportedType),
        ("alg of another curve", json!({"alg": "ES384"}), KeyRefusal::Algorithm),
        ("alg of another family", json!({"alg": "RS256"}), KeyRefusal::Algorithm),
        ("alg for encryption", json!({"alg": "ECDH-ES"}), KeyRefusal::UnsupportedAlgorithm),
        ("for encryption", json!({"use": "enc"}), KeyRefusal::Use),
        ("to derive", json!({"key_ops": ["deriveKey"]}), KeyRefusal::KeyOps),
        ("its private half", json!({"d": b64(&[1; 32])}), KeyRefusal::Secret),
        ("another kty", json!({"kty": "OKP"}), KeyRefusal::UnsupportedType),
    ] {
        let set = read(&[with(good.clone(), &change), Signer::new("ed", 1).jwk()]).unwrap();
        assert_eq!((set.len(), reasons(&set).as_slice()), (1, &[expected][..]), "{name}");
    }
}

/// The modulus of a key as a chip with the fault of CVE-2017-15361 would make it: 65537^5 times
/// one, modulo the product of its primes, and beyond that of the right length.
fn roca_modulus() -> Vec<u8> {
    // The product of the primes does not fit a machine word, so the residues are built one prime
    // at a time: add the product so far until the residue fits.
    let primes = [
        3_u64, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83,
        89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    let rest = |n: &[u8], p: u64| n.iter().fold(0, |r, b| (r * 256 + u64::from(*b)) % p);
    let add = |n: &mut Vec<u8>, m: &[u8]| {
        let mut carry = 0_u16;
        for index in 0..n.len() {
            let place = n.len() - 1 - index;
            let other = m.len().checked_sub(1 + index).map_or(0, |at| m[at]);
            let sum = u16::from(n[place]) + u16::from(other) + carry;
            (n[place], carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
    };
    let times = |m: &[u8], p: u64| {
        let mut sum = vec![0; m.len() + 1];
        (0..p).for_each(|_| add(&mut sum, m));
        sum
    };
    // 2048 bits, the highest set; the product starts at 2, so that it stays odd.
    let mut n = vec![0_u8; 256];
    (n[0], n[255]) = (0xc0, 1);
    let mut product = vec![2_u8];
    for p in primes {
        while rest(&n, p) != 65_537_u64.pow(2) % p {
            add(&mut n, &product);
        }
        product = times(&product, p);
    }
    n
}

#[test]
fn an_rsa_key_that_is_not_sound_is_refused() {
    let (_, good) = rsa(KeySize::Rsa2048);
    let n = URL_SAFE_NO_PAD.decode(good["n"].as_str().unwrap()).unwrap();
    let even = b64(&[&n[..255], &[n[255] & 0xfe]].concat());
    for (name, change, expected) in [
        ("1024 bits", json!({"n": b64(&[&[0xff], &n[1..128]].concat())}), KeyRefusal::WeakRsa),
        ("2047 bits", json!({"n": b64(&[&[0x7f], &n[1..]].concat())}), KeyRefusal::WeakRsa),
        ("16384 bits", json!({"n": b64(&n.repeat(8))}), KeyRefusal::WeakRsa),
        (
            "1024 bits behind zeros",
            json!({"n": b64(&[&[0; 128][..], &[0xff], &n[1..128]].concat())}),
            KeyRefusal::WeakRsa,
        ),
        ("an even modulus", json!({"n": even}), KeyRefusal::UnsafeModulus),
        ("exponent one", json!({"e": "AQ"}), KeyRefusal::RsaExponent),
        ("an even exponent", json!({"e": "AQAA"}), KeyRefusal::RsaExponent),
        ("a long exponent", json!({"e": b64(&[1; 5])}), KeyRefusal::RsaExponent),
        ("exponent one behind zeros", json!({"e": b64(&[0, 0, 1])}), KeyRefusal::RsaExponent),
        ("exponent zero", json!({"e": "AA"}), KeyRefusal::RsaExponent),
        ("no exponent", json!({"e": null}), KeyRefusal::Missing),
        ("an empty exponent", json!({"e": ""}), KeyRefusal::Missing),
        ("no modulus", json!({"n": null}), KeyRefusal::Missing),
        ("a modulus of zeros", json!({"n": b64(&[0; 256])}), KeyRefusal::WeakRsa),
        ("a modulus in the other alphabet", json!({"n": "+/+/"}), KeyRefusal::NotBase64url),
        ("a modulus that is no text", json!({"n": 5}), KeyRefusal::WrongType),
        ("made by a faulty chip", json!({"n": b64(&roca_modulus())}), KeyRefusal::UnsafeModulus),
        ("alg of another hash", json!({"alg": "RS512"}), KeyRefusal::OtherAlgorithm),
        ("alg of another padding", json!({"alg": "PS256"}), KeyRefusal::OtherAlgorithm),
        ("alg for encryption", json!({"alg": "RSA1_5"}), KeyRefusal::UnsupportedAlgorithm),
        ("alg of another family", json!({"alg": "ES256"}), KeyRefusal::Algorithm),
        ("its private half", json!({"d": "AQAB"}), KeyRefusal::Secret),
        ("a prime of it", json!({"p": "AQAB"}), KeyRefusal::Secret),
        ("another part of it", json!({"qi": "AQAB"}), KeyRefusal::Secret),
        ("a curve", json!({"crv": "P-256"}), KeyRefusal::UnsupportedType),
    ] {
        let set = read(&[with(good.clone(), &change), Signer::new("ed", 1).jwk()]).unwrap();
        assert_eq!((set.len(), reasons(&set).as_slice()), (1, &[expected][..]), "{name}");
    }
}

/// Issuers in Java write the bytes of a `BigInteger`, with a sign; others pad base64.
#[test]
fn the_numbers_of_an_rsa_key_may_be_written_in_other_ways() {
    let (pair, jwk) = rsa(KeySize::Rsa2048);
    let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let (n, e) = (number("n"), number("e"));
    let zeros = |count: usize, number: &[u8]| b64(&[&vec![0; count], number].concat());
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"text", &mut signature).unwrap();
    for (name, change) in [
        ("as it should be", json!({})),
        ("a zero before the modulus", json!({"n": zeros(1, &n)})),
        ("many zeros before the modulus", json!({"n": zeros(300, &n)})),
        ("a zero before the exponent", json!({"e": zeros(1, &e)})),
        ("many zeros before the exponent", json!({"e": zeros(9, &e)})),
        ("padding", json!({"n": format!("{}==", b64(&n)), "e": format!("{}=", b64(&e))})),
        ("padding of any length", json!({"n": format!("{}=", b64(&n)), "e": "AQAB===="})),
        ("zero and padding", json!({"n": format!("{}=", zeros(1, &n))})),
        ("no operation", json!({"key_ops": []})),
    ] {
        let set = read(&[with(jwk.clone(), &change)]).unwrap_or_else(|e| panic!("{name}: {e}"));
        let key = set.find(Some("rsa"), RS256).unwrap();
        assert!(good(&key, RS256, b"text", &signature), "{name}");
        assert!(!good(&key, RS256, b"other", &signature), "{name}");
    }
    // One key in two spellings is one key.
    let twice = [jwk.clone(), with(jwk, &json!({"n": zeros(1, &n)}))];
    let set = read(&twice).unwrap();
    assert_eq!((set.len(), set.refused.len()), (1, 0));
}

#[test]
fn larger_keys_and_another_exponent_are_sound() {
    let (pair, jwk) = rsa(KeySize::Rsa3072);
    let three = with(jwk.clone(), &json!({"kid": "three", "e": "Aw"}));
    let set = read(&[jwk, three]).unwrap();
    assert_eq!((set.len(), set.refused.len()), (2, 0));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"text", &mut signature).unwrap();
    assert!(good(&set.find(Some("rsa"), RS256).unwrap(), RS256, b"text", &signature));
}
