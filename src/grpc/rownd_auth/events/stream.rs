//! The stream of one call: the events that its caller may have and wants.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt as _, stream};
use tokio::{
    task::yield_now,
    time::{Instant, timeout_at},
};
use tonic::Status;

use super::{ended, fault, too_slow, wire};
use crate::{
    authz::{Authorizer, Scope},
    config::Right,
    events::{Missed, Reader, StreamedEvent},
    grpc::{
        pb::rownd::auth::v1::StreamEventsResponse,
        rownd_auth::{call::ServiceCall, fault::Fault},
    },
    model::EventType,
};

/// A call without a time limit ends after this time.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The events that a call may have at once. The thread also answers checks, which have to have a turn
/// while a reader catches up.
const TURN: usize = 16;

/// The set of the types of these words; without any, all.
///
/// # Errors
///
/// Fails for a word that is no type.
pub(super) fn wanted_types(words: &[String]) -> Result<u32, Fault> {
    if words.is_empty() {
        return Ok(u32::MAX);
    }
    words.iter().enumerate().try_fold(0, |set, (index, word)| {
        let known = EventType::ALL.iter().find(|kind| kind.word() == word);
        known.map(|kind| set | kind.bit()).ok_or_else(|| {
            let why = format!("number {} is no type of events; see docs/events.md", index + 1);
            Fault::field("types", why)
        })
    })
}

/// The events for one call.
pub(super) struct EventStream {
    pub(super) reader: Reader,
    pub(super) call: Arc<ServiceCall>,
    pub(super) authorizer: Arc<Authorizer>,
    pub(super) types: u32,
}

/// A stream and the events that were read for it.
struct Open {
    stream: EventStream,
    read: VecDeque<StreamedEvent>,
    end: Instant,
    over: bool,
}

impl EventStream {
    /// The events, until the time of the caller is over. One at a time: a caller that does not read
    /// has the next event in no buffer of its own.
    pub(super) fn until(
        self,
        timeout: Option<Duration>,
    ) -> impl Stream<Item = Result<StreamEventsResponse, Status>> + Send {
        let end = Instant::now() + timeout.unwrap_or(LONGEST).min(LONGEST);
        let open = Open { stream: self, read: VecDeque::new(), end, over: false };
        in_turns(stream::unfold(open, async |mut open| {
            if open.over {
                return None;
            }
            let next = open.next().await.map_err(Status::from);
            open.over = next.is_err();
            Some((next, open))
        }))
    }

    /// The caller may have this event, and wants it.
    fn is_for_caller(&self, event: &StreamedEvent) -> bool {
        if self.types & event.kind().bit() == 0 {
            return false;
        }
        let rights = [Right::ReadEvents];
        match event.issuer() {
            Some(issuer) => {
                let scope = Scope { issuer, app: event.app_id() };
                self.call.caller.may_for(&rights, scope).is_ok()
            }
            None => self.call.caller.is_unbounded(&rights),
        }
    }
}

impl Open {
    async fn next(&mut self) -> Result<StreamEventsResponse, Fault> {
        loop {
            if let Some(event) = self.read.pop_front() {
                if self.stream.is_for_caller(&event) {
                    return wire::response(&event);
                }
                continue;
            }
            let read = timeout_at(self.end, self.stream.reader.next()).await;
            let read = read.map_err(|_elapsed| Fault::Hurried)?;
            // The rights of the caller are those of the configuration that the call began with.
            if !Arc::ptr_eq(&self.stream.authorizer.service(), &self.stream.call.service) {
                return Err(ended());
            }
            self.read = read
                .map_err(|missed| match missed {
                    Missed::Gone => too_slow(),
                    other => fault(&self.stream.call, other),
                })?
                .into();
        }
    }
}

/// The same items, with a turn of the other tasks of the thread after every [`TURN`] of them.
fn in_turns<T>(items: impl Stream<Item = T> + Send) -> impl Stream<Item = T> + Send
where
    T: Send,
{
    items.enumerate().then(async |(number, item)| {
        if number % TURN == TURN - 1 {
            yield_now().await;
        }
        item
    })
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::{FutureExt as _, StreamExt as _, stream};

    use super::{TURN, in_turns, wanted_types};
    use crate::model::EventType;

    #[tokio::test]
    async fn a_reader_that_catches_up_gives_way_to_other_tasks() {
        let mut items = pin!(in_turns(stream::iter(0..4 * TURN)));
        let (mut all, mut pauses) = (Vec::new(), 0);
        loop {
            match items.next().now_or_never() {
                Some(Some(item)) => all.push(item),
                Some(None) => break,
                None => {
                    pauses += 1;
                    assert_eq!(all.len(), pauses * TURN - 1, "a pause after each turn");
                }
            }
        }
        assert_eq!((all, pauses), ((0..4 * TURN).collect(), 4));
    }

    #[test]
    fn types_are_words_of_the_configuration() {
        let types = |words: &[&str]| {
            wanted_types(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).ok()
        };
        assert_eq!(types(&[]), Some(u32::MAX));
        let two = EventType::UserDeleted.bit() | EventType::CheckDenied.bit();
        assert_eq!(types(&["user.deleted", "check.denied", "user.deleted"]), Some(two));
        for unknown in ["", "user", "io.rownd.auth.v1.user.deleted", "User.Deleted"] {
            assert_eq!(types(&["user.deleted", unknown]), None, "{unknown}");
        }
    }
}
