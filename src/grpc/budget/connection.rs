//! The budget of one connection: its share of what all connections have together, and what is known
//! of its peer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::listener::ListenerBudget;
use crate::{grpc::call_label::CallKind, model::Peer};

/// Unsent responses are counted by the second in which they were written, for so many seconds.
const SECONDS: usize = 32;
/// How many seconds a response may wait until the peer reads it.
const UNREAD: usize = 10;
/// The same while slots are scarce.
const UNREAD_WHEN_SCARCE: usize = 2;
/// From so many unsent refusals of all connections on, those with many of their own are read no
/// further. One connection alone never has as many.
const MANY_REFUSALS: usize = 1_024;
/// So many of its own: of any connection, and of one that is a proxy's.
const OWN_REFUSALS: (usize, usize) = (8, 32);
/// From so many unwritten refusals of all connections on, no connection is read whose peer is not
/// trusted, and none at all.
const UNWRITTEN: (usize, usize) = (256, 4_096);
/// Bytes that are read of a connection before the calls in them are answered, of one that is not
/// trusted and of one that is: a header block takes 15 bytes of them, and a thousand of memory.
const READ_TURN: (usize, usize) = (4 << 10, 64 << 10);
/// The same while slots are scarce: what the HTTP/2 library sets aside for the streams of a
/// connection stays as large as it ever was.
const SCARCE_READ_TURN: (usize, usize) = (256, 1 << 10);
/// A check that was judged within this time shows that the peer is a proxy.
const PROXY_FOR: Duration = Duration::from_secs(60);
/// A proxy is trusted if no call of it was refused for so many milliseconds.
const TRUSTED_MS: u64 = 1_000;

/// The budget of one connection.
#[derive(Debug)]
pub struct ConnectionBudget {
    pub(super) listener: Arc<ListenerBudget>,
    peer: Peer,
    checks: AtomicUsize,
    calls: AtomicUsize,
    lasting: AtomicUsize,
    pub(super) bytes: AtomicUsize,
    /// Checks that are being judged.
    pub(super) judging: AtomicUsize,
    /// Responses that were written and not sent, by the second in which they were written.
    unsent: [AtomicU32; SECONDS],
    second: AtomicUsize,
    received_call: AtomicBool,
    /// Milliseconds from the beginning to the last check that was judged, plus 1; 0: none.
    judged_at: AtomicU64,
    /// Its refusals that wait to be sent.
    pub(super) refused: AtomicUsize,
    /// Milliseconds from the beginning to its last call that found no slot, plus 1; 0: none.
    refused_at: AtomicU64,
    /// Bytes that were read in this turn.
    read: AtomicUsize,
    /// Its last turn brought calls that were refused.
    yields: AtomicBool,
}

impl ConnectionBudget {
    pub(crate) fn new(listener: Arc<ListenerBudget>, peer: Peer) -> Arc<Self> {
        Arc::new(Self {
            listener,
            peer,
            checks: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            lasting: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            judging: AtomicUsize::new(0),
            unsent: std::array::from_fn(|_| AtomicU32::new(0)),
            second: AtomicUsize::new(0),
            received_call: AtomicBool::new(false),
            judged_at: AtomicU64::new(0),
            refused: AtomicUsize::new(0),
            refused_at: AtomicU64::new(0),
            read: AtomicUsize::new(0),
            yields: AtomicBool::new(false),
        })
    }

    /// The other end.
    pub(crate) const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The number of calls of this kind that are open.
    pub(super) const fn open(&self, kind: CallKind) -> &AtomicUsize {
        match kind {
            CallKind::Check => &self.checks,
            CallKind::Call => &self.calls,
            CallKind::Lasting => &self.lasting,
        }
    }

    fn has_open(&self, kind: CallKind) -> bool {
        self.open(kind).load(Ordering::Relaxed) > 0
    }

    pub(super) fn call_received(&self) {
        // A read is cheaper than a write, and nearly always enough.
        if !self.received_call.load(Ordering::Relaxed) {
            self.received_call.store(true, Ordering::Relaxed);
        }
    }

    /// A call of this connection found no slot.
    pub(super) fn found_no_slot(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.listener.unwritten_refusals.fetch_add(1, Ordering::Relaxed);
        let now = self.listener.now();
        self.listener.found_no_slot(now);
        self.refused_at.store(now.saturating_add(1), Ordering::Relaxed);
        self.yields.store(true, Ordering::Relaxed);
    }

