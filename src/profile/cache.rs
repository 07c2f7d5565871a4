//! The cache of profiles: by user, bounded in bytes.

use std::{mem, sync::Arc};

use quick_cache::{Weighter, sync::Cache};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::source::ProfileKey;
use crate::model::{Group, Profile};

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

/// Bytes of the table and of the reference counts, for each entry.
const OVERHEAD: usize = 256;
/// Bytes of a map's node, beside the name and the value themselves.
const NODE: usize = 64;
/// Bytes of a small profile: decides for how many entries the table is laid out.
const TYPICAL_ENTRY: u64 = 4_000;

/// Estimates the bytes that an entry takes.
#[derive(Debug, Clone)]
struct Weight;

impl Weighter<ProfileKey, CachedProfile> for Weight {
    fn weight(&self, key: &ProfileKey, entry: &CachedProfile) -> u64 {
        let keys = mem::size_of::<ProfileKey>() + key.app.len() + key.user.len();
        let profile = match &entry.answer {
            FoundProfile::NotFound => 0,
            FoundProfile::Found(profile) => {
                let maps =
                    [&profile.data, &profile.verified_data, &profile.attributes, &profile.meta];
                let group = |group: &Group| {
                    let texts = [Some(&group.id), group.name.as_ref(), group.member_state.as_ref()];
                    let texts = texts.into_iter().flatten().chain(&group.roles);
                    mem::size_of_val(group) + texts.map(|text| NODE + text.len()).sum::<usize>()
                };
                mem::size_of_val(profile.as_ref())
                    + maps.into_iter().map(members).sum::<usize>()
                    + profile.groups.iter().map(group).sum::<usize>()
            }
        };
        (keys + profile + mem::size_of::<CachedProfile>() + OVERHEAD) as u64
    }
}

/// Bytes on the heap that a map owns. A short text can hold very many empty lists.
fn members(map: &Map<String, Value>) -> usize {
    let member = |(name, value): (&String, &Value)| NODE + name.len() + heap(value);
    map.iter().map(member).sum()
}

/// Bytes of a value and of all that it owns. The parser bounds the depth.
fn heap(value: &Value) -> usize {
    mem::size_of::<Value>()
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(heap).sum(),
            Value::Object(map) => members(map),
        }
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

    /// Removes each entry that `meant` is true of. The number of removed entries.
    pub(super) fn forget(&self, meant: impl Fn(&ProfileKey) -> bool) -> usize {
        let before = self.entries.len();
        self.entries.retain(|key, _| !meant(key));
        before.saturating_sub(self.entries.len())
    }

    /// Bytes in use, by the same estimate that bounds them.
    pub(super) fn bytes(&self) -> u64 {
        self.entries.weight()
    }
}
