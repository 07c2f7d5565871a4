//! The share of one call in the budget of its connection.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::connection::ConnectionBudget;
use crate::grpc::call_label::{CallKind, CallRefusal};

/// A slot of a call among all calls, and the bytes of its messages, until it is dropped. A call
/// that found no slot counts as a refusal until that is sent.
#[derive(Debug)]
pub(crate) struct CallSlot {
    connection: Arc<ConnectionBudget>,
    kind: CallKind,
    is_refused: bool,
    /// It is refused, and the refusal is not written yet.
    unwritten: AtomicBool,
    bytes: AtomicUsize,
}

impl CallSlot {
    /// For a call that arrived on this connection. It may come back as refused.
    pub(crate) fn take(connection: &Arc<ConnectionBudget>, kind: CallKind) -> Arc<Self> {
        connection.call_received();
        let pool = connection.listener.pool(kind);
        let is_refused = !pool.take(connection.open(kind), 1);
        if is_refused {
            pool.refused.fetch_add(1, Ordering::Relaxed);
            connection.found_no_slot();
            connection.listener.count_refusal(kind, CallRefusal::Streams);
        }
        Arc::new(Self {
            connection: connection.clone(),
            kind,
            is_refused,
            unwritten: AtomicBool::new(is_refused),
            bytes: AtomicUsize::new(0),
        })
    }

    pub(crate) const fn connection(&self) -> &Arc<ConnectionBudget> {
        &self.connection
    }

    /// There was no slot.
    pub(crate) const fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// The refusal is being written.
    pub(crate) fn refusal_written(&self) {
        if self.unwritten.swap(false, Ordering::Relaxed) {
            self.connection.listener.unwritten_refusals.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(crate) const fn kind(&self) -> CallKind {
        self.kind
    }

    /// Counts that the call is refused for this reason after all.
    pub(crate) fn count_refusal(&self, why: CallRefusal) {
        self.connection.listener.count_refusal(self.kind, why);
    }

    /// Takes so many bytes more for a message; `false`: there are none left.
    pub(crate) fn take_bytes(&self, more: usize) -> bool {
        let taken = self.connection.listener.bytes.take(&self.connection.bytes, more);
        if taken {
            self.bytes.fetch_add(more, Ordering::Relaxed);
        }
        taken
    }

    /// The messages are gone.
    pub(crate) fn put_bytes_back(&self) {
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        if bytes > 0 {
            self.connection.listener.bytes.put_back(&self.connection.bytes, bytes);
        }
    }
}

impl Drop for CallSlot {
    fn drop(&mut self) {
        self.put_bytes_back();
        self.refusal_written();
        let pool = self.connection.listener.pool(self.kind);
        if self.is_refused {
            pool.refused.fetch_sub(1, Ordering::Relaxed);
            self.connection.refused.fetch_sub(1, Ordering::Relaxed);
        } else {
            pool.put_back(self.connection.open(self.kind), 1);
        }
    }
}

/// One of the checks of a connection that are being judged.
#[derive(Debug)]
pub(crate) struct CheckInProgress {
    connection: Arc<ConnectionBudget>,
    others: usize,
}

impl CheckInProgress {
    pub(crate) fn begin(connection: &Arc<ConnectionBudget>) -> Self {
        let others = connection.judging.fetch_add(1, Ordering::Relaxed);
        Self { connection: connection.clone(), others }
    }

    /// How many there were already when it began.
    pub(crate) const fn others(&self) -> usize {
        self.others
    }
}

impl Drop for CheckInProgress {
    fn drop(&mut self) {
        self.connection.judging.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A piece of a response that was written and is not sent.
#[derive(Debug)]
pub(crate) struct UnsentResponse {
    connection: Arc<ConnectionBudget>,
    second: usize,
}

impl UnsentResponse {
    pub(crate) fn new(connection: &Arc<ConnectionBudget>) -> Self {
        let second = connection.second();
        if let Some(count) = connection.unsent_of(second) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Self { connection: connection.clone(), second }
    }
}

impl Drop for UnsentResponse {
    fn drop(&mut self) {
        if let Some(count) = self.connection.unsent_of(self.second) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
