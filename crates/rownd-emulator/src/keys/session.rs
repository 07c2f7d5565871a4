//! The keys that sign the sessions of SuperTokens.

use serde_json::{Value, json};

use super::{rotation::KeyError, rsa::RsaRing};
use crate::data::{ids, time::unix_now};

/// The keys of SuperTokens: the dynamic ones rotate, the static one stays.
pub(crate) struct SessionKeys {
    pub(crate) dynamic: RsaRing,
    fixed: RsaRing,
}

impl SessionKeys {
    /// Makes the keys. The `kid` of a dynamic key is the millisecond of its making.
    pub(crate) fn new() -> Self {
        let now = unix_now().saturating_mul(1_000);
        Self {
            dynamic: RsaRing::new(|serial| format!("d-{serial}"), now),
            fixed: RsaRing::new(|_| format!("s-{}", ids::uuid_v4()), 0),
        }
    }

    /// The key set: the static key, then the dynamic ones, the newest first.
    pub(crate) fn key_set(&self) -> Result<Value, KeyError> {
        let all = [self.fixed.published()?, self.dynamic.published()?].concat();
        Ok(json!({ "keys": all }))
    }
}
