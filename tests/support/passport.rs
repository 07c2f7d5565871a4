//! Passports, seen by the service that gets one: a key to sign with, and what a signed one states.
//!
//! Comes in: the published key set and a passport. Goes out: its header and claims, whose signature
//! another library has verified.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;

use super::forge::unb64;

/// The path of the published keys.
pub(crate) const JWKS: &str = "/.well-known/jwks.json";

/// A fresh private key of P-256, PEM.
pub(crate) fn p256() -> String {
    fresh(&rcgen::PKCS_ECDSA_P256_SHA256)
}

/// A fresh private key of Ed25519, PEM.
pub(crate) fn ed25519() -> String {
    fresh(&rcgen::PKCS_ED25519)
}

fn fresh(algorithm: &'static rcgen::SignatureAlgorithm) -> String {
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    pem::encode(&pem::Pem::new("PRIVATE KEY", key.serialize_der()))
}

/// Header and claims of a passport, whose signature has to be that of a key of this set.
#[track_caller]
pub(crate) fn opened(set: &Value, passport: &str) -> (Value, Value) {
    let parts: Vec<&str> = passport.split('.').collect();
    assert_eq!(parts.len(), 3, "{passport}");
    let json = |part: &str| serde_json::from_slice::<Value>(&unb64(part)).unwrap();
    let (header, claims) = (json(parts[0]), json(parts[1]));
    let keys = set["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).expect("a published key");
    let number = |name: &str| unb64(key[name].as_str().unwrap());
    let point = [vec![4], number("x"), number("y")].concat();
    let signed = format!("{}.{}", parts[0], parts[1]);
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &unb64(parts[2]))
        .expect("a good signature");
    (header, claims)
}
