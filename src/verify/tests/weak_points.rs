//! Points of Ed25519 under which anybody can sign, and second spellings of points: no key of ours.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde_json::json;

use super::jwks::{good, other, read, reasons};
use crate::verify::jwks::KeyRefusal;

fn bytes(hex: &str) -> [u8; 32] {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

/// The points of order 1, 2, 4 and 8, by the y coordinate.
const SMALL_ORDER: [&str; 5] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
];

#[test]
fn a_point_under_which_anybody_can_sign_is_refused() {
    // S = 0 and R = the identity: no private key has made this signature.
    let mut signature = [0; 64];
    signature[0] = 1;
    let signature = URL_SAFE_NO_PAD.encode(signature);
    for y in SMALL_ORDER {
        for sign in [0, 0x80] {
            let mut point = bytes(y);
            point[31] |= sign;
            let x = URL_SAFE_NO_PAD.encode(point);
            let set = read(&json!({"keys": [other(&json!({"x": x})), good()]})).unwrap();
            assert_eq!(reasons(&set), [KeyRefusal::WeakPoint], "{y} {sign}");
            // The library takes it, and a forged signature for one message in eight or more.
            let key = DecodingKey::from_ed_components(&x).unwrap();
            let forged = (0..200).filter(|message: &i32| {
                let message = message.to_string();
                let judged = jsonwebtoken::crypto::verify(
                    &signature,
                    message.as_bytes(),
                    &key,
                    jsonwebtoken::Algorithm::EdDSA,
                );
                matches!(judged, Ok(true))
            });
            // With x = 0 the sign bit is no valid encoding, and there is nothing to forge.
            let valid = sign == 0 || !(y.starts_with("01") || y.starts_with("ec"));
            assert_eq!(forged.count() > 0, valid, "{y} {sign}");
        }
    }
}

#[test]
fn a_second_spelling_of_a_point_is_refused() {
    // 2^255 - 19 + n for every n that fits, with both signs.
    for n in 0..19_u8 {
        let mut point = [0xff; 32];
        point[0] = 0xed + n;
        for last in [0x7f, 0xff] {
            point[31] = last;
            let x = URL_SAFE_NO_PAD.encode(point);
            let set = read(&json!({"keys": [other(&json!({"x": x})), good()]})).unwrap();
            assert_eq!(reasons(&set), [KeyRefusal::WeakPoint], "{n} {last}");
        }
    }
    // The largest canonical one is not refused for its size (it is no point at all, and so
    // verifies nothing).
    let mut point = [0xff; 32];
    (point[0], point[31]) = (0xeb, 0x7f);
    let x = URL_SAFE_NO_PAD.encode(point);
    assert_eq!(read(&json!({"keys": [other(&json!({"x": x})), good()]})).unwrap().refused.len(), 0);
}
