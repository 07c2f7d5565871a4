//! The places of a listener: who is connected, and who has to go when somebody new comes.
//!
//! In: connections as they are accepted, and what becomes of them. Out: a place for each. Where
//! all are taken, some are told to leave: first those that never asked anything, then those that
//! do nothing; among these those of the peer that holds most, the oldest first. One that is at
//! work stays.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::timeout};

use crate::{grpc::Link, log_throttle::LogThrottle};

/// Where nobody can be told to leave, it is looked again this often.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// So many leave at once, of all that there may be: looking for them takes a while.
const SHARE_THAT_LEAVES: usize = 64;
/// The log says so this often.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Whose connection it is, as far as anybody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    /// A machine's.
    Machine(IpAddr),
    /// A process of this machine.
    Process {
        uid: u32,
        /// Where the system tells.
        pid: Option<i32>,
    },
}

/// How much it would be missed, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Standing {
    /// It has asked nothing.
    Silent = 0,
    /// It has asked something and waits for nothing.
    Idle = 1,
    /// It waits for an answer.
    Busy = 2,
    /// It is at work and stays.
    Needed = 3,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Guest {
    whose: Whose,
    since: Instant,
    /// A [`Standing`], of a connection without a link.
    standing: AtomicU8,
    link: OnceLock<Arc<Link>>,
    leaving: AtomicBool,
    leave: Notify,
}

impl Guest {
    /// It speaks HTTP/2, and this is what is known of it.
    pub(super) fn speaks(&self, link: Arc<Link>) {
        let _ = self.link.set(link);
    }

    /// It asks something.
    pub(super) fn asks(&self) {
        self.standing.store(Standing::Busy as u8, Ordering::Relaxed);
    }

    /// It was answered.
    pub(super) fn is_answered(&self) {
        self.standing.store(Standing::Idle as u8, Ordering::Relaxed);
    }

    /// Ends when it has to leave.
    pub(super) async fn told_to_leave(&self) {
        self.leave.notified().await;
    }

    fn standing(&self) -> Standing {
        let Some(link) = self.link.get() else {
            return match self.standing.load(Ordering::Relaxed) {
                0 => Standing::Silent,
                1 => Standing::Idle,
                _ => Standing::Busy,
            };
        };
        if link.is_at_work() {
            Standing::Needed
        } else if !link.has_asked() {
            Standing::Silent
        } else if link.is_busy() {
            Standing::Busy
        } else {
            Standing::Idle
        }
    }
}

type Guests = HashMap<u64, Arc<Guest>>;

/// The places of one listener.
pub(super) struct Places {
    name: &'static str,
    most: usize,
    /// A younger connection may have asked something that has not been seen yet.
    young: Duration,
    /// So many may be leaving while others have their places already.
    leaving: usize,
    guests: Mutex<(u64, Guests)>,
    freed: Notify,
    log_throttle: LogThrottle,
}

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Places").field("most", &self.most).finish_non_exhaustive()
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    id: u64,
    guest: Arc<Guest>,
}

impl Place {
    pub(super) const fn guest(&self) -> &Arc<Guest> {
        &self.guest
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().1.remove(&self.id);
        self.places.freed.notify_one();
    }
}

