//! The limit of connections of a listener: who is connected, and which connections are evicted when
//! a new one comes.
//!
//! In: connections as they are accepted, and what becomes of them. Out: a slot for each. Where all
//! slots are taken, some connections are evicted: first those that never asked anything, then those
//! that are idle, then those that wait for a response; among these those of the peer that holds
//! most, the oldest first. A connection on which a check was decided lately is never evicted.

use std::{
    cmp::Reverse,
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::timeout};

use super::socket::SocketPeer;
use crate::{grpc::ConnectionBudget, log_throttle::LogThrottle};

/// Where no connection can be evicted, it is tried again this often.
const TRY_AGAIN: Duration = Duration::from_millis(10);
/// One in so many connections is evicted at a time: choosing them takes a while.
const EVICTED_SHARE: usize = 64;
/// The log says so this often.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// The owner of a connection, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ConnectionOwner {
    /// A machine.
    Machine(IpAddr),
    /// A process of this machine.
    Process {
        uid: u32,
        /// Where the system tells it.
        pid: Option<i32>,
    },
}

impl From<SocketPeer> for ConnectionOwner {
    fn from(peer: SocketPeer) -> Self {
        match peer {
            SocketPeer::Tcp(ip) => Self::Machine(ip),
            SocketPeer::Unix { uid, pid, .. } => Self::Process { uid, pid },
        }
    }
}

/// The activity of a connection. The least active is evicted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Activity {
    /// It has asked nothing.
    Silent = 0,
    /// It has asked something and waits for nothing.
    Idle = 1,
    /// It waits for a response.
    Busy = 2,
    /// It carries a proxy's checks, and stays.
    Protected = 3,
}

/// The state of one connection.
#[derive(Debug)]
pub(super) struct ConnectionState {
    owner: ConnectionOwner,
    since: Instant,
    /// An [`Activity`], of a connection without a budget.
    activity: AtomicU8,
    /// Of a gRPC connection, which knows its activity better.
    budget: OnceLock<Arc<ConnectionBudget>>,
    closing: AtomicBool,
    evict: Notify,
}

impl ConnectionState {
    fn new(owner: ConnectionOwner) -> Self {
        Self {
            owner,
            since: Instant::now(),
            activity: AtomicU8::new(Activity::Silent as u8),
            budget: OnceLock::new(),
            closing: AtomicBool::new(false),
            evict: Notify::new(),
        }
    }

    /// It speaks HTTP/2, and this is its budget.
    pub(super) fn set_budget(&self, budget: Arc<ConnectionBudget>) {
        let _ = self.budget.set(budget);
    }

    /// A request has come.
    pub(super) fn request_started(&self) {
        self.activity.store(Activity::Busy as u8, Ordering::Relaxed);
    }

    /// The request is answered.
    pub(super) fn request_finished(&self) {
        self.activity.store(Activity::Idle as u8, Ordering::Relaxed);
    }

    /// A request is being answered.
    pub(super) fn is_busy(&self) -> bool {
        self.activity() == Activity::Busy
    }

    /// Ends when the connection is evicted.
    pub(super) async fn evicted(&self) {
        self.evict.notified().await;
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    fn activity(&self) -> Activity {
        let Some(budget) = self.budget.get() else {
            return match self.activity.load(Ordering::Relaxed) {
                0 => Activity::Silent,
                1 => Activity::Idle,
                _ => Activity::Busy,
            };
        };
        if budget.is_proxy() {
            Activity::Protected
        } else if !budget.has_received_call() {
            Activity::Silent
        } else if budget.has_open_calls() {
            Activity::Busy
        } else {
            Activity::Idle
        }
    }
}

#[derive(Debug, Default)]
struct Connections {
    next_id: u64,
    open: HashMap<u64, Arc<ConnectionState>>,
}

impl Connections {
    fn closing(&self) -> usize {
        self.open.values().filter(|state| state.is_closing()).count()
    }
}

/// The limit of one listener.
#[derive(Debug)]
pub(super) struct ConnectionLimit {
    /// The listener's name in the log.
    name: &'static str,
    max_connections: usize,
    /// A younger connection may have asked something that has not been seen yet.
    min_age: Duration,
    /// Connections that may be closing while new ones have their slots already.
    max_closing: usize,
    connections: Mutex<Connections>,
    freed: Notify,
    log_throttle: LogThrottle,
}

/// A slot of a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    limit: Arc<ConnectionLimit>,
    id: u64,
    state: Arc<ConnectionState>,
}

impl ConnectionSlot {
    pub(super) const fn state(&self) -> &Arc<ConnectionState> {
        &self.state
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.limit.lock().open.remove(&self.id);
        self.limit.freed.notify_one();
    }
}

