//! The text of a key set document to its keys, none of them read yet.
//!
//! In: the bytes of a key set (RFC 7517 section 5), or of one bare JWK. Out: the text of each key.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::KeySetError;
use crate::upstream::json_text;

/// The most keys that are read of a document.
pub(in crate::verify) const MAX_KEYS: usize = 100;

/// The members that tell a key set from one key.
#[derive(Deserialize)]
struct KeySetDocument<'a> {
    #[serde(borrow)]
    keys: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    kty: Option<&'a RawValue>,
}

/// The keys of a document. Some issuers publish one key as it is, without a set around it.
pub(super) fn keys(document: &[u8]) -> Result<Vec<&RawValue>, KeySetError> {
    let text = json_text(document).map_err(|_| KeySetError::NotUtf8)?;
    let set: KeySetDocument<'_> =
        serde_json::from_slice(text).map_err(|_| KeySetError::NotAKeySet)?;
    let keys = match (set.keys, set.kty) {
        (Some(keys), _) => keys,
        (None, Some(_)) => {
            let key = serde_json::from_slice(text).map_err(|_| KeySetError::NotAKeySet)?;
            vec![key]
        }
        (None, None) => return Err(KeySetError::NotAKeySet),
    };
    match keys.len() {
        0 => Err(KeySetError::Empty),
        1..=MAX_KEYS => Ok(keys),
        _ => Err(KeySetError::TooManyKeys),
    }
}