impl Places {
    /// So many, and a few more for those that are leaving. A connection that is younger than this
    /// stays.
    pub(super) fn new(
        name: &'static str,
        most: usize,
        leaving: usize,
        young: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            name,
            most,
            young,
            leaving,
            guests: Mutex::default(),
            freed: Notify::new(),
            log_throttle: LogThrottle::once_per(LOG_EVERY),
        })
    }

    /// A place for somebody new, as soon as there is one.
    pub(super) async fn take(self: &Arc<Self>, whose: Whose) -> Place {
        loop {
            if let Some(place) = self.try_take(whose) {
                return place;
            }
            let _ = timeout(LOOK_AGAIN, self.freed.notified()).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, (u64, Guests)> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_take(self: &Arc<Self>, whose: Whose) -> Option<Place> {
        let mut guests = self.lock();
        let (next, guests) = &mut *guests;
        if guests.len() >= self.most {
            let leaving =
                guests.values().filter(|guest| guest.leaving.load(Ordering::Relaxed)).count();
            if guests.len() - leaving >= self.most {
                self.make_room(guests, self.leaving.saturating_sub(leaving));
                let now =
                    guests.values().filter(|guest| guest.leaving.load(Ordering::Relaxed)).count();
                if guests.len() - now >= self.most {
                    return None;
                }
            }
            if guests.len() >= self.most + self.leaving {
                return None;
            }
        }
        let guest = Arc::new(Guest {
            whose,
            since: Instant::now(),
            standing: AtomicU8::new(Standing::Silent as u8),
            link: OnceLock::new(),
            leaving: AtomicBool::new(false),
            leave: Notify::new(),
        });
        *next += 1;
        guests.insert(*next, guest.clone());
        Some(Place { places: self.clone(), id: *next, guest })
    }

    /// Tells some to leave.
    fn make_room(&self, guests: &Guests, most: usize) {
        let mut held: HashMap<Whose, usize> = HashMap::new();
        for guest in guests.values() {
            *held.entry(guest.whose).or_default() += 1;
        }
        let mut rank: Vec<_> = guests
            .values()
            .filter(|guest| !guest.leaving.load(Ordering::Relaxed))
            .filter(|guest| guest.since.elapsed() >= self.young)
            .map(|guest| {
                let most = held.get(&guest.whose).copied().unwrap_or_default();
                (guest.standing(), std::cmp::Reverse(most), guest.since, guest)
            })
            .filter(|(standing, ..)| *standing < Standing::Needed)
            .collect();
        rank.sort_unstable_by_key(|(standing, most, since, _)| (*standing, *most, *since));
        // Only as many of the least as there are: the next may not be needed.
        let least = rank.first().map(|(standing, ..)| *standing);
        let wanted = (self.most / SHARE_THAT_LEAVES).max(1).min(most);
        let leaving = rank.iter().take(wanted).filter(|(standing, ..)| Some(*standing) == least);
        let mut told = 0_usize;
        for (.., guest) in leaving {
            guest.leaving.store(true, Ordering::Relaxed);
            guest.leave.notify_one();
            told += 1;
        }
        if told > 0 && self.log_throttle.admit().is_some() {
            let (listener, most) = (self.name, self.most);
            tracing::warn!(
                listener,
                most,
                told,
                "all places are taken: idle connections are closed"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Places, Whose};

    /// Nobody is too young.
    fn of(most: usize, leaving: usize) -> std::sync::Arc<Places> {
        Places::new("test", most, leaving, std::time::Duration::ZERO)
    }

    fn machine(last: u8) -> Whose {
        Whose::Machine([10, 0, 0, last].into())
    }

    /// Whether somebody was told to leave.
    async fn leaves(place: &super::Place) -> bool {
        tokio::time::timeout(std::time::Duration::ZERO, place.guest().told_to_leave()).await.is_ok()
    }

    #[tokio::test]
    async fn a_silent_one_leaves_before_an_idle_one() {
        let places = of(3, 1);
        let asked = places.take(machine(1)).await;
        asked.guest().is_answered();
        let busy = places.take(machine(1)).await;
        busy.guest().asks();
        let silent = places.take(machine(2)).await;
        let new = places.take(machine(3)).await;
        assert!(leaves(&silent).await && !leaves(&asked).await && !leaves(&busy).await);
        assert!(places.try_take(machine(4)).is_none(), "one is leaving, and no more may");
        drop(silent);
        new.guest().asks();
        let _newest = places.take(machine(4)).await;
        assert!(leaves(&asked).await && !leaves(&busy).await && !leaves(&new).await);
    }

    #[tokio::test]
    async fn of_the_peer_that_holds_most_the_oldest_leaves() {
        let places = of(4, 2);
        let one = places.take(machine(1)).await;
        let first = places.take(machine(2)).await;
        let second = places.take(machine(2)).await;
        let other = places.take(machine(3)).await;
        let _new = places.take(machine(4)).await;
        assert!(leaves(&first).await && !leaves(&second).await);
        assert!(!leaves(&one).await && !leaves(&other).await);
    }
}
