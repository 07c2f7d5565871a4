//! One `iss` of an issuer, with the keys that verify its tokens and no others.
//!
//! In: the parts. Out: the ring, found by its place. An issuer has one ring, or one for each of its
//! tenants.

use std::{collections::HashSet, sync::Arc};

use super::key_cache::KeyStore;
use crate::model::IssuerIndex;

/// One `iss` of an issuer and its keys. Two issuers that differ in the kind of token alone may use
/// one store.
#[derive(Debug, Clone)]
pub(super) struct KeyRing {
    /// The exact `iss` of its tokens.
    pub(super) iss: String,
    /// The tenant in the `iss`, where the issuer has tenants.
    pub(super) tenant: Option<Arc<str>>,
    pub(super) keys: Arc<KeyStore>,
}

/// The place of a ring: that of its issuer in the configuration, and its own among the issuer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RingIndex {
    pub(super) issuer: IssuerIndex,
    pub(super) place: usize,
}

/// Names one store of keys for as long as it is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyStoreId(usize);

impl KeyStoreId {
    /// The name of this store: its address, which no other store has while this one lives.
    pub(super) fn of(keys: &Arc<KeyStore>) -> Self {
        Self(Arc::as_ptr(keys).addr())
    }
}

/// The names of the stores of these rings, each once.
pub(super) fn store_ids<'a>(rings: impl Iterator<Item = &'a KeyRing>) -> HashSet<KeyStoreId> {
    rings.map(|ring| KeyStoreId::of(&ring.keys)).collect()
}
