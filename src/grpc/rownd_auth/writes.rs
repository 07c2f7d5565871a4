//! Changes at an issuer: each runs to its end even if its caller leaves, is sent once, and leaves a
//! line in the log. A change with a request id is made once for this id.
//!
//! In: the method, what it is about, the request, and the work. Out: the answer of the work, or of
//! the call before it with the same id. The work belongs to a task of its own, so the drain waits
//! for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use prost::Message;
use tonic::{Code, Status};

use super::{call::ServiceCall, fault::Fault};
use crate::{
    digest::{Sha256, sha256, sha256_of_parts},
    single_flight::{FlightBounds, FlightRunner, InMemory, Landed, Missed, SingleFlight},
};

/// For how long the answer of a change with a request id is kept.
const KEEP: Duration = Duration::from_secs(600);
/// The most answers that are kept, and the most bytes of all of them. Above the second no change
/// with a request id is made, because its answer could not be kept.
const MAX_KEPT: usize = 8192;
const MAX_KEPT_BYTES: usize = 32 << 20;
/// The most bytes of a request id.
const MAX_ID: usize = 128;
/// The most characters of a subject in the log.
const MAX_SUBJECT: usize = 200;

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

/// The end of a change, and the request that it is the answer to.
#[derive(Debug, Clone)]
pub struct WriteEnd {
    request: Sha256,
    answer: Result<Arc<KeptAnswer>, Status>,
}

/// An encoded answer, counted as long as it is kept.
#[derive(Debug)]
struct KeptAnswer {
    encoded: Bytes,
    kept: Arc<AtomicUsize>,
}

impl Drop for KeptAnswer {
    fn drop(&mut self) {
        self.kept.fetch_sub(self.encoded.len(), Ordering::Relaxed);
    }
}

/// The changes under way, and the answers of those with a request id.
#[derive(Debug)]
pub struct Writes {
    flights: Arc<dyn SingleFlight<WriteKey, WriteEnd>>,
    kept_bytes: Arc<AtomicUsize>,
    /// The number of the next change without a request id.
    next: AtomicU64,
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

/// A change that a caller asks for.
#[derive(Debug)]
pub(super) struct Write<'a, R> {
    /// The method.
    pub(super) method: &'static str,
    /// The thing that is changed, for the log: `user user_1`. Never content, a token or a link.
    pub(super) subject: String,
    /// The caller's id of this change; empty: it has none.
    pub(super) request_id: &'a str,
    /// The whole request.
    pub(super) request: &'a R,
}

