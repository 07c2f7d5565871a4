//! Wycheproof's Ed25519 signatures and keys.
//!
//! There are no JWS vectors for EdDSA, so each is built: what the vector does to its signature
//! is done to a genuine one over real claims.

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use serde_json::{Value, json};

use super::scalar::{self, Number};
use super::{list, unhex, vectors};
use crate::it::attacks::Court;
use crate::support::{Answer, Ask, Claims, Issuer, Key, Reply, TestApp, config, forge::b64};

/// A key whose private scalar is known, so that it can sign what no library would.
struct Signer {
    key: Key,
    secret: Number,
}

/// A genuine signature of a text, taken apart.
struct Genuine {
    text: String,
    r: Number,
    s: Number,
    /// The discrete logarithm of R.
    nonce: Number,
}

impl Signer {
    fn new() -> Self {
        let seed: [u8; 32] = rand::random();
        let hash = digest::digest(&digest::SHA512, &seed);
        let mut secret: Number = hash.as_ref()[..32].try_into().unwrap();
        // RFC 8032 section 5.1.5.
        secret[0] &= 0xf8;
        secret[31] = secret[31] & 0x7f | 0x40;
        Self { key: Key::of_seed("sig-1", &seed), secret: scalar::reduce(&secret) }
    }

    fn challenge(&self, r: &Number, text: &str) -> Number {
        let all = [&r[..], &self.key.public(), text.as_bytes()].concat();
        scalar::reduce(digest::digest(&digest::SHA512, &all).as_ref())
    }

    /// S for this R, as if its discrete logarithm were `nonce`.
    fn s(&self, r: &Number, nonce: &Number, text: &str) -> Number {
        scalar::add(nonce, &scalar::multiply(&self.challenge(r, text), &self.secret))
    }

    fn sign(&self, claims: &Claims) -> Genuine {
        let text =
            format!("{}.{}", b64(self.key.header().to_string()), b64(claims.json().to_string()));
        let signature = self.key.signature(&text);
        let (r, s): (Number, Number) =
            (signature[..32].try_into().unwrap(), signature[32..].try_into().unwrap());
        let share = scalar::multiply(&self.challenge(&r, &text), &self.secret);
        let nonce = scalar::add(&s, &scalar::negate(&share));
        assert_eq!(self.s(&r, &nonce, &text), s, "the arithmetic is right");
        Genuine { text, r, s, nonce }
    }
}

/// The sum of S and what the vectors add to it.
fn with_more(s: &Number, what: &str) -> Number {
    let add = |number: &Number| scalar::plus(s, number).0;
    let times = |count: usize| (0..count).fold(*s, |sum, _| scalar::plus(&sum, &scalar::L).0);
    let power = |bit: usize| {
        let mut number = [0; 32];
        number[bit / 8] = 1 << (bit % 8);
        add(&number)
    };
    match what {
        "L" => times(1),
        "2L" => times(2),
        "4L" => times(4),
        "8L" => times(8),
        "2^253" => power(253),
        "2^254" => power(254),
        "2^255" => power(255),
        "p" => {
            let mut prime = [0xff; 32];
            (prime[0], prime[31]) = (0xed, 0x7f);
            add(&prime)
        }
        other => panic!("{other}"),
    }
}

