//! One connection's share of what all connections have together, and what is known of it.
//!
//! In: the calls of a connection, their bytes and their answers. Out: a place for each, or a
//! refusal; and whether the connection leaves its answers unread. Each connection always finds a
//! little room, whatever the others do. Beyond that it never gets more than it leaves to them.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    config::GrpcListener,
    log_throttle::LogThrottle,
    metrics::{CallKind, CallRefusal, Metrics},
    model::Peer,
};

/// The least bytes of unfinished messages over all connections; more where one message may be
/// larger than a quarter of it.
const MESSAGES: usize = 64 << 20;
/// Calls that last (health's `Watch`, reflection), at the most.
const LASTING: usize = 128;
/// What each connection may have at a time, whatever the others have: checks, calls of health and
/// RowndAuth, and bytes of unfinished messages, of which an ordinary check takes 2 KiB.
const SURE_CHECKS: usize = 8;
const SURE_CALLS: usize = 1;
/// And calls that last: a client that watches its health has one.
const SURE_LASTING: usize = 1;
const SURE_BYTES: usize = 16 << 10;
/// Unread answers are told apart by the second in which they were written, so many seconds back.
const SECONDS: usize = 32;
/// So many refusals of all connections may wait to be sent before those with many of their own are
/// read no further. One connection alone never has as many.
const REFUSED: usize = 1_024;
/// Their own: those of a stranger, and of a connection that has had a check judged lately.
const OWN_REFUSED: (usize, usize) = (8, 32);
/// So many refusals of all connections may wait to be made before a connection is read that is not
/// known, or was refused something; and before any is.
const UNMADE: (usize, usize) = (256, 4_096);
/// Bytes that are read of a connection before the calls in them get their turn, of one that is not
/// known and of one that is: a header block takes 15 bytes of them, and a thousand of memory.
const TURN: (usize, usize) = (4 << 10, 64 << 10);
/// The same while calls are refused for want of places: what the library sets aside for the streams
/// of a connection stays as large as it ever was.
const TURN_IN_NEED: (usize, usize) = (256, 1 << 10);
/// A check that was judged within this time shows that a connection is a proxy's.
const AT_WORK: Duration = Duration::from_secs(60);
/// A connection is known that is at work, if nothing was refused to it for so many milliseconds.
const KNOWN: u64 = 1_000;
/// How long an answer may wait until the peer has room for it.
const UNREAD: usize = 10;
/// The same where calls were refused for want of places within the last second.
const UNREAD_IN_NEED: usize = 2;

/// Something there is so much of.
#[derive(Debug)]
struct Pool {
    most: usize,
    /// What each connection may hold, whatever the others hold.
    sure: usize,
    held: AtomicUsize,
    /// Calls that got nothing and still wait for their refusal to be sent.
    refused: AtomicUsize,
}

impl Pool {
    const fn of(most: usize, sure: usize) -> Self {
        Self { most, sure, held: AtomicUsize::new(0), refused: AtomicUsize::new(0) }
    }

    /// Takes this much, if that is fair: what a connection held before is no more than what is
    /// left then.
    fn take(&self, own: &AtomicUsize, amount: usize) -> bool {
        let before = own.load(Ordering::Relaxed);
        let is_sure = before.saturating_add(amount) <= self.sure;
        let fair = |held: usize| {
            let held = held.checked_add(amount)?;
            let leaves_enough = held <= self.most && before <= self.most - held;
            (is_sure || leaves_enough).then_some(held)
        };
        let taken = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fair).is_ok();
        if taken {
            own.fetch_add(amount, Ordering::Relaxed);
        }
        taken
    }

    fn put_back(&self, own: &AtomicUsize, amount: usize) {
        own.fetch_sub(amount, Ordering::Relaxed);
        self.held.fetch_sub(amount, Ordering::Relaxed);
    }
}