impl ConnectionLimit {
    /// So many connections, and `max_closing` more for those that are closing. A connection younger
    /// than `min_age` is not evicted.
    pub(super) fn new(
        name: &'static str,
        max_connections: usize,
        max_closing: usize,
        min_age: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            name,
            max_connections,
            min_age,
            max_closing,
            connections: Mutex::default(),
            freed: Notify::new(),
            log_throttle: LogThrottle::once_per(LOG_EVERY),
        })
    }

    /// A slot for a new connection, as soon as there is one.
    pub(super) async fn acquire(self: &Arc<Self>, owner: ConnectionOwner) -> ConnectionSlot {
        loop {
            if let Some(slot) = self.try_acquire(owner) {
                return slot;
            }
            let _ = timeout(TRY_AGAIN, self.freed.notified()).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_acquire(self: &Arc<Self>, owner: ConnectionOwner) -> Option<ConnectionSlot> {
        let mut connections = self.lock();
        let open = connections.open.len();
        if open >= self.max_connections {
            let closing = connections.closing();
            if open - closing >= self.max_connections {
                self.evict(&connections, self.max_closing.saturating_sub(closing));
                if open - connections.closing() >= self.max_connections {
                    return None;
                }
            }
            if open >= self.max_connections + self.max_closing {
                return None;
            }
        }
        let state = Arc::new(ConnectionState::new(owner));
        connections.next_id += 1;
        let id = connections.next_id;
        connections.open.insert(id, state.clone());
        Some(ConnectionSlot { limit: self.clone(), id, state })
    }

    /// Evicts at most so many connections.
    fn evict(&self, connections: &Connections, most: usize) {
        let mut held: HashMap<ConnectionOwner, usize> = HashMap::new();
        for state in connections.open.values() {
            *held.entry(state.owner).or_default() += 1;
        }
        let mut ranked: Vec<_> = connections
            .open
            .values()
            .filter(|state| !state.is_closing() && state.since.elapsed() >= self.min_age)
            .map(|state| {
                let of_owner = held.get(&state.owner).copied().unwrap_or_default();
                (state.activity(), Reverse(of_owner), state.since, state)
            })
            .filter(|(activity, ..)| *activity < Activity::Protected)
            .collect();
        ranked.sort_unstable_by_key(|(activity, held, since, _)| (*activity, *held, *since));
        // Only those of the least activity: a busier one need not go yet.
        let least = ranked.first().map(|(activity, ..)| *activity);
        let wanted = (self.max_connections / EVICTED_SHARE).max(1).min(most);
        let chosen = ranked.iter().take(wanted).filter(|(activity, ..)| Some(*activity) == least);
        let mut evicted = 0_usize;
        for (.., state) in chosen {
            state.closing.store(true, Ordering::Relaxed);
            state.evict.notify_one();
            evicted += 1;
        }
        if evicted > 0 && self.log_throttle.admit().is_some() {
            let (listener, max_connections) = (self.name, self.max_connections);
            tracing::warn!(
                listener,
                max_connections,
                evicted,
                "the limit of connections is reached: idle connections are evicted"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ConnectionLimit, ConnectionOwner, ConnectionSlot};

    /// No connection is too young.
    fn limit(most: usize, closing: usize) -> std::sync::Arc<ConnectionLimit> {
        ConnectionLimit::new("test", most, closing, std::time::Duration::ZERO)
    }

    fn machine(last: u8) -> ConnectionOwner {
        ConnectionOwner::Machine([10, 0, 0, last].into())
    }

    async fn is_evicted(slot: &ConnectionSlot) -> bool {
        tokio::time::timeout(std::time::Duration::ZERO, slot.state().evicted()).await.is_ok()
    }

    #[tokio::test]
    async fn a_silent_connection_is_evicted_before_an_idle_one() {
        let limit = limit(3, 1);
        let asked = limit.acquire(machine(1)).await;
        asked.state().request_finished();
        let busy = limit.acquire(machine(1)).await;
        busy.state().request_started();
        let silent = limit.acquire(machine(2)).await;
        let new = limit.acquire(machine(3)).await;
        assert!(is_evicted(&silent).await && !is_evicted(&asked).await && !is_evicted(&busy).await);
        assert!(limit.try_acquire(machine(4)).is_none(), "one is closing, and no more may");
        drop(silent);
        new.state().request_started();
        let _newest = limit.acquire(machine(4)).await;
        assert!(is_evicted(&asked).await && !is_evicted(&busy).await && !is_evicted(&new).await);
    }

    #[tokio::test]
    async fn the_oldest_connection_of_the_peer_that_holds_most_is_evicted() {
        let limit = limit(4, 2);
        let one = limit.acquire(machine(1)).await;
        let first = limit.acquire(machine(2)).await;
        let second = limit.acquire(machine(2)).await;
        let other = limit.acquire(machine(3)).await;
        let _new = limit.acquire(machine(4)).await;
        assert!(is_evicted(&first).await && !is_evicted(&second).await);
        assert!(!is_evicted(&one).await && !is_evicted(&other).await);
    }
}
