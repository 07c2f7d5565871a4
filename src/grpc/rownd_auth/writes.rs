//! Changes at an issuer: each runs to its end even if its caller leaves, is sent once, and leaves a
//! line in the log. A change with a request id is made once for this id.
//!
//! In: the method, what it is about, the request, and the work. Out: the answer of the work, or of
//! the call before it with the same id. The work belongs to a task of its own, so the drain waits
//! for it.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use prost::Message;
use tonic::{Code, Status};

use super::{
    call::ServiceCall,
    fault::{self, Fault},
    kept_writes::{WriteEnd, WriteKey},
};
use crate::{
    digest::sha256,
    single_flight::{Landed, Missed},
};

/// For how long the answer of a change with a request id is kept.
const KEEP: Duration = Duration::from_secs(600);
/// The most bytes of a request id.
const MAX_ID: usize = 128;
/// The most characters of a subject in the log.
const MAX_SUBJECT: usize = 200;

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
            if !writes.has_room(self.caller.name()) {
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
        let (keeper, caller) = (writes.clone(), line.caller.clone());
        let made = async move {
            let answer = work.await.map_err(Fault::status);
            line.write(answer.as_ref().err());
            answer.map(|message| Bytes::from(message.encode_to_vec()))
        };
        let work = async move {
            let answer = match &keeper.shared {
                Some(shared) if with_id => shared.once(key.bytes(), &request, KEEP, made).await,
                _ => made.await,
            };
            let is_kept = with_id && fault::is_final(&answer);
            let bytes = answer.as_ref().map_or(0, Bytes::len);
            let room = is_kept.then(|| keeper.take_room(&caller, bytes));
            let keep = if is_kept { KEEP } else { Duration::ZERO };
            Landed { answer: WriteEnd { request, answer, room }, keep, only_unheard: false }
        };
        let end = writes.flights.join(key, Box::pin(work), self.deadline).await;
        let end = end.map_err(|missed| self.missed(missed).status())?;
        if end.request != request {
            return Err(fault::used_for_another_request());
        }
        // It was encoded above, so it can be decoded.
        M::decode(end.answer?).map_err(|_| Fault::Internal.status())
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
        let reason = failed.map_or_else(String::new, fault::reason_of);
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
    use super::check_id;

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
