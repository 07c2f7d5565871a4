//! A key set document (RFC 7517) to usable keys. One bad key never spoils its set; each refusal
//! has a reason. No placeholder key exists: an unusable document yields no set at all.

use std::{collections::HashMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::token::Strict;

/// The most keys that are read of a document.
pub(super) const MAX_KEYS: usize = 100;

/// Why a key is not used. Shown on `/status`.
pub(super) type Refusal = &'static str;

/// A usable key: parsed once, bound to one algorithm.
pub(super) struct Key {
    pub(super) kid: Option<String>,
    pub(super) algorithm: Algorithm,
    material: Vec<u8>,
    decoding: DecodingKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl Key {
    /// The signature over `signed` is this key's.
    pub(super) fn verifies(&self, signed: &[u8], signature: &str) -> bool {
        matches!(
            jsonwebtoken::crypto::verify(signature, signed, &self.decoding, self.algorithm),
            Ok(true)
        )
    }

    fn same(&self, other: &Self) -> bool {
        self.kid == other.kid
            && self.algorithm == other.algorithm
            && self.material == other.material
    }
}

/// The usable keys of one document.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    keys: Vec<Arc<Key>>,
    pub(super) refused: Vec<Refusal>,
}

impl KeySet {
    /// Reads a document. Keys already in use are kept as they are, so that what they verified
    /// stays recognisable. The error says why the document holds no usable set.
    pub(super) fn parse(
        document: &[u8],
        algorithms: &[Algorithm],
        known: Option<&Self>,
    ) -> Result<Self, &'static str> {
        #[derive(Deserialize)]
        struct Document<'a> {
            #[serde(borrow)]
            keys: Vec<&'a RawValue>,
        }
        let document: Document<'_> =
            serde_json::from_slice(document).map_err(|_| "the document is no key set")?;
        if document.keys.len() > MAX_KEYS {
            return Err("the document holds too many keys");
        }
        let mut set = Self::default();
        for key in document.keys {
            match import(key, algorithms) {
                Ok(key) => set.keys.push(Arc::new(key)),
                Err(reason) => set.refused.push(reason),
            }
        }
        set.drop_ambiguous();
        if set.keys.is_empty() {
            return Err("the document holds no usable key");
        }
        if let Some(known) = known {
            for key in &mut set.keys {
                if let Some(same) = known.keys.iter().find(|old| old.same(key)) {
                    *key = same.clone();
                }
            }
        }
        Ok(set)
    }

    /// Of two keys with one name and algorithm that differ, neither is used.
    fn drop_ambiguous(&mut self) {
        let mut seen: HashMap<(Option<String>, &'static str), Arc<Key>> = HashMap::new();
        let mut ambiguous = Vec::new();
        let mut repeated = Vec::new();
        for (index, key) in self.keys.iter().enumerate() {
            let name = (key.kid.clone(), algorithm_name(key.algorithm));
            match seen.get(&name) {
                None => {
                    seen.insert(name, key.clone());
                }
                Some(first) if first.same(key) => repeated.push(index),
                Some(_) if key.kid.is_none() => {}
                Some(_) => ambiguous.push(name),
            }
        }
        let mut index = 0;
        let refused = &mut self.refused;
        self.keys.retain(|key| {
            let name = (key.kid.clone(), algorithm_name(key.algorithm));
            let twice = ambiguous.contains(&name);
            if twice {
                refused.push("two different keys have this kid");
            }
            let keep = !twice && !repeated.contains(&index);
            index += 1;
            keep
        });
    }

    /// The key of this name; without a name, the one key that there is.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&Arc<Key>> {
        let mut fitting = self.keys.iter().filter(|key| {
            key.algorithm == algorithm && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        });
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// This very key is in the set.
    pub(super) fn holds(&self, key: &Arc<Key>) -> bool {
        self.keys.iter().any(|known| Arc::ptr_eq(known, key))
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

/// The name of an algorithm in tokens and keys (RFC 7518, RFC 8037).
pub(super) const fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDSA => "EdDSA",
        _ => "other",
    }
}

fn import(key: &RawValue, algorithms: &[Algorithm]) -> Result<Key, Refusal> {
    let Ok(Strict(Value::Object(key))) = serde_json::from_str(key.get()) else {
        return Err("not an object of strict JSON");
    };
    let key = &key;
    if key.contains_key("d") || key.contains_key("k") || text(key, "kty")? == Some("oct") {
        return Err("a private or symmetric key");
    }
    if !matches!(text(key, "use")?, None | Some("sig")) {
        return Err("not a signature key (use)");
    }
    match key.get("key_ops") {
        None => {}
        Some(Value::Array(uses)) if uses.iter().any(|word| word == "verify") => {}
        Some(_) => return Err("not a verification key (key_ops)"),
    }
    let kid = text(key, "kid")?.map(str::to_owned);
    match (text(key, "kty")?, text(key, "crv")?) {
        (Some("OKP"), Some("Ed25519")) if algorithms.contains(&Algorithm::EdDSA) => {
            ed25519(key, kid)
        }
        _ => Err("not a key type this issuer signs with"),
    }
}

fn ed25519(key: &Map<String, Value>, kid: Option<String>) -> Result<Key, Refusal> {
    if !matches!(text(key, "alg")?, None | Some("EdDSA" | "Ed25519")) {
        return Err("alg does not fit the key type");
    }
    let x = text(key, "x")?.ok_or("no public key (x)")?;
    let point: [u8; 32] = URL_SAFE_NO_PAD
        .decode(x)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or("the public key (x) is not 32 bytes of base64url")?;
    if !sound_point(point) {
        return Err("a small-order or non-canonical point");
    }
    let decoding = DecodingKey::from_ed_components(x).map_err(|_| "not a usable public key")?;
    Ok(Key { kid, algorithm: Algorithm::EdDSA, material: point.to_vec(), decoding })
}

/// Absent, or text; another JSON type is refused.
fn text<'a>(key: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refusal> {
    match key.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err("a member has the wrong type"),
    }
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
