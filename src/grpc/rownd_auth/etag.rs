//! Etags of things that an issuer keeps (AIP-154): weak ones, computed from what it says of them,
//! because Rownd has none.
//!
//! Between the read that compares the etag and the write another caller can change the thing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::fault::Fault;
use crate::digest::sha256;

/// The bytes of a digest that are in an etag.
const BYTES: usize = 16;

/// The etag of a thing (RFC 9110 section 8.8.3): equal for equal JSON, whatever the order of its
/// members.
pub(super) fn of_json(thing: &Value) -> String {
    // The members of an object are sorted by their names.
    let digest = sha256(thing.to_string().as_bytes());
    let head: Vec<u8> = digest.into_iter().take(BYTES).collect();
    format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(head))
}

/// Checks the etag of a request against the thing as it is now. An empty one is true of every thing.
///
/// # Errors
///
/// Fails where the thing has changed.
pub(super) fn check(asked: &str, now: &str) -> Result<(), Fault> {
    if asked.is_empty() || asked == now { Ok(()) } else { Err(Fault::EtagMismatch) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{check, of_json};

    #[test]
    fn an_etag_is_that_of_equal_json() {
        let etag = of_json(&json!({"a": 1, "b": [true]}));
        assert_eq!(etag, of_json(&json!({"b": [true], "a": 1})));
        assert!(etag.starts_with("W/\"") && etag.ends_with('"'), "{etag}");
        assert_ne!(etag, of_json(&json!({"a": 1, "b": [false]})));
        assert!(check("", &etag).is_ok() && check(&etag, &etag).is_ok());
        assert!(check("W/\"other\"", &etag).is_err() && check("*", &etag).is_err());
    }
}