/// The change that the vector makes to a signature, made to a genuine one of ours.
fn spoil(signer: &Signer, good: &Genuine, vector: &Value, base: &str) -> Vec<u8> {
    let (comment, flag) =
        (vector["comment"].as_str().unwrap(), vector["flags"][0].as_str().unwrap());
    let theirs = vector["sig"].as_str().unwrap();
    let ours = [good.r, good.s].concat();
    let with_s = |s: Number| [good.r, s].concat();
    let with_r = |r: Number, nonce: &Number| [r, signer.s(&r, nonce, &good.text)].concat();
    match flag {
        "InvalidSignature" | "InvalidKtv" => unhex(theirs),
        "TruncatedSignature" => ours[..theirs.len() / 2].to_vec(),
        "SignatureWithGarbage" => {
            let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
            let pk = "7d4d0e7f6153a69b6242b522abbee685fda4420f8834b108c3bdae369ef549fa";
            let text = theirs
                .replace(&base[..64], &hex(&good.r))
                .replace(&base[64..], &hex(&good.s))
                .replace(pk, &hex(&signer.key.public()));
            unhex(&text)
        }
        "SignatureMalleability" => {
            let added = comment.split("s + ").nth(1).unwrap();
            with_s(with_more(&good.s, added.split([' ', '.']).next().unwrap()))
        }
        "InvalidEncoding" => match comment.strip_prefix("modified bit ") {
            Some(rest) => {
                let bit: usize = rest.split(' ').next().unwrap().parse().unwrap();
                let mut r = good.r;
                r[bit / 8] ^= 1 << (bit % 8);
                with_r(r, &good.nonce)
            }
            None if comment.starts_with("all bits flipped") => {
                with_r(good.r.map(|byte| !byte), &good.nonce)
            }
            // R is given, and a verifier that took it for the identity would be content.
            None => with_r(unhex(&theirs[..64]).try_into().unwrap(), &[0; 32]),
        },
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn wycheproofs_ed25519_signatures_on_real_claims() {
    let Some(file) = vectors("wycheproof/ed25519_test.json") else {
        return;
    };
    let signer = Signer::new();
    let issuer = Issuer::with_keys(&[&signer.key]);
    let app = TestApp::ready(&config(&issuer)).await;
    let claims = || Claims::of(&issuer.url());
    let ask = async |text: &str, signature: &[u8]| -> Answer {
        app.check(&Ask::with_token(format!("{text}.{}", b64(signature)))).await
    };
    let all = || list(&file, "testGroups").iter().flat_map(|group| list(group, "tests"));
    let (mut refused, mut genuine) = (0, 0);
    for vector in all().filter(|vector| vector["result"] == "invalid") {
        let what = format!("tc {}: {}", vector["tcId"], vector["comment"]);
        // The valid signature that this one was made from.
        let twin = all().find(|other| other["result"] == "valid" && other["msg"] == vector["msg"]);
        let base = twin.and_then(|twin| twin["sig"].as_str()).unwrap_or_default();
        let spoilt = if vector["flags"][0] == "CompressedSignature" {
            compressed(&signer, &claims, vector["tcId"].as_u64().unwrap())
        } else {
            let good = signer.sign(&claims());
            let spoilt = spoil(&signer, &good, vector, base);
            (good, spoilt)
        };
        let (good, signature) = spoilt;
        let answer = ask(&good.text, &signature).await;
        assert!(!answer.is_allowed(), "{what}: {answer:?}");
        let expected = if signature.is_empty() { "token_malformed" } else { "signature_invalid" };
        assert_eq!(answer.reason(), expected, "{what}");
        refused += 1;
        ask(&good.text, &[good.r, good.s].concat()).await.assert_allowed(&what, "authenticated");
        genuine += 1;
    }
    assert_eq!((refused, genuine), (63, 63), "as many as the file has");
}

/// A genuine signature with a zero byte at one of four places, and without it.
fn compressed(signer: &Signer, claims: &impl Fn() -> Claims, id: u64) -> (Genuine, Vec<u8>) {
    let place = [0, 31, 32, 63][usize::try_from(id % 4).unwrap()];
    loop {
        let good = signer.sign(&claims());
        let mut bytes = [good.r, good.s].concat();
        if bytes[place] == 0 {
            bytes.remove(place);
            return (good, bytes);
        }
    }
}

#[tokio::test]
async fn wycheproofs_ed25519_keys_are_all_taken() {
    let Some(file) = vectors("wycheproof/ed25519_test.json") else {
        return;
    };
    let mut court = Court::sit().await;
    let mut keys = vec![court.key.jwk()];
    let mut seen = BTreeSet::new();
    for group in list(&file, "testGroups") {
        let x = group["publicKeyJwk"]["x"].as_str().unwrap();
        if seen.insert(x) {
            keys.push(json!({ "kty": "OKP", "crv": "Ed25519", "kid": x, "x": x }));
        }
    }
    let count = keys.len();
    assert!(count > 50, "{count}");
    court.publish(Reply::json(&json!({ "keys": keys }))).await;
    assert_eq!(court.app.metric("rownd_authz_keys", &[]), count as f64);
    court.adjourns().await;
}
