//! One piece of work for one key, however many callers ask for it at the same time.
//!
//! In: a key, the work that finds its answer, and a deadline. Out: the answer of the work that is
//! under way for this key, else of the work that was handed in. The work belongs to a task of its
//! own, so it goes on when its callers have left.
//!
//! Callers use the trait [`SingleFlight`]. [`InMemory`] is the implementation for one process; a
//! state that several processes share would be another one.

mod memory;
#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use tokio::time::Instant;

pub use memory::{FlightBounds, FlightRunner, InMemory};

/// The answer of a piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed<V> {
    /// The answer, which each caller gets a copy of.
    pub answer: V,
    /// For how long later callers get the same answer. Zero: only those who wait for it now.
    pub keep: Duration,
    /// Later callers get it only if nobody waits for it now: those who asked have left.
    pub only_unheard: bool,
}

/// Work that nobody has begun yet.
pub type Work<V> = BoxFuture<'static, Landed<V>>;

/// Why a caller got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Missed {
    /// The caller's deadline came first. The work goes on.
    #[error("no answer before the deadline")]
    Late,
    /// There is no room for another caller, or for more work.
    #[error("too many requests are waiting already")]
    Busy,
    /// The work panicked, which is a fault of this program.
    #[error("the work panicked")]
    Panicked,
    /// The task that does the work has ended: the process is shutting down.
    #[error("the process is shutting down")]
    Stopped,
}

/// Lets callers with the same key share one piece of work.
pub trait SingleFlight<K, V>: fmt::Debug + Send + Sync {
    /// The answer for this key: of the work that is under way or was done and is still kept, else
    /// of this `work`. Waits until `deadline` at the longest.
    ///
    /// # Errors
    ///
    /// [`Missed`], if there is no answer before the deadline, or never will be.
    fn join(&self, key: K, work: Work<V>, deadline: Instant) -> BoxFuture<'_, Result<V, Missed>>;

    /// Callers from now on get no answer of work that was handed in before now, for the keys that
    /// `meant` is true of. Callers that wait already still get theirs.
    fn forget(&self, meant: &dyn Fn(&K) -> bool);
}