/// What all connections of the listener have together.
pub(super) struct Shared {
    calls: [Pool; CallKind::ALL.len()],
    bytes: Pool,
    began: Instant,
    /// Milliseconds from the beginning to the last call that found no place.
    refused_at: AtomicU64,
    /// Refusals that have not had their turn.
    unmade: AtomicUsize,
    log_throttle: LogThrottle,
    metrics: Arc<Metrics>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(settings: &GrpcListener, metrics: Arc<Metrics>) -> Arc<Self> {
        let streams = settings.max_streams;
        Arc::new(Self {
            // In the order of `CallKind`.
            calls: [
                Pool::of(streams, SURE_CHECKS),
                Pool::of((streams / 4).max(1), SURE_CALLS),
                Pool::of((streams / 4).clamp(1, LASTING), SURE_LASTING),
            ],
            bytes: Pool::of(MESSAGES.max(settings.max_message_bytes.saturating_mul(4)), SURE_BYTES),
            began: Instant::now(),
            refused_at: AtomicU64::new(0),
            unmade: AtomicUsize::new(0),
            log_throttle: LogThrottle::per_second(1),
            metrics,
        })
    }

    fn pool(&self, kind: CallKind) -> &Pool {
        let [check, call, lasting] = &self.calls;
        match kind {
            CallKind::Check => check,
            CallKind::Call => call,
            CallKind::Lasting => lasting,
        }
    }

