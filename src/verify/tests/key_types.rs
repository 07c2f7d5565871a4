//! ES256 and RS256 keys: which are used, which are refused and why.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Signer, with};
use crate::{
    config::SigningAlgorithm,
    verify::jwks::{KeyRefusal, KeySet, KeySetError},
};

const ALL: &[SigningAlgorithm] =
    &[SigningAlgorithm::EdDSA, SigningAlgorithm::ES256, SigningAlgorithm::RS256];

/// Makes a signature of a text.
type Sign<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ec() -> (EcdsaKeyPair, Value) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let (x, y) = (b64(&point[1..33]), b64(&point[33..]));
    let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "ec", "use": "sig", "alg": "ES256", "x": x, "y": y});
    (pair, jwk)
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
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), ALL, None)
}

#[test]
fn keys_of_every_type_verify_what_they_signed_and_nothing_else() {
    let (ec, ec_jwk) = ec();
    let (rsa, rsa_jwk) = rsa(KeySize::Rsa2048);
    let ed = Signer::new("ed", 1);
    let set = read(&[ec_jwk, rsa_jwk, ed.jwk()]).unwrap();
    assert_eq!((set.len(), set.refused.len()), (3, 0));
    let random = SystemRandom::new();
    let ecdsa = |text: &[u8]| ec.sign(&random, text).unwrap().as_ref().to_vec();
    let pkcs1 = |text: &[u8]| {
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature).unwrap();
        signature
    };
    let eddsa = |text: &[u8]| ed.pair.sign(text).as_ref().to_vec();
    let sign: [(&str, SigningAlgorithm, Sign<'_>); 3] = [
        ("ec", SigningAlgorithm::ES256, &ecdsa),
        ("rsa", SigningAlgorithm::RS256, &pkcs1),
        ("ed", SigningAlgorithm::EdDSA, &eddsa),
    ];
    for (kid, algorithm, own) in sign {
        let key = set.find(Some(kid), algorithm).unwrap();
        let good = own(b"text");
        assert!(key.verifies(b"text", &good), "{kid}");
        assert!(!key.verifies(b"tex", &good), "{kid}");
        assert!(!key.verifies(b"text", &good[1..]), "{kid}");
        assert!(!key.verifies(b"text", &vec![0; good.len()]), "{kid}: all zero");
        for (other, _, foreign) in sign.iter().filter(|(name, ..)| *name != kid) {
            assert!(!key.verifies(b"text", &foreign(b"text")), "{kid} by {other}");
        }
        for other in ALL.iter().filter(|other| **other != algorithm) {
            assert!(set.find(Some(kid), *other).is_none(), "{kid} is for one algorithm");
        }
    }
}

#[test]
fn an_algorithm_the_issuer_does_not_sign_with_has_no_keys() {
    let keys = [ec().1, rsa(KeySize::Rsa2048).1, Signer::new("ed", 1).jwk()];
    let document = json!({ "keys": keys }).to_string();
    for only in ALL {
        let set = KeySet::parse(document.as_bytes(), &[*only], None).unwrap();
        assert_eq!((set.len(), set.refused.as_slice()), (1, &[KeyRefusal::OtherType; 2][..]));
    }
}

#[test]
fn an_ec_key_that_is_not_sound_is_refused() {
    let (_, good) = ec();
    let short = b64(&[1; 31]);
    for (name, change, expected) in [
        ("another point on no curve", json!({"y": b64(&[1; 32])}), KeyRefusal::Malformed),
        ("a short coordinate", json!({"x": short}), KeyRefusal::Malformed),
        ("a long coordinate", json!({"x": b64(&[1; 33])}), KeyRefusal::Malformed),
        ("no y", json!({"y": null}), KeyRefusal::Malformed),
        ("y is a number", json!({"y": 1}), KeyRefusal::WrongType),
        ("zero", json!({"x": b64(&[0; 32]), "y": b64(&[0; 32])}), KeyRefusal::Malformed),
        ("another curve", json!({"crv": "P-384"}), KeyRefusal::OtherType),
        ("a curve in another case", json!({"crv": "p-256"}), KeyRefusal::OtherType),
        ("secp256k1", json!({"crv": "secp256k1"}), KeyRefusal::OtherType),
        ("alg of another curve", json!({"alg": "ES384"}), KeyRefusal::Algorithm),
        ("alg of another family", json!({"alg": "RS256"}), KeyRefusal::Algorithm),
        ("alg for encryption", json!({"alg": "ECDH-ES"}), KeyRefusal::Algorithm),
        ("for encryption", json!({"use": "enc"}), KeyRefusal::Use),
        ("to derive", json!({"key_ops": ["deriveKey"]}), KeyRefusal::KeyOps),
        ("its private half", json!({"d": b64(&[1; 32])}), KeyRefusal::Secret),
        ("another kty", json!({"kty": "OKP"}), KeyRefusal::OtherType),
    ] {
        let set = read(&[with(good.clone(), &change), Signer::new("ed", 1).jwk()]).unwrap();
        assert_eq!((set.len(), set.refused.as_slice()), (1, &[expected][..]), "{name}");
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
        ("an even modulus", json!({"n": even}), KeyRefusal::WeakRsa),
        ("a leading zero", json!({"n": b64(&[&[0], &n[..]].concat())}), KeyRefusal::WeakRsa),
        ("exponent one", json!({"e": "AQ"}), KeyRefusal::WeakRsa),
        ("an even exponent", json!({"e": "AQAA"}), KeyRefusal::WeakRsa),
        ("a long exponent", json!({"e": b64(&[1; 5])}), KeyRefusal::WeakRsa),
        ("exponent zero", json!({"e": "AA"}), KeyRefusal::WeakRsa),
        ("no exponent", json!({"e": null}), KeyRefusal::Malformed),
        ("an empty exponent", json!({"e": ""}), KeyRefusal::WeakRsa),
        ("no modulus", json!({"n": null}), KeyRefusal::Malformed),
        ("a modulus that is no text", json!({"n": 5}), KeyRefusal::WrongType),
        ("made by a faulty chip", json!({"n": b64(&roca_modulus())}), KeyRefusal::WeakRsa),
        ("alg of another hash", json!({"alg": "RS512"}), KeyRefusal::Algorithm),
        ("alg of another padding", json!({"alg": "PS256"}), KeyRefusal::Algorithm),
        ("alg for encryption", json!({"alg": "RSA1_5"}), KeyRefusal::Algorithm),
        ("alg of another family", json!({"alg": "ES256"}), KeyRefusal::Algorithm),
        ("its private half", json!({"d": "AQAB"}), KeyRefusal::Secret),
        ("a prime of it", json!({"p": "AQAB"}), KeyRefusal::Secret),
        ("a curve", json!({"crv": "P-256"}), KeyRefusal::OtherType),
    ] {
        let set = read(&[with(good.clone(), &change), Signer::new("ed", 1).jwk()]).unwrap();
        assert_eq!((set.len(), set.refused.as_slice()), (1, &[expected][..]), "{name}");
    }
}

#[test]
fn larger_keys_and_another_exponent_are_sound() {
    let (pair, jwk) = rsa(KeySize::Rsa3072);
    let three = with(jwk.clone(), &json!({"kid": "three", "e": "Aw"}));
    let set = read(&[jwk, three]).unwrap();
    assert_eq!((set.len(), set.refused.len()), (2, 0));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"text", &mut signature).unwrap();
    assert!(set.find(Some("rsa"), SigningAlgorithm::RS256).unwrap().verifies(b"text", &signature));
}
