//! The algorithm is the key's, never the header's (RFC 8725 sections 3.1, 3.2 and 3.5).

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::Court;
use crate::it::support::{Key, Reply, forge::b64};

/// Anything that makes a signature.
type Sign<'a> = dyn Fn(&[u8]) -> Vec<u8> + 'a;

/// Header and claims, signed by anything.
fn assemble(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", b64(signature))
}

#[tokio::test]
async fn none_is_no_algorithm_in_any_spelling() {
    let court = Court::sit().await;
    let claims = court.claims().json();
    for alg in ["none", "None", "NONE", "nOnE", "none ", " none", "", "null", "nоne"] {
        let header = json!({ "alg": alg, "kid": court.key.kid });
        let unsigned = assemble(&header, &claims, |_| Vec::new());
        court.refuses(&format!("{alg:?} unsigned"), &unsigned, DenyReason::TokenMalformed).await;
        // Without its last dot, with a signature of another token, with one made of nothing.
        let bare = unsigned.trim_end_matches('.');
        court.refuses(&format!("{alg:?} bare"), bare, DenyReason::TokenMalformed).await;
        let signed = court.key.sign(header.to_string(), claims.to_string());
        court.refuses(&format!("{alg:?} signed"), &signed, DenyReason::AlgorithmRefused).await;
        let zero = assemble(&header, &claims, |_| vec![0; 64]);
        court.refuses(&format!("{alg:?} zero"), &zero, DenyReason::AlgorithmRefused).await;
    }
    court.adjourns().await;
}

#[tokio::test]
async fn a_header_without_an_algorithm_or_with_an_odd_one_is_refused() {
    let court = Court::sit().await;
    let claims = court.claims();
    let kid = court.key.kid.clone();
    let malformed = [
        json!({ "kid": kid }),
        json!({ "alg": null, "kid": kid }),
        json!({ "alg": 5, "kid": kid }),
        json!({ "alg": ["EdDSA"], "kid": kid }),
        json!({ "alg": { "EdDSA": true }, "kid": kid }),
        json!({ "Alg": "EdDSA", "kid": kid }),
    ];
    let malformed = malformed.map(|header| (header, DenyReason::TokenMalformed));
    let others = [
        "eddsa", "EdDSA ", "EDDSA", "other", "Ed448", "dir", "HS256", "HS384", "HS512", "RS256",
        "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K",
    ];
    let others = others.map(|alg| {
        let header = json!({ "alg": alg, "kid": kid });
        (header, DenyReason::AlgorithmRefused)
    });
    for (header, reason) in malformed.into_iter().chain(others) {
        // The signature is good: only the header stands in the way.
        let token = court.key.token_under(&header, &claims);
        court.refuses(&header.to_string(), &token, reason).await;
    }
    court.adjourns().await;
}

/// Every text that a careless library takes for the key when it is asked to do HMAC.
fn public_encodings(key: &Key) -> Vec<Vec<u8>> {
    let raw = key.public();
    // SubjectPublicKeyInfo of Ed25519 (RFC 8410) is a fixed head and the 32 bytes.
    let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let der = [&head[..], &raw].concat();
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(&der));
    vec![
        raw.to_vec(),
        b64(raw).into_bytes(),
        STANDARD.encode(raw).into_bytes(),
        raw.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes(),
        STANDARD.encode(&der).into_bytes(),
        der,
        pem.clone().into_bytes(),
        format!("{pem}\n").into_bytes(),
        format!(" {pem}").into_bytes(),
        pem.replace('\n', "\r\n").into_bytes(),
        key.jwk().to_string().into_bytes(),
        json!({ "keys": [key.jwk()] }).to_string().into_bytes(),
        key.kid.clone().into_bytes(),
        Vec::new(),
    ]
}

#[tokio::test]
async fn no_public_key_serves_as_a_secret() {
    let court = Court::sit().await;
    let claims = court.claims().json();
    for (index, secret) in public_encodings(&court.key).into_iter().enumerate() {
        let families = [
            ("HS256", hmac::HMAC_SHA256),
            ("HS384", hmac::HMAC_SHA384),
            ("HS512", hmac::HMAC_SHA512),
        ];
        for (alg, algorithm) in families {
            let mac = |text: &[u8]| {
                hmac::sign(&hmac::Key::new(algorithm, &secret), text).as_ref().to_vec()
            };
            let what = format!("{alg} with encoding {index}");
            let header = json!({ "alg": alg, "kid": court.key.kid });
            let token = assemble(&header, &claims, mac);
            court.refuses(&what, &token, DenyReason::AlgorithmRefused).await;
            // The header tells the truth about the key, the signature is a MAC.
            let token = assemble(&court.key.header(), &claims, mac);
            court.refuses(&what, &token, DenyReason::SignatureInvalid).await;
        }
    }
    court.adjourns().await;
}

#[tokio::test]
async fn another_familys_key_in_the_set_verifies_nothing() {
    let court = Court::sit().await;
    let random = SystemRandom::new();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = ec.public_key().as_ref();
    let secret = b"a secret that somebody has published";
    let modulus = rsa.public_key().modulus().big_endian_without_leading_zero();
    let set = json!({ "keys": [
        court.key.jwk(),
        { "kty": "RSA", "kid": "rsa", "alg": "RS256", "use": "sig", "n": b64(modulus), "e": "AQAB" },
        {
            "kty": "EC", "kid": "ec", "alg": "ES256", "use": "sig", "crv": "P-256",
            "x": b64(&point[1..33]), "y": b64(&point[33..]),
        },
        { "kty": "oct", "kid": "oct", "alg": "HS256", "use": "sig", "k": b64(secret) },
    ]});
    court.publish(Reply::json(&set)).await;

    let claims = court.claims().json();
    let sign_rsa = |text: &[u8]| {
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature).unwrap();
        signature
    };
    let sign_ec = |text: &[u8]| ec.sign(&random, text).unwrap().as_ref().to_vec();
    let mac = |text: &[u8]| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text).as_ref().to_vec()
    };
    let rows: [(&str, &str, &Sign); 3] =
        [("rsa", "RS256", &sign_rsa), ("ec", "ES256", &sign_ec), ("oct", "HS256", &mac)];
    for (kid, alg, sign) in rows {
        let token = assemble(&json!({ "alg": alg, "kid": kid }), &claims, sign);
        court.refuses(alg, &token, DenyReason::AlgorithmRefused).await;
        // The right algorithm for the issuer, the wrong key: its name is none of ours.
        let token = assemble(&json!({ "alg": "EdDSA", "kid": kid }), &claims, sign);
        court.refuses(kid, &token, DenyReason::KidUnknown).await;
        // And without a name there is one key that fits, which did not sign.
        let token = assemble(&json!({ "alg": "EdDSA" }), &claims, sign);
        court.refuses(kid, &token, DenyReason::SignatureInvalid).await;
    }
    court.adjourns().await;
}
