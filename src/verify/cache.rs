//! Verified claims by the SHA-256 of the whole token. Never verdicts: policy, time and key are
//! judged on each hit. One cache belongs to one configuration, so no entry outlives a reload.

use std::{mem, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::{Weighter, sync::Cache};

use super::{claims::Lifetime, jwks::Key};
use crate::model::Identity;

/// SHA-256 of a whole token.
pub(super) type Fingerprint = [u8; 32];

/// The fingerprint of a token.
pub(super) fn fingerprint(token: &[u8]) -> Fingerprint {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest(&SHA256, token).as_ref());
    fingerprint
}

/// What is known of a genuine token.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) identity: Arc<Identity>,
    pub(super) lifetime: Lifetime,
    /// The index of the issuer.
    pub(super) issuer: usize,
    /// The key that verified it: an entry dies with it.
    pub(super) key: Arc<Key>,
}

/// The table's own share and the reference counts; the names of the identity headers, their
/// list, and what surrounds them when they are encoded.
const OVERHEAD: usize = 3 * 64 + 1_200;

/// Bytes an entry takes, about.
#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Fingerprint, Arc<Verified>> for Weight {
    fn weight(&self, _: &Fingerprint, entry: &Arc<Verified>) -> u64 {
        let identity = &entry.identity;
        let texts =
            [&identity.app_id, &identity.app_variant, &identity.session_id, &identity.token_id];
        let lists = identity.roles.iter().chain(&identity.groups);
        let heap = identity.user_id.len()
            + texts.into_iter().flatten().map(String::len).sum::<usize>()
            + lists.map(|text| text.len() + mem::size_of::<String>()).sum::<usize>();
        let fixed = mem::size_of::<Verified>() + mem::size_of::<Identity>() + OVERHEAD;
        // Each text stands in the identity, in its header, and encoded for the door twice.
        (fixed + 4 * heap) as u64
    }
}

/// The cache, bounded in bytes.
#[derive(Debug)]
pub(super) struct ClaimsCache {
    entries: Option<Cache<Fingerprint, Arc<Verified>, Weight>>,
}

/// What a small entry weighs: the estimate of how many there will be.
const TYPICAL_ENTRY: u64 = 2_400;

impl ClaimsCache {
    pub(super) fn new(bytes: u64) -> Self {
        let items = usize::try_from(bytes / TYPICAL_ENTRY).unwrap_or(usize::MAX);
        Self { entries: (bytes > 0).then(|| Cache::with_weighter(items, bytes, Weight)) }
    }

    pub(super) fn get(&self, fingerprint: &Fingerprint) -> Option<Arc<Verified>> {
        self.entries.as_ref()?.get(fingerprint)
    }

    pub(super) fn insert(&self, fingerprint: Fingerprint, verified: Verified) {
        if let Some(entries) = &self.entries {
            entries.insert(fingerprint, Arc::new(verified));
        }
    }
}
