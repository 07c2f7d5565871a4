//! State that several replicas have in common: values with an end, counters, and one set that every
//! replica has a copy of.
//!
//! In: keys and values of other rooms. Out: the answer of the store, in bounded time, or why there
//! is none. The rooms know the store by [`SharedStore`] alone: [`MemoryStore`] holds the state of one
//! process, [`RedisStore`] that of all replicas. Both pass the same tests.
//!
//! A check never asks the store: what checks need, each replica has a copy of ([`SetRecord`]).

mod deployment;
mod error;
#[cfg(test)]
pub(crate) mod fakes;
mod health;
mod labels;
mod later;
mod marks;
mod memory;
mod redis;
mod set;
#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;

pub use self::redis::{RedisListener, RedisStore, RedisStream, random_name};
use crate::metrics::{LabelValues, Labels};
pub use deployment::{Deployment, Sealer};
pub use error::SharedError;
pub use health::{SharedHealth, SharedPage};
use labels::{SharedOperation, SharedResult};
pub use later::{LaterWork, LaterWrite, LaterWrites, later_writes};
pub use marks::{put_answer, while_marked};
pub use memory::MemoryStore;
pub use set::{Changes, Position, ReplicaPosition, SetRecord};

/// The answer of the store.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, SharedError>>;

/// A value that the store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The value.
    pub value: Vec<u8>,
    /// How long it is still kept.
    pub left: Duration,
}

/// A store that replicas share. Every answer comes in bounded time.
///
/// A value and its end are written together, so nothing is kept forever. The values are those of the
/// caller: a secret must be sealed first ([`Deployment`]).
pub trait SharedStore: fmt::Debug + Send + Sync {
    /// Writes the value for this long, unless the key has one, which is then returned.
    fn put_if_absent<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        keep: Duration,
    ) -> Reply<'a, Option<Held>>;

    /// The value of the key.
    fn get<'a>(&'a self, key: &'a str) -> Reply<'a, Option<Held>>;

    /// Writes the value for this long if the key has the `known` one; `false`: it has not.
    fn replace<'a>(
        &'a self,
        key: &'a str,
        known: &'a [u8],
        value: &'a [u8],
        keep: Duration,
    ) -> Reply<'a, bool>;

    /// Removes the key if it has the `known` value; `false`: it has not.
    fn remove<'a>(&'a self, key: &'a str, known: &'a [u8]) -> Reply<'a, bool>;

    /// Counts one more, and returns the count. It starts again this long after its first one.
    fn count<'a>(&'a self, key: &'a str, window: Duration) -> Reply<'a, u64>;

    /// Merges the records into the set ([`SetRecord`] says how), and tells every replica if
    /// something has changed. Returns the position that then has all of them.
    fn merge<'a>(&'a self, records: &'a [SetRecord]) -> Reply<'a, Position>;

    /// The records of the set that changed after this position, oldest change first, as many as
    /// fit one answer. Notes that the replica of this name has all up to the other position.
    fn changes<'a>(
        &'a self,
        from: &'a Position,
        has: &'a Position,
        replica: &'a str,
    ) -> Reply<'a, Changes>;

    /// Removes records that have ended. Returns their number.
    fn sweep(&self) -> Reply<'_, u64>;

    /// The replicas that asked for changes in the last minute.
    fn replicas(&self) -> Reply<'_, Vec<ReplicaPosition>>;

    /// Ends when the set may have changed since it was called last. It may also end for nothing, and
    /// may miss a change: who relies on changes asks again from time to time.
    fn changed(&self) -> BoxFuture<'_, ()>;
}

/// Adds the labels of this room.
pub fn add_labels(labels: &mut Labels) {
    labels.shared_operations = LabelValues::of::<SharedOperation>();
    labels.shared_results = LabelValues::of::<SharedResult>();
}
