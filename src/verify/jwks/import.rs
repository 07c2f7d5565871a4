//! One JWK (RFC 7517) to a key that is parsed, bound to its algorithm, and fit to be trusted.
//!
//! The library that verifies takes what it is given (another `use`, a foreign `alg`, a point
//! of small order), so everything is looked at here.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::value::RawValue;

use super::{Key, KeyRefusal, rsa};
use crate::{
    config::SigningAlgorithm,
    verify::json::{Json, Object},
};

/// Reads one member of the document's `keys`.
pub(super) fn jwk(key: &RawValue, algorithms: &[SigningAlgorithm]) -> Result<Key, KeyRefusal> {
    let Ok(Json::Object(key)) = serde_json::from_str(key.get()) else {
        return Err(KeyRefusal::NotStrict);
    };
    let key = &key;
    if ["d", "k", "p", "q"].iter().any(|name| key.contains(name))
        || text(key, "kty")? == Some("oct")
    {
        return Err(KeyRefusal::Secret);
    }
    if !matches!(text(key, "use")?, None | Some("sig")) {
        return Err(KeyRefusal::Use);
    }
    match key.get("key_ops") {
        None => {}
        Some(Json::List(uses)) if uses.iter().any(|word| word.text() == Some("verify")) => {}
        Some(_) => return Err(KeyRefusal::KeyOps),
    }
    let algorithm = match (text(key, "kty")?, text(key, "crv")?) {
        (Some("OKP"), Some("Ed25519")) => SigningAlgorithm::EdDSA,
        (Some("EC"), Some("P-256")) => SigningAlgorithm::ES256,
        (Some("RSA"), None) => SigningAlgorithm::RS256,
        _ => return Err(KeyRefusal::OtherType),
    };
    if !algorithms.contains(&algorithm) {
        return Err(KeyRefusal::OtherType);
    }
    let public = match algorithm {
        SigningAlgorithm::EdDSA => ed25519(key),
        SigningAlgorithm::ES256 => p256(key),
        SigningAlgorithm::RS256 => rsa(key),
    }?;
    let kid = text(key, "kid")?.map(str::to_owned);
    Ok(Key { kid, algorithm, nameless: false, public })
}

fn ed25519(key: &Object<'_>) -> Result<ParsedPublicKey, KeyRefusal> {
    names(key, &["EdDSA", "Ed25519"])?;
    let point: [u8; 32] = octets(key, "x")?;
    ed25519_point(point)
}

/// A point that only its owner can sign for.
pub(super) fn ed25519_point(point: [u8; 32]) -> Result<ParsedPublicKey, KeyRefusal> {
    if !sound_point(point) {
        return Err(KeyRefusal::WeakPoint);
    }
    ParsedPublicKey::new(&ED25519, point).map_err(|_| KeyRefusal::Malformed)
}

/// RFC 7518 section 6.2.1: both coordinates in full length, and the point on the curve.
fn p256(key: &Object<'_>) -> Result<ParsedPublicKey, KeyRefusal> {
    names(key, &["ES256"])?;
    let (x, y): ([u8; 32], [u8; 32]) = (octets(key, "x")?, octets(key, "y")?);
    p256_point(&[&[4], &x[..], &y[..]].concat())
}

/// A point in its uncompressed form (SEC 1 section 2.3.3).
pub(super) fn p256_point(point: &[u8]) -> Result<ParsedPublicKey, KeyRefusal> {
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| KeyRefusal::Malformed)
}

fn rsa(key: &Object<'_>) -> Result<ParsedPublicKey, KeyRefusal> {
    names(key, &["RS256"])?;
    rsa_components(&bytes(key, "n")?, &bytes(key, "e")?)
}

/// Modulus and exponent, big-endian.
pub(super) fn rsa_components(n: &[u8], e: &[u8]) -> Result<ParsedPublicKey, KeyRefusal> {
    if !rsa::is_sound(n, e) {
        return Err(KeyRefusal::WeakRsa);
    }
    RsaPublicKeyComponents { n, e }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .map_err(|_| KeyRefusal::Malformed)
}

/// `alg` is absent, or one of these.
fn names(key: &Object<'_>, algorithms: &[&str]) -> Result<(), KeyRefusal> {
    let good = text(key, "alg")?.is_none_or(|name| algorithms.contains(&name));
    if good { Ok(()) } else { Err(KeyRefusal::Algorithm) }
}

/// Absent, or text; another JSON type is refused.
fn text<'a>(key: &'a Object<'_>, name: &str) -> Result<Option<&'a str>, KeyRefusal> {
    match key.get(name) {
        None => Ok(None),
        Some(value) => value.text().map(Some).ok_or(KeyRefusal::WrongType),
    }
}

fn bytes(key: &Object<'_>, name: &str) -> Result<Vec<u8>, KeyRefusal> {
    let text = text(key, name)?.ok_or(KeyRefusal::Malformed)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyRefusal::Malformed)
}

fn octets(key: &Object<'_>, name: &str) -> Result<[u8; 32], KeyRefusal> {
    bytes(key, name)?.try_into().map_err(|_| KeyRefusal::Malformed)
}

/// The y coordinates of the points of order 1, 2, 4 and 8 (little-endian). Under such a key
/// anybody can make signatures that verify.
const SMALL_ORDER: [[u8; 32]; 5] = {
    let mut points = [[0; 32]; 5];
    points[1][0] = 1;
    points[2] = P;
    points[2][0] -= 1;
    points[3] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ];
    points[4] = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ];
    points
};

/// The field's prime, 2^255 - 19, little-endian.
const P: [u8; 32] = {
    let mut p = [0xff; 32];
    p[0] = 0xed;
    p[31] = 0x7f;
    p
};

/// Neither of small order nor a second spelling of another point (RFC 8032 section 5.1.3).
fn sound_point(mut y: [u8; 32]) -> bool {
    if let Some(last) = y.last_mut() {
        *last &= 0x7f;
    }
    let canonical = y.iter().rev().lt(P.iter().rev());
    canonical && !SMALL_ORDER.contains(&y)
}
