//! The store of one process: what Redis does for all replicas, in memory.
//!
//! In and out: see [`SharedStore`]. Bounded: a full store refuses.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{FutureExt as _, future::BoxFuture, future::ready};
use tokio::{sync::Notify, time::Instant};

use super::{Changes, Held, Position, ReplicaPosition, Reply, SetRecord, SharedError, SharedStore};
use crate::digest::Sha256;

/// The most values, and the most records of the set.
const MAX_VALUES: usize = 100_000;
/// The most changes of one answer.
const MAX_CHANGES: usize = 500;
/// A replica is forgotten when it has not asked for so long.
const FORGET_REPLICA: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Value {
    value: Vec<u8>,
    end: Instant,
}

/// A record with its end instead of the time that is left.
#[derive(Debug, Clone)]
struct Kept {
    record: SetRecord,
    end: Option<Instant>,
    change: u64,
}

#[derive(Debug)]
struct State {
    values: HashMap<String, Value>,
    counters: HashMap<String, (u64, Instant)>,
    records: HashMap<Sha256, Kept>,
    changes: BTreeMap<u64, Sha256>,
    change: u64,
    stamp: u64,
    replicas: HashMap<String, (Position, Instant)>,
}

/// A store in memory.
#[derive(Debug)]
pub struct MemoryStore {
    state: Mutex<State>,
    began: Instant,
    changed: Notify,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
impl MemoryStore {
    /// It loses all values, as a server that is restarted empty.
    pub(crate) fn lose_values(&self) {
        self.lock().values.clear();
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State {
                values: HashMap::new(),
                counters: HashMap::new(),
                records: HashMap::new(),
                changes: BTreeMap::new(),
                change: 0,
                stamp: 0,
                replicas: HashMap::new(),
            }),
            began: Instant::now(),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        state.values.retain(|_, value| value.end > now);
        state.counters.retain(|_, (_, end)| *end > now);
        state.replicas.retain(|_, (_, asked)| asked.elapsed() < FORGET_REPLICA);
        state
    }

    fn position(state: &State) -> Position {
        Position { generation: "memory".to_owned(), number: state.change }
    }
}

impl State {
    fn held(&self, key: &str) -> Option<Held> {
        let value = self.values.get(key)?;
        let left = value.end.saturating_duration_since(Instant::now());
        Some(Held { value: value.value.clone(), left })
    }

    fn put(&mut self, key: &str, value: &[u8], keep: Duration) -> Result<(), SharedError> {
        if self.values.len() >= MAX_VALUES && !self.values.contains_key(key) {
            return Err(full());
        }
        let end = Instant::now() + keep;
        self.values.insert(key.to_owned(), Value { value: value.to_vec(), end });
        Ok(())
    }

    fn has(&self, key: &str, known: &[u8]) -> bool {
        self.values.get(key).is_some_and(|value| value.value == known)
    }

    /// Merges one record; `true`: something has changed.
    fn merge(&mut self, new: &SetRecord) -> bool {
        let is_command = new.stamp == 0;
        self.stamp =
            if is_command { (self.stamp + 1).max(now_ms()) } else { self.stamp.max(new.stamp) };
        let new = SetRecord { stamp: if is_command { self.stamp } else { new.stamp }, ..*new };
        let known = self.records.get(&new.id).map(Kept::as_of_now);
        let (record, changed) =
            known.map_or((new, true), |known| SetRecord::merged(&known, &new, is_command));
        if !changed {
            return false;
        }
        let before = self.records.get(&new.id).map(|kept| kept.change);
        before.and_then(|change| self.changes.remove(&change));
        self.change += 1;
        self.changes.insert(self.change, new.id);
        let end = record.left.map(|left| Instant::now() + left);
        self.records.insert(new.id, Kept { record, end, change: self.change });
        true
    }
}

impl Kept {
    fn as_of_now(&self) -> SetRecord {
        let left = self.end.map(|end| end.saturating_duration_since(Instant::now()));
        SetRecord { left, ..self.record }
    }
}