    /// Calls were refused for want of places within the last second.
    fn is_in_need(&self) -> bool {
        let refused = self.refused_at.load(Ordering::Relaxed);
        refused > 0 && self.now().saturating_sub(refused) < 1_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// One connection.
#[derive(Debug)]
pub struct Link {
    shared: Arc<Shared>,
    peer: Peer,
    calls: [AtomicUsize; CallKind::ALL.len()],
    bytes: AtomicUsize,
    checks: AtomicUsize,
    /// Answers that were written and not sent, by the second in which they were written.
    unread: [AtomicU32; SECONDS],
    second: AtomicUsize,
    asked: AtomicBool,
    /// Milliseconds from the beginning to the last check that was judged, and 1 more; 0: none.
    judged_at: AtomicU64,
    /// Its calls that were refused and wait for the refusal to be sent.
    refused: AtomicUsize,
    /// Milliseconds from the beginning to its last call that found no place, and 1 more; 0: none.
    refused_at: AtomicU64,
    /// Bytes that were read in this turn.
    read: AtomicUsize,
    /// Its last turn brought calls that were refused.
    lets_others: AtomicBool,
}

impl Link {
    pub(super) fn new(shared: Arc<Shared>, peer: Peer) -> Arc<Self> {
        Arc::new(Self {
            shared,
            peer,
            calls: Default::default(),
            bytes: AtomicUsize::new(0),
            checks: AtomicUsize::new(0),
            unread: std::array::from_fn(|_| AtomicU32::new(0)),
            second: AtomicUsize::new(0),
            asked: AtomicBool::new(false),
            judged_at: AtomicU64::new(0),
            refused: AtomicUsize::new(0),
            refused_at: AtomicU64::new(0),
            read: AtomicUsize::new(0),
            lets_others: AtomicBool::new(false),
        })
    }

    /// The other end.
    pub(super) const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// A call arrived. Its place is held until its answer is sent.
    pub(super) fn enter(self: &Arc<Self>, kind: CallKind) -> Arc<Place> {
        if !self.asked.load(Ordering::Relaxed) {
            self.asked.store(true, Ordering::Relaxed);
        }
        let pool = self.shared.pool(kind);
        let fair = pool.take(self.own(kind), 1);
        if !fair {
            pool.refused.fetch_add(1, Ordering::Relaxed);
            self.refused.fetch_add(1, Ordering::Relaxed);
            self.shared.unmade.fetch_add(1, Ordering::Relaxed);
            self.refused(kind, CallRefusal::Streams);
            let now = self.shared.now();
            self.shared.refused_at.store(now.max(1), Ordering::Relaxed);
            self.refused_at.store(now.saturating_add(1), Ordering::Relaxed);
            self.lets_others.store(true, Ordering::Relaxed);
        }
        let unmade = AtomicBool::new(!fair);
        Arc::new(Place { link: self.clone(), kind, fair, unmade, bytes: AtomicUsize::new(0) })
    }

    fn own(&self, kind: CallKind) -> &AtomicUsize {
        let [check, call, lasting] = &self.calls;
        match kind {
            CallKind::Check => check,
            CallKind::Call => call,
            CallKind::Lasting => lasting,
        }
    }

    /// Counts what was not taken, and says so now and then.
    fn refused(&self, kind: CallKind, why: CallRefusal) {
        self.shared.metrics.call_refused(kind, why);
        if let Some(dropped) = self.shared.log_throttle.admit() {
            let (kind, reason) = (kind.as_str(), why.as_str());
            tracing::warn!(kind, reason, dropped, "calls are refused before they are read");
        }
    }

    /// A check of this connection is being judged.
    pub(super) fn sit(self: &Arc<Self>) -> Seat {
        let others = self.checks.fetch_add(1, Ordering::Relaxed);
        Seat { link: self.clone(), others }
    }

    /// A check was judged, whatever the verdict: its peer is a proxy at work.
    pub(super) fn judged(&self) {
        self.judged_at.store(self.shared.now().saturating_add(1), Ordering::Relaxed);
    }

    /// A call has come in on it.
    #[must_use]
    pub fn has_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Calls are under way on it.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.calls.iter().any(|calls| calls.load(Ordering::Relaxed) > 0)
    }

    /// Calls are under way on it that end by themselves in time: checks, and those of RowndAuth.
    #[must_use]
    pub fn is_answering(&self) -> bool {
        [CallKind::Check, CallKind::Call]
            .into_iter()
            .any(|kind| self.own(kind).load(Ordering::Relaxed) > 0)
    }

    /// A check on it was judged within the last minute, as on those of a proxy.
    #[must_use]
    pub fn is_at_work(&self) -> bool {
        self.has_judged_within(AT_WORK)
    }

    fn has_judged_within(&self, time: Duration) -> bool {
        let at = self.judged_at.load(Ordering::Relaxed);
        let since = self.shared.now().saturating_sub(at.saturating_sub(1));
        at > 0 && Duration::from_millis(since) < time
    }

    /// A second is over. Whether an answer has waited for the peer too long, which ends the
    /// connection.
    #[must_use]
    pub fn tick(&self) -> bool {
        let second = self.second.load(Ordering::Relaxed).wrapping_add(1);
        self.second.store(second, Ordering::Relaxed);
        let patience = if self.shared.is_in_need() { UNREAD_IN_NEED } else { UNREAD };
        // What is older than all of these is what was left of the last round.
        (patience..SECONDS).any(|age| self.slot(second.wrapping_sub(age)) > 0)
    }

    fn slot(&self, second: usize) -> u32 {
        self.unread.get(second % SECONDS).map_or(0, |slot| slot.load(Ordering::Relaxed))
    }

    /// Nothing more is read from a peer whose refusals pile up while very many of all connections
    /// do. Otherwise it is read on: what it sends next may be the window that its answers wait for.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        let all = || {
            let refused = |pool: &Pool| pool.refused.load(Ordering::Relaxed);
            self.shared.calls.iter().map(refused).sum::<usize>()
        };
        let own = self.refused.load(Ordering::Relaxed);
        own >= OWN_REFUSED.0 && (own >= OWN_REFUSED.1 || !self.is_at_work()) && all() >= REFUSED
    }

    /// The connection gets its turn.
    pub fn begin_turn(&self) {
        self.read.store(0, Ordering::Relaxed);
    }

    /// So much was read of it.
    pub fn has_read(&self, bytes: usize) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How much may be read at a time, where that is little.
    #[must_use]
    pub fn piece(&self) -> Option<usize> {
        if !self.shared.is_in_need() {
            return None;
        }
        Some(if self.is_known() { TURN_IN_NEED.1 } else { TURN_IN_NEED.0 })
    }

    /// Nothing more is read in this turn: the calls come first that were read in it, and those of
    /// others.
    #[must_use]
    pub fn is_turn_over(&self) -> bool {
        let read = self.read.load(Ordering::Relaxed);
        let turn = || if self.is_known() { TURN.1 } else { TURN.0 };
        if read > 0 && read >= self.piece().unwrap_or_else(turn) {
            return true;
        }
        let unmade = self.shared.unmade.load(Ordering::Relaxed);
        if unmade >= UNMADE.0 && (unmade >= UNMADE.1 || !self.is_known()) {
            return true;
        }
        // Those that wait for the others' refusals to be made go first.
        self.lets_others.swap(false, Ordering::Relaxed)
    }

    fn is_known(&self) -> bool {
        let at = self.refused_at.load(Ordering::Relaxed);
        let since = self.shared.now().saturating_sub(at.saturating_sub(1));
        (at == 0 || since >= KNOWN) && self.is_at_work()
    }

    /// An answer was written.
    pub(super) fn written(self: &Arc<Self>) -> Unread {
        let second = self.second.load(Ordering::Relaxed) % SECONDS;
        if let Some(slot) = self.unread.get(second) {
            slot.fetch_add(1, Ordering::Relaxed);
        }
        Unread { link: self.clone(), second }
    }
}

