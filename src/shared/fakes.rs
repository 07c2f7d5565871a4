//! Stores with faults, for the tests of the rooms that use a store.

use std::time::Duration;

use futures_util::{FutureExt as _, future::BoxFuture, future::ready};

use super::{Changes, Held, Position, ReplicaPosition, Reply, SetRecord, SharedError, SharedStore};

/// A store that is gone.
#[derive(Debug)]
pub(crate) struct Gone {
    /// The value of every name, as the store told it before it was gone: the mark of another replica.
    pub(crate) mark: Option<&'static [u8]>,
}

fn gone<'a, T: Send + 'a>() -> Reply<'a, T> {
    ready(Err(SharedError::Late)).boxed()
}

impl SharedStore for Gone {
    fn put_if_absent<'a>(
        &'a self,
        _: &'a str,
        _: &'a [u8],
        left: Duration,
    ) -> Reply<'a, Option<Held>> {
        match self.mark {
            Some(mark) => ready(Ok(Some(Held { value: mark.to_vec(), left }))).boxed(),
            None => gone(),
        }
    }
    fn get<'a>(&'a self, _: &'a str) -> Reply<'a, Option<Held>> {
        gone()
    }
    fn replace<'a>(&'a self, _: &'a str, _: &'a [u8], _: &'a [u8], _: Duration) -> Reply<'a, bool> {
        gone()
    }
    fn remove<'a>(&'a self, _: &'a str, _: &'a [u8]) -> Reply<'a, bool> {
        gone()
    }
    fn count<'a>(&'a self, _: &'a str, _: Duration) -> Reply<'a, u64> {
        gone()
    }
    fn merge<'a>(&'a self, _: &'a [SetRecord]) -> Reply<'a, Position> {
        gone()
    }
    fn changes<'a>(&'a self, _: &'a Position, _: &'a Position, _: &'a str) -> Reply<'a, Changes> {
        gone()
    }
    fn sweep(&self) -> Reply<'_, u64> {
        gone()
    }
    fn replicas(&self) -> Reply<'_, Vec<ReplicaPosition>> {
        gone()
    }
    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}
