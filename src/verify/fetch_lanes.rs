//! The fetches of all tenants of one issuer together: how many at a time, how many in a second, and
//! how many checks wait for them.
//!
//! In: the wish of a tenant's task to fetch, and its cause. Out: a place, in the order of asking.
//! Fetches in time and those that tokens cause have lanes of their own: a client that makes
//! up key names for every tenant delays no fetch in time, and since each tenant has at most one wish
//! of a kind, it keeps no other tenant from its turn.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand::RngExt as _;
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

use super::key_turns::KeyTurns;
use crate::log_throttle::Repeats;

/// Fetches in time at once, and the pause between the beginnings of two: 40 in a second.
const TURNS: usize = 8;
const TURN_PAUSE: Duration = Duration::from_millis(25);
/// Fetches at once that tokens cause.
const CAUSED: usize = 4;
/// At most so many fetches begin in one cooldown because of tokens, for all tenants together.
const CAUSED_IN_A_COOLDOWN: u32 = 64;
/// The checks of all tenants that may wait for a key at a time.
const MAX_WAITING: usize = 256;
/// After a failure a tenant waits so long for each tenant that there is: eight tries in a second
/// in all, however many fail.
const RETRY_SHARE: Duration = Duration::from_millis(125);

/// The fetches of all tenants of one issuer.
#[derive(Debug)]
pub(super) struct FetchLanes {
    pub(super) turns: FetchLane,
    /// Of fetches that tokens cause.
    pub(super) caused: FetchLane,
    /// The places of checks that wait for a key.
    pub(super) waiting: Arc<Semaphore>,
    /// The turns of tokens without a `kid`.
    pub(super) unnamed: Arc<KeyTurns>,
    /// The log of failed fetches.
    pub(super) failures: Repeats,
    tenants: AtomicUsize,
}

impl FetchLanes {
    /// The lanes of an issuer with this `cooldown`.
    pub(super) fn new(cooldown: Duration) -> Self {
        Self {
            turns: FetchLane::new(TURNS, TURN_PAUSE),
            caused: FetchLane::new(CAUSED, cooldown / CAUSED_IN_A_COOLDOWN),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            unnamed: Arc::new(KeyTurns::new()),
            failures: Repeats::default(),
            tenants: AtomicUsize::new(1),
        }
    }

    /// From now on there are so many tenants.
    pub(super) fn share_among(&self, tenants: usize) {
        self.tenants.store(tenants, Ordering::Relaxed);
    }

    /// The shortest time between a failed fetch of a tenant and the next one.
    pub(super) fn retry_pause(&self) -> Duration {
        let tenants = u32::try_from(self.tenants.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        RETRY_SHARE.saturating_mul(tenants)
    }
}

/// Fetches of one kind of cause.
#[derive(Debug)]
pub(super) struct FetchLane {
    places: Arc<Semaphore>,
    /// The moment at which the next fetch may begin.
    next: Mutex<Instant>,
    pause: Duration,
}

impl FetchLane {
    fn new(places: usize, pause: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), next: Mutex::new(Instant::now()), pause }
    }

    /// Waits for a place, and for the moment. To be held for as long as the fetch lasts.
    pub(super) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        let place = self.places.clone().acquire_owned().await.ok();
        let mut next = self.next.lock().await;
        sleep_until(*next).await;
        // At random, so that replicas that start together do not stay in step.
        *next = Instant::now() + self.pause.mul_f64(rand::rng().random_range(0.5..=1.5));
        place
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use futures_util::future::join_all;
    use tokio::time::{Instant, sleep};

    use super::{CAUSED, CAUSED_IN_A_COOLDOWN, FetchLanes, TURNS};

    const COOLDOWN: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn many_tenants_that_start_together_make_no_storm() {
        let lanes = Arc::new(FetchLanes::new(COOLDOWN));
        let running = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let began = Instant::now();
        let starts = join_all((0..256).map(|_| async {
            let _place = lanes.turns.enter().await;
            let at = began.elapsed();
            let now = running.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
            assert!(now <= TURNS, "{now} at a time");
            sleep(Duration::from_millis(100)).await;
            running.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
            at
        }))
        .await;
        for second in 0..20 {
            let within = |at: &&Duration| at.as_secs() == second;
            assert!(starts.iter().filter(within).count() <= 80, "in second {second}");
        }
        let last = starts.iter().max().unwrap();
        assert!((3..20).contains(&last.as_secs()), "{last:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn fetches_that_tokens_cause_are_bounded_in_all_and_delay_none_in_time() {
        let lanes = FetchLanes::new(COOLDOWN);
        let began = Instant::now();
        let caused = join_all((0..256).map(|_| async {
            let _place = lanes.caused.enter().await;
            began.elapsed()
        }));
        let turn = async {
            let _place = lanes.turns.enter().await;
            began.elapsed()
        };
        let (caused, turn) = tokio::join!(caused, turn);
        assert_eq!(turn, Duration::ZERO);
        // In the order of asking: nobody is passed over.
        assert!(caused.is_sorted());
        let most = 2 * CAUSED_IN_A_COOLDOWN as usize;
        for cooldown in 0..4 {
            let within = |at: &&Duration| at.as_secs() / 10 == cooldown;
            assert!(caused.iter().filter(within).count() <= most, "in cooldown {cooldown}");
        }
        let last = caused.last().unwrap().as_secs();
        assert!((20..=80).contains(&last), "the last of 256 after {last} s");
        assert_eq!(CAUSED, 4);
    }

    #[test]
    fn tries_are_spread_over_the_tenants() {
        let lanes = FetchLanes::new(COOLDOWN);
        for (tenants, milliseconds) in [(1, 125), (8, 1_000), (256, 32_000)] {
            lanes.share_among(tenants);
            assert_eq!(lanes.retry_pause(), Duration::from_millis(milliseconds));
        }
    }
}
