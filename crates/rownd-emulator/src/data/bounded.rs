//! A map with a bound: its oldest entry is evicted for a new one.

use std::collections::{HashMap, VecDeque};

/// A map that holds at most so many entries. A new entry evicts the oldest one.
pub(crate) struct BoundedMap<V> {
    max_entries: usize,
    /// The keys, the oldest first.
    order: VecDeque<String>,
    entries: HashMap<String, V>,
}

impl<V> BoundedMap<V> {
    /// An empty map for at most `max_entries` entries.
    pub(crate) fn new(max_entries: usize) -> Self {
        Self { max_entries, order: VecDeque::new(), entries: HashMap::new() }
    }

    /// Adds an entry, or replaces the value of its key: `false` where the key was there.
    pub(crate) fn insert(&mut self, key: String, value: V) -> bool {
        if self.entries.insert(key.clone(), value).is_some() {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > self.max_entries
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        true
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.entries.get(key)
    }

    /// The value of a key, to change it.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    /// All entries.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &V)> {
        self.entries.iter()
    }

    /// All values, to change them.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.values_mut()
    }

    /// Removes an entry, if it is there.
    pub(crate) fn remove(&mut self, key: &str) {
        if self.entries.remove(key).is_some() {
            self.order.retain(|known| known != key);
        }
    }
}