impl SharedStore for MemoryStore {
    fn put_if_absent<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        keep: Duration,
    ) -> Reply<'a, Option<Held>> {
        let mut state = self.lock();
        let held = state.held(key);
        let outcome =
            if held.is_some() { Ok(held) } else { state.put(key, value, keep).map(|()| None) };
        ready(outcome).boxed()
    }

    fn get<'a>(&'a self, key: &'a str) -> Reply<'a, Option<Held>> {
        ready(Ok(self.lock().held(key))).boxed()
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        known: &'a [u8],
        value: &'a [u8],
        keep: Duration,
    ) -> Reply<'a, bool> {
        let mut state = self.lock();
        let has = state.has(key, known);
        let outcome = if has { state.put(key, value, keep).map(|()| true) } else { Ok(false) };
        ready(outcome).boxed()
    }

    fn remove<'a>(&'a self, key: &'a str, known: &'a [u8]) -> Reply<'a, bool> {
        let mut state = self.lock();
        let has = state.has(key, known);
        if has {
            state.values.remove(key);
        }
        ready(Ok(has)).boxed()
    }

    fn count<'a>(&'a self, key: &'a str, window: Duration) -> Reply<'a, u64> {
        let mut state = self.lock();
        if state.counters.len() >= MAX_VALUES && !state.counters.contains_key(key) {
            return ready(Err(full())).boxed();
        }
        let first = (0, Instant::now() + window);
        let (count, _) = state.counters.entry(key.to_owned()).or_insert(first);
        *count += 1;
        ready(Ok(*count)).boxed()
    }

    fn merge<'a>(&'a self, records: &'a [SetRecord]) -> Reply<'a, Position> {
        let mut state = self.lock();
        let new = records.iter().filter(|record| !state.records.contains_key(&record.id)).count();
        if state.records.len() + new > MAX_VALUES {
            return ready(Err(full())).boxed();
        }
        let changed = records.iter().filter(|record| state.merge(record)).count();
        let position = Self::position(&state);
        drop(state);
        if changed > 0 {
            self.changed.notify_waiters();
        }
        ready(Ok(position)).boxed()
    }

    fn changes<'a>(
        &'a self,
        from: &'a Position,
        has: &'a Position,
        replica: &'a str,
    ) -> Reply<'a, Changes> {
        let mut state = self.lock();
        state.replicas.insert(replica.to_owned(), (has.clone(), Instant::now()));
        let end = Self::position(&state);
        let restarted = from.generation != end.generation || from.number > end.number;
        let first = if restarted { 1 } else { from.number + 1 };
        let found: Vec<(u64, Sha256)> =
            state.changes.range(first..).take(MAX_CHANGES).map(|(at, id)| (*at, *id)).collect();
        let number = if found.len() < MAX_CHANGES {
            end.number
        } else {
            found.last().map_or(0, |(at, _)| *at)
        };
        let records = found.iter().filter_map(|(_, id)| state.records.get(id)).map(Kept::as_of_now);
        let changes = Changes {
            records: records.collect(),
            position: Position { number, ..end },
            restarted,
            age: self.began.elapsed(),
            writable: true,
        };
        ready(Ok(changes)).boxed()
    }

    fn sweep(&self) -> Reply<'_, u64> {
        let mut state = self.lock();
        let now = Instant::now();
        let State { records, changes, .. } = &mut *state;
        let ended = records.extract_if(|_, kept| kept.end.is_some_and(|end| end <= now));
        let mut count = 0;
        for (_, kept) in ended {
            changes.remove(&kept.change);
            count += 1;
        }
        ready(Ok(count)).boxed()
    }

    fn replicas(&self) -> Reply<'_, Vec<ReplicaPosition>> {
        let state = self.lock();
        let all = state.replicas.iter().map(|(replica, (position, asked))| ReplicaPosition {
            replica: replica.clone(),
            position: position.clone(),
            ago: asked.elapsed(),
        });
        ready(Ok(all.collect())).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        self.changed.notified().boxed()
    }
}

fn full() -> SharedError {
    SharedError::Full(format!("it has {MAX_VALUES} entries"))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}
