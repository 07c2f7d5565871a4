//! The changes under way at issuers, and the answers that are kept for calls with the same request id.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
};

use bytes::Bytes;
use tonic::Status;

use super::{shared_writes::SharedWrites, sharing::Sharing};
use crate::{
    digest::{Sha256, sha256_of_parts},
    single_flight::{FlightBounds, FlightRunner, InMemory, SingleFlight},
};

/// The most bytes of the kept answers of one caller, and of all. A caller without room makes no change
/// with a request id, because its answer could not be kept; the callers beside it go on.
const CALLER_BYTES: usize = 16 << 20;
const ALL_BYTES: usize = 64 << 20;
/// The bytes that a kept answer counts beside its own.
const OVERHEAD: usize = 1 << 10;
/// The most answers that are kept: as many as there is room for, and those of the calls that were let
/// in before it was used up.
const MAX_KEPT: usize = ALL_BYTES / OVERHEAD + 65_536;

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
    /// The bytes of the key.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

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
    /// The encoded answer.
    pub(super) answer: Result<Bytes, Status>,
    /// Held as long as the answer is kept.
    #[expect(dead_code, reason = "it counts by being there")]
    pub(super) room: Option<Arc<KeptRoom>>,
}

/// The bytes of kept answers, by the name of their caller.
type Ledger = Arc<Mutex<HashMap<String, usize>>>;

/// The room of one kept answer, until it is dropped.
#[derive(Debug)]
pub(super) struct KeptRoom {
    ledger: Ledger,
    caller: String,
    bytes: usize,
}

impl Drop for KeptRoom {
    fn drop(&mut self) {
        let mut ledger = locked(&self.ledger);
        if let Some(bytes) = ledger.get_mut(&self.caller) {
            *bytes = bytes.saturating_sub(self.bytes);
            if *bytes == 0 {
                ledger.remove(&self.caller);
            }
        }
    }
}

fn locked(ledger: &Ledger) -> MutexGuard<'_, HashMap<String, usize>> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The changes under way, and the answers of those with a request id.
#[derive(Debug)]
pub struct Writes {
    pub(super) flights: Arc<dyn SingleFlight<WriteKey, WriteEnd>>,
    /// The changes of all replicas, where they share their state.
    pub(super) shared: Option<Arc<SharedWrites>>,
    /// The way of revocations to the other replicas.
    pub(super) sharing: Arc<Sharing>,
    ledger: Ledger,
    /// The number of the next change without a request id.
    pub(super) next: AtomicU64,
}

impl Writes {
    /// Whether an answer to this caller could be kept.
    pub(super) fn has_room(&self, caller: &str) -> bool {
        let ledger = locked(&self.ledger);
        let own = ledger.get(caller).copied().unwrap_or_default();
        own < CALLER_BYTES && ledger.values().sum::<usize>() < ALL_BYTES
    }

    /// Counts an answer of so many bytes to this caller, as long as the room is held.
    pub(super) fn take_room(&self, caller: &str, bytes: usize) -> Arc<KeptRoom> {
        let bytes = bytes.saturating_add(OVERHEAD);
        *locked(&self.ledger).entry(caller.to_owned()).or_default() += bytes;
        Arc::new(KeptRoom { ledger: self.ledger.clone(), caller: caller.to_owned(), bytes })
    }
}

/// Makes the changes. To be run for as long as there are callers.
pub type WriteRunner = FlightRunner<WriteKey, WriteEnd>;

/// No changes yet, and the task that makes them.
#[must_use]
pub fn writes(
    shared: Option<Arc<SharedWrites>>,
    sharing: Arc<Sharing>,
) -> (Arc<Writes>, WriteRunner) {
    let (flights, runner) = InMemory::new(BOUNDS, |_, _| ());
    let (ledger, next) = (Ledger::default(), AtomicU64::new(0));
    (Arc::new(Writes { flights, shared, sharing, ledger, next }), runner)
}

#[cfg(test)]
mod tests {
    use super::{ALL_BYTES, CALLER_BYTES, OVERHEAD, Sharing, WriteKey, locked, writes};
    use crate::metrics::{Labels, Metrics};

    /// A caller who has used up its room leaves the others theirs.
    #[test]
    fn a_caller_has_room_of_its_own() {
        let metrics = Metrics::build(&Labels::default()).unwrap();
        let (writes, _runner) = writes(None, Sharing::new(None, &metrics));
        let greedy: Vec<_> =
            (0..CALLER_BYTES / (1 << 20)).map(|_| writes.take_room("greedy", 1 << 20)).collect();
        assert!(!writes.has_room("greedy") && writes.has_room("other"));
        let small = writes.take_room("other", 0);
        assert_eq!(locked(&writes.ledger).get("other"), Some(&OVERHEAD));
        let many: Vec<_> =
            (0..3).map(|caller| writes.take_room(&format!("{caller}"), ALL_BYTES / 4)).collect();
        assert!(!writes.has_room("yet another"), "all together have a bound too");
        drop((greedy, many, small));
        assert!(writes.has_room("greedy"));
        assert!(locked(&writes.ledger).is_empty(), "nothing is left of a caller without answers");
    }

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
