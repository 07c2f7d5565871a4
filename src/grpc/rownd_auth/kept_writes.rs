//! The changes under way at issuers, and the answers that are kept for calls with the same request id.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use bytes::Bytes;
use tonic::Status;

use crate::{
    digest::{Sha256, sha256_of_parts},
    single_flight::{FlightBounds, FlightRunner, InMemory, SingleFlight},
};

/// The most answers that are kept.
const MAX_KEPT: usize = 8192;

/// Without a bound on callers: each is an RPC, and those are bounded. Without `drop_after`: a change
/// that was asked for is made even if its caller has left.
const BOUNDS: FlightBounds = FlightBounds {
    waiting: usize::MAX,
    queued: 1024,
    running: 1024,
    kept: MAX_KEPT,
    drop_after: None,
};

/// Names a change: by its caller, method and request id, or as one that nobody else can join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WriteKey(Sha256);

impl WriteKey {
    /// Of a change with a request id.
    pub(super) fn of_id(caller: &str, method: &str, id: &str) -> Self {
        let length = |part: &str| (part.len() as u64).to_be_bytes();
        let mut parts = vec![b"id".to_vec()];
        for part in [caller, method, id] {
            parts.extend([length(part).to_vec(), part.as_bytes().to_vec()]);
        }
        Self(sha256_of_parts(parts))
    }

    /// Of a change without one, by its number.
    pub(super) fn of_number(number: u64) -> Self {
        Self(sha256_of_parts([b"number".as_slice(), &number.to_be_bytes()]))
    }
}

/// The end of a change, and the request that it is the answer to.
#[derive(Debug, Clone)]
pub struct WriteEnd {
    pub(super) request: Sha256,
    pub(super) answer: Result<Arc<KeptAnswer>, Status>,
}

/// An encoded answer, counted as long as it is kept.
#[derive(Debug)]
pub(super) struct KeptAnswer {
    pub(super) encoded: Bytes,
    kept: Arc<AtomicUsize>,
}

impl KeptAnswer {
    /// Counted among the bytes that are kept.
    pub(super) fn new(encoded: Bytes, kept: Arc<AtomicUsize>) -> Self {
        kept.fetch_add(encoded.len(), Ordering::Relaxed);
        Self { encoded, kept }
    }
}

impl Drop for KeptAnswer {
    fn drop(&mut self) {
        self.kept.fetch_sub(self.encoded.len(), Ordering::Relaxed);
    }
}

/// The changes under way, and the answers of those with a request id.
#[derive(Debug)]
pub struct Writes {
    pub(super) flights: Arc<dyn SingleFlight<WriteKey, WriteEnd>>,
    pub(super) kept_bytes: Arc<AtomicUsize>,
    /// The number of the next change without a request id.
    pub(super) next: AtomicU64,
}

/// Makes the changes. To be run for as long as there are callers.
pub type WriteRunner = FlightRunner<WriteKey, WriteEnd>;

/// No changes yet, and the task that makes them.
#[must_use]
pub fn writes() -> (Arc<Writes>, WriteRunner) {
    let (flights, runner) = InMemory::new(BOUNDS, |_, _| ());
    let writes = Writes { flights, kept_bytes: Arc::default(), next: AtomicU64::new(0) };
    (Arc::new(writes), runner)
}

#[cfg(test)]
mod tests {
    use super::WriteKey;

    #[test]
    fn a_key_has_one_caller_method_and_id() {
        let key = WriteKey::of_id("a", "CreateUser", "1");
        assert_eq!(key, WriteKey::of_id("a", "CreateUser", "1"));
        for (caller, method, id) in
            [("b", "CreateUser", "1"), ("a", "CreateGroup", "1"), ("", "aCreateUser", "1")]
        {
            assert_ne!(key, WriteKey::of_id(caller, method, id), "{caller} {method} {id}");
        }
        assert_ne!(WriteKey::of_number(0), WriteKey::of_number(1));
    }
}