    /// A check was judged, whatever the verdict: its peer is a proxy.
    pub(crate) fn check_judged(&self) {
        self.judged_at.store(self.listener.now().saturating_add(1), Ordering::Relaxed);
    }

    /// A call has come in on it.
    #[must_use]
    pub fn has_received_call(&self) -> bool {
        self.received_call.load(Ordering::Relaxed)
    }

    /// Calls are open on it.
    #[must_use]
    pub fn has_open_calls(&self) -> bool {
        self.has_finite_calls() || self.has_open(CallKind::Lasting)
    }

    /// Calls are open on it that end by themselves in time: checks, and those of RowndAuth.
    #[must_use]
    pub fn has_finite_calls(&self) -> bool {
        self.has_open(CallKind::Check) || self.has_open(CallKind::Call)
    }

    /// A check on it was judged within the last minute, as on the connections of a proxy.
    #[must_use]
    pub fn is_proxy(&self) -> bool {
        let at = self.judged_at.load(Ordering::Relaxed);
        let since = self.listener.now().saturating_sub(at.saturating_sub(1));
        at > 0 && Duration::from_millis(since) < PROXY_FOR
    }

    /// A proxy, of which no call was refused lately.
    fn is_trusted(&self) -> bool {
        let at = self.refused_at.load(Ordering::Relaxed);
        let since = self.listener.now().saturating_sub(at.saturating_sub(1));
        (at == 0 || since >= TRUSTED_MS) && self.is_proxy()
    }

    /// To be called once a second. Tells whether a response has waited for the peer too long, which
    /// ends the connection.
    #[must_use]
    pub fn second_passed(&self) -> bool {
        let second = self.second.load(Ordering::Relaxed).wrapping_add(1);
        self.second.store(second, Ordering::Relaxed);
        let patience = if self.listener.is_scarce() { UNREAD_WHEN_SCARCE } else { UNREAD };
        // Older responses were counted in the last round of these seconds.
        (patience..SECONDS).any(|age| {
            let slot = self.unsent_of(second.wrapping_sub(age));
            slot.is_some_and(|slot| slot.load(Ordering::Relaxed) > 0)
        })
    }

    pub(super) fn second(&self) -> usize {
        self.second.load(Ordering::Relaxed)
    }

    /// The count of the responses that were written in this second.
    pub(super) fn unsent_of(&self, second: usize) -> Option<&AtomicU32> {
        self.unsent.get(second % SECONDS)
    }

    /// Nothing more is read from a peer whose refusals pile up while very many of all connections
    /// do. Otherwise it is read on: what it sends next may be the window that its responses wait
    /// for.
    #[must_use]
    pub fn reading_is_paused(&self) -> bool {
        let own = self.refused.load(Ordering::Relaxed);
        own >= OWN_REFUSALS.0
            && (own >= OWN_REFUSALS.1 || !self.is_proxy())
            && self.listener.unsent_refusals() >= MANY_REFUSALS
    }

    /// The connection gets its turn to read.
    pub fn begin_read_turn(&self) {
        self.read.store(0, Ordering::Relaxed);
    }

    /// So many bytes were read of it.
    pub fn count_read(&self, bytes: usize) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The most bytes that may be read at a time, where that is less than there is room for.
    #[must_use]
    pub fn max_read(&self) -> Option<usize> {
        if !self.listener.is_scarce() {
            return None;
        }
        Some(if self.is_trusted() { SCARCE_READ_TURN.1 } else { SCARCE_READ_TURN.0 })
    }

    /// Nothing more is read in this turn: first come the calls that were read in it, and those of
    /// others.
    #[must_use]
    pub fn read_turn_is_over(&self) -> bool {
        let read = self.read.load(Ordering::Relaxed);
        let turn = || if self.is_trusted() { READ_TURN.1 } else { READ_TURN.0 };
        if read > 0 && read >= self.max_read().unwrap_or_else(turn) {
            return true;
        }
        let unwritten = self.listener.unwritten_refusals.load(Ordering::Relaxed);
        if unwritten >= UNWRITTEN.0 && (unwritten >= UNWRITTEN.1 || !self.is_trusted()) {
            return true;
        }
        // The others go first, that wait for these refusals to be written.
        self.yields.swap(false, Ordering::Relaxed)
    }
}
