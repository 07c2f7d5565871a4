//! Profiles by user, bounded in bytes.

use std::{mem, sync::Arc};

use quick_cache::{Weighter, sync::Cache};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{Answer, Key};

/// What is known of a user.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) answer: Answer,
    /// When it was asked for: an answer may be as old as its question.
    pub(super) asked: Instant,
}

/// The table's own share and the reference counts.
const OVERHEAD: usize = 256;
/// A node of a map, beside the name and the value themselves.
const NODE: usize = 64;
/// What a small profile weighs: the estimate of how many there will be.
const TYPICAL_ENTRY: u64 = 4_000;

/// Bytes an entry takes, about.
#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Key, Arc<Entry>> for Weight {
    fn weight(&self, key: &Key, entry: &Arc<Entry>) -> u64 {
        let keys = mem::size_of::<Key>() + key.app.len() + key.user.len();
        let profile = match &entry.answer {
            Answer::NotFound => 0,
            Answer::Found(profile) => {
                let maps =
                    [&profile.data, &profile.verified_data, &profile.attributes, &profile.meta];
                let group = |group: &crate::model::Group| {
                    let texts = [Some(&group.id), group.name.as_ref(), group.member_state.as_ref()];
                    let texts = texts.into_iter().flatten().chain(&group.roles);
                    mem::size_of_val(group) + texts.map(|text| NODE + text.len()).sum::<usize>()
                };
                mem::size_of_val(profile.as_ref())
                    + maps.into_iter().map(members).sum::<usize>()
                    + profile.groups.iter().map(group).sum::<usize>()
            }
        };
        (keys + profile + mem::size_of::<Entry>() + OVERHEAD) as u64
    }
}

/// What hangs on a map. A short text can hold a great many empty lists.
fn members(map: &Map<String, Value>) -> usize {
    let member = |(name, value): (&String, &Value)| NODE + name.len() + heap(value);
    map.iter().map(member).sum()
}

/// What hangs on a value. The parser bounds the depth.
fn heap(value: &Value) -> usize {
    mem::size_of::<Value>()
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(heap).sum(),
            Value::Object(map) => members(map),
        }
}

/// The cache.
#[derive(Debug)]
pub(super) struct ProfileCache {
    entries: Cache<Key, Arc<Entry>, Weight>,
}

impl ProfileCache {
    pub(super) fn new(bytes: u64) -> Self {
        let items = usize::try_from(bytes / TYPICAL_ENTRY).unwrap_or(usize::MAX);
        Self { entries: Cache::with_weighter(items, bytes, Weight) }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    pub(super) fn insert(&self, key: Key, entry: Entry) {
        self.entries.insert(key, Arc::new(entry));
    }

    /// Forgets every entry that is meant, and tells how many.
    pub(super) fn forget(&self, meant: impl Fn(&Key) -> bool) -> usize {
        let before = self.entries.len();
        self.entries.retain(|key, _| !meant(key));
        before.saturating_sub(self.entries.len())
    }

    /// Bytes in use, by the same estimate that bounds them.
    pub(super) fn bytes(&self) -> u64 {
        self.entries.weight()
    }
}