/// A place of a call among all calls, and the bytes of its messages, until it is dropped. A call
/// that was refused is known as that until its refusal is sent.
#[derive(Debug)]
pub(super) struct Place {
    link: Arc<Link>,
    kind: CallKind,
    fair: bool,
    /// It is refused, and the refusal has not had its turn.
    unmade: AtomicBool,
    bytes: AtomicUsize,
}

impl Place {
    /// The connection.
    pub(super) const fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// There was one too many.
    pub(super) const fn is_refused(&self) -> bool {
        !self.fair
    }

    /// The refusal has its turn.
    pub(super) fn make(&self) {
        if self.unmade.swap(false, Ordering::Relaxed) {
            self.link.shared.unmade.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The kind of its call.
    pub(super) const fn kind(&self) -> CallKind {
        self.kind
    }

    /// The call is refused for this reason.
    pub(super) fn refuse(&self, why: CallRefusal) {
        self.link.refused(self.kind, why);
    }

    /// Room for so many bytes more of a message.
    pub(super) fn take_bytes(&self, more: usize) -> bool {
        let taken = self.link.shared.bytes.take(&self.link.bytes, more);
        if taken {
            self.bytes.fetch_add(more, Ordering::Relaxed);
        }
        taken
    }

    /// The messages are gone.
    pub(super) fn put_bytes_back(&self) {
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        if bytes > 0 {
            self.link.shared.bytes.put_back(&self.link.bytes, bytes);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.put_bytes_back();
        self.make();
        let pool = self.link.shared.pool(self.kind);
        if self.fair {
            pool.put_back(self.link.own(self.kind), 1);
        } else {
            pool.refused.fetch_sub(1, Ordering::Relaxed);
            self.link.refused.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A check among those of its connection that are being judged.
#[derive(Debug)]
pub(super) struct Seat {
    link: Arc<Link>,
    others: usize,
}

impl Seat {
    /// How many there were before.
    pub(super) const fn others(&self) -> usize {
        self.others
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.link.checks.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer that was written and is not sent.
#[derive(Debug)]
pub(super) struct Unread {
    link: Arc<Link>,
    second: usize,
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Some(slot) = self.link.unread.get(self.second) {
            slot.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
