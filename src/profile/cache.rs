//! The cache of profiles: by user, bounded in bytes.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};
use tokio::time::Instant;

use super::source::ProfileKey;
use crate::model::{Group, Profile, heap};

/// An answer of Rownd.
#[derive(Debug, Clone)]
pub(super) enum FoundProfile {
    /// The profile.
    Found(Arc<Profile>),
    /// There is no such user.
    NotFound,
}

/// An answer, and when it was asked for.
#[derive(Debug, Clone)]
pub(super) struct CachedProfile {
    pub(super) answer: FoundProfile,
    /// The time of the request: an answer may be as old as its request.
    pub(super) asked: Instant,
}

/// The table's own share of an entry, in bytes: its slots, the hash map, and the hashes of evicted
/// entries.
const TABLE_SHARE: usize = 160;
/// The two reference counts in front of a profile.
const COUNTS: usize = 2 * size_of::<usize>();
/// Bytes of a small profile: decides for how many entries the table is laid out.
const TYPICAL_ENTRY: u64 = 4_000;

/// Estimates the bytes that an entry takes.
#[derive(Debug, Clone)]
struct Weight;

impl Weighter<ProfileKey, CachedProfile> for Weight {
    fn weight(&self, key: &ProfileKey, entry: &CachedProfile) -> u64 {
        let slot = size_of::<ProfileKey>() + size_of::<CachedProfile>() + TABLE_SHARE;
        let keys = heap::of_text(&key.app) + heap::of_text(&key.user);
        let profile = match &entry.answer {
            FoundProfile::NotFound => 0,
            FoundProfile::Found(profile) => {
                heap::block(COUNTS + size_of::<Profile>()) + behind(profile)
            }
        };
        (slot + keys + profile) as u64
    }
}

/// The bytes that a profile points to. Every field is named, so that a new one does not compile
/// before it is weighed.
fn behind(profile: &Profile) -> usize {
    let Profile {
        user_id,
        state,
        auth_level: _,
        data,
        verified_data,
        attributes,
        groups,
        meta,
        tokens_valid_since: _,
        odd: _,
    } = profile;
    let texts = [user_id, state].into_iter().flatten().map(heap::of_text).sum::<usize>();
    let maps = [data, verified_data, attributes, meta].map(heap::of_object).iter().sum::<usize>();
    let list = heap::block(groups.capacity() * size_of::<Group>());
    texts + maps + list + groups.iter().map(behind_group).sum::<usize>()
}

fn behind_group(Group { id, name, roles, member_state }: &Group) -> usize {
    let texts = [Some(id), name.as_ref(), member_state.as_ref()];
    texts.into_iter().flatten().map(heap::of_text).sum::<usize>() + heap::of_texts(roles)
}

/// The profiles that are kept, bounded by their estimated bytes.
#[derive(Debug)]
pub(super) struct ProfileCache {
    entries: Cache<ProfileKey, CachedProfile, Weight>,
}

impl ProfileCache {
    pub(super) fn new(bytes: u64) -> Self {
        let items = usize::try_from(bytes / TYPICAL_ENTRY).unwrap_or(usize::MAX);
        Self { entries: Cache::with_weighter(items, bytes, Weight) }
    }

    pub(super) fn get(&self, key: &ProfileKey) -> Option<CachedProfile> {
        self.entries.get(key)
    }

    pub(super) fn insert(&self, key: ProfileKey, entry: CachedProfile) {
        self.entries.insert(key, entry);
    }

    /// Removes one entry.
    pub(super) fn remove(&self, key: &ProfileKey) {
        self.entries.remove(key);
    }

    /// Removes each entry that `meant` is true of. The number of removed entries.
    pub(super) fn forget(&self, meant: impl Fn(&ProfileKey) -> bool) -> usize {
        let before = self.entries.len();
        self.entries.retain(|key, _| !meant(key));
        before.saturating_sub(self.entries.len())
    }

    /// Removes each entry that `meant` is true of.
    pub(super) fn forget_where(&self, meant: impl Fn(&ProfileKey, &CachedProfile) -> bool) {
        self.entries.retain(|key, entry| !meant(key, entry));
    }

    /// Bytes in use, by the same estimate that bounds them.
    pub(super) fn bytes(&self) -> u64 {
        self.entries.weight()
    }
}