impl ServiceCall {
    /// Makes a change: `work` runs in a task of its own, once for a request id.
    ///
    /// # Errors
    ///
    /// The status of the work; or that the request id is invalid, or was used for another request,
    /// or that there is no room.
    pub(super) async fn write<R, M, W>(&self, write: Write<'_, R>, work: W) -> Result<M, Status>
    where
        R: Message,
        M: Message + Default,
        W: Future<Output = Result<M, Fault>> + Send + 'static,
    {
        let writes = self.writes.clone();
        let request = sha256(&write.request.encode_to_vec());
        let with_id = !write.request_id.is_empty();
        let key = if with_id {
            check_id(write.request_id)?;
            if writes.kept_bytes.load(Ordering::Relaxed) >= MAX_KEPT_BYTES {
                return Err(Fault::Overloaded(self.retry_after()).status());
            }
            WriteKey::of_id(self.caller.name(), write.method, write.request_id)
        } else {
            WriteKey::of_number(writes.next.fetch_add(1, Ordering::Relaxed))
        };
        let line = AuditLine {
            caller: self.caller.name().to_owned(),
            method: write.method,
            subject: write.subject,
        };
        let kept = writes.kept_bytes.clone();
        let work = async move {
            let answer = work.await.map_err(Fault::status);
            line.write(answer.as_ref().err());
            let keep = with_id && is_final(&answer);
            let answer = answer.map(|message| {
                let encoded = Bytes::from(message.encode_to_vec());
                kept.fetch_add(encoded.len(), Ordering::Relaxed);
                Arc::new(KeptAnswer { encoded, kept })
            });
            let keep = if keep { KEEP } else { Duration::ZERO };
            Landed { answer: WriteEnd { request, answer }, keep, only_unheard: false }
        };
        let end = writes.flights.join(key, Box::pin(work), self.deadline).await;
        let end = end.map_err(|missed| self.missed(missed).status())?;
        if end.request != request {
            let why = "was used for another request in the last 10 minutes";
            return Err(Fault::field("request_id", why).status());
        }
        // It was encoded above, so it can be decoded.
        M::decode(end.answer?.encoded.clone()).map_err(|_| Fault::Internal.status())
    }

    /// The change has not ended before the caller's time, or never will.
    fn missed(&self, missed: Missed) -> Fault {
        match missed {
            Missed::Late => Fault::Late(self.retry_after()),
            Missed::Busy | Missed::Stopped => Fault::Overloaded(self.retry_after()),
            Missed::Panicked => Fault::Internal,
        }
    }
}

/// Whether a later call with the same request id gets this answer. A refusal has changed nothing, so
/// the call may be made again; of a change whose outcome is unknown it must not be.
fn is_final<M>(answer: &Result<M, Status>) -> bool {
    match answer {
        Ok(_) => true,
        Err(status) => super::fault::is_outcome_unknown(status),
    }
}

impl WriteKey {
    fn of_id(caller: &str, method: &str, id: &str) -> Self {
        let length = |part: &str| (part.len() as u64).to_be_bytes();
        let mut parts = vec![b"id".to_vec()];
        for part in [caller, method, id] {
            parts.extend([length(part).to_vec(), part.as_bytes().to_vec()]);
        }
        Self(sha256_of_parts(parts))
    }

    fn of_number(number: u64) -> Self {
        Self(sha256_of_parts([b"number".as_slice(), &number.to_be_bytes()]))
    }
}

fn check_id(id: &str) -> Result<(), Status> {
    if id.len() <= MAX_ID && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let why = format!("must have at most {MAX_ID} visible ASCII characters, such as a UUID");
    Err(Fault::field("request_id", why).status())
}

/// The line in the log about a change.
struct AuditLine {
    caller: String,
    method: &'static str,
    subject: String,
}

impl AuditLine {
    fn write(&self, failed: Option<&Status>) {
        let shown: String = self.subject.chars().take(MAX_SUBJECT).collect();
        let code = failed.map_or(Code::Ok, Status::code);
        let reason = failed.map_or_else(String::new, super::fault::reason_of);
        tracing::info!(
            target: "rownd_authz::audit",
            caller = self.caller,
            method = self.method,
            subject = %shown.escape_debug(),
            code = ?code,
            reason,
            "a change was asked for"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{WriteKey, check_id};

    #[test]
    fn a_key_has_one_caller_method_and_id() {
        let key = WriteKey::of_id("a", "CreateUser", "1");
        assert_eq!(key, WriteKey::of_id("a", "CreateUser", "1"));
        for (caller, method, id) in
            [("b", "CreateUser", "1"), ("a", "CreateGroup", "1"), ("aC", "reateUser", "1")]
        {
            assert_ne!(key, WriteKey::of_id(caller, method, id), "{caller} {method} {id}");
        }
        assert_ne!(WriteKey::of_number(0), WriteKey::of_number(1));
    }

    #[test]
    fn a_request_id_is_visible_ascii() {
        let long = "x".repeat(129);
        for (id, good) in [
            ("4f9c", true),
            ("0f8fad5b-d9cb-469f-a165-70867728950e", true),
            (&long[1..], true),
            (&long, false),
            ("a b", false),
            ("a\n", false),
            ("é", false),
        ] {
            assert_eq!(check_id(id).is_ok(), good, "{id:?}");
        }
    }
}
