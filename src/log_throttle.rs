//! A limit for one kind of log line, so that a flood of events is not a flood of lines, and a fault
//! that lasts does not fill the log.
//!
//! In: how many lines may be written in a time, or that a line repeats. Out: for each event, whether it
//! may be logged, and how many were suppressed since the last line that was.

use std::{
    fmt,
    num::NonZeroU32,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::Instant;

/// Limits one kind of log line. The limit is shared by all threads.
pub struct LogThrottle {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>,
    suppressed: AtomicU64,
}

impl LogThrottle {
    /// At most this many lines a second. Zero counts as one.
    #[must_use]
    pub fn per_second(lines: u32) -> Self {
        Self::with_quota(Quota::per_second(NonZeroU32::new(lines).unwrap_or(NonZeroU32::MIN)))
    }

    /// One line, and the next one at the earliest after `period`. Zero counts as one second.
    #[must_use]
    pub fn once_per(period: Duration) -> Self {
        Self::with_quota(Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN)))
    }

    fn with_quota(quota: Quota) -> Self {
        let clock = TokioClock { origin: Instant::now() };
        Self {
            limiter: RateLimiter::direct_with_clock(quota, clock),
            suppressed: AtomicU64::new(0),
        }
    }

    /// `Some(suppressed)` where the event may be logged; `suppressed` is how many events were not,
    /// since the last one that was. `None` where the limit is reached: the event is only counted.
    #[must_use]
    pub fn admit(&self) -> Option<u64> {
        if self.limiter.check().is_err() {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(self.suppressed.swap(0, Ordering::Relaxed))
    }
}

impl fmt::Debug for LogThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogThrottle").field("suppressed", &self.suppressed).finish_non_exhaustive()
    }
}

/// The time after the first line of a repeated event until the second one.
const FIRST_GAP: Duration = Duration::from_secs(10);
/// Each time is twice the one before, up to this.
const LONGEST_GAP: Duration = Duration::from_secs(600);

/// Thins out the lines of an event that repeats, such as a fetch that fails each second: the first is
/// written at once, the next ones after 10 s, 20 s, 40 s and so on, at last every 10 minutes. Events of
/// another kind have lines of their own.
#[derive(Debug, Default)]
pub struct Repeats(Mutex<Vec<Repeat>>);

/// The lines of one kind.
#[derive(Debug)]
struct Repeat {
    kind: &'static str,
    next: Instant,
    gap: Duration,
    suppressed: u64,
    /// It has been over since the last line.
    ended: bool,
}

impl Repeats {
    /// `Some(suppressed)` where an event of this kind may be logged, as for [`LogThrottle::admit`]. The
    /// kinds are words of the program, so they are few.
    #[must_use]
    pub fn admit(&self, kind: &'static str) -> Option<u64> {
        let now = Instant::now();
        let mut repeats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(repeat) = repeats.iter_mut().find(|repeat| repeat.kind == kind) else {
            let next = now + FIRST_GAP;
            repeats.push(Repeat { kind, next, gap: FIRST_GAP, suppressed: 0, ended: false });
            return Some(0);
        };
        if now < repeat.next {
            repeat.suppressed += 1;
            return None;
        }
        // Silence for as long again means that this is another fault.
        let is_new = repeat.ended || now >= repeat.next + repeat.gap;
        repeat.gap = if is_new { FIRST_GAP } else { (repeat.gap * 2).min(LONGEST_GAP) };
        repeat.next = now + repeat.gap;
        repeat.ended = false;
        Some(std::mem::take(&mut repeat.suppressed))
    }

    /// The fault is over. The next one is a new one, which still has no second line within 10 s of the
    /// last. `Some(suppressed)` where the end may be logged, because the fault was: how many of its
    /// events were suppressed since its last line.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        let soonest = Instant::now() + FIRST_GAP;
        let mut repeats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = repeats.iter_mut().filter(|repeat| !repeat.ended);
        open.fold(None, |all, repeat| {
            repeat.ended = true;
            repeat.next = repeat.next.min(soonest);
            let suppressed = std::mem::take(&mut repeat.suppressed);
            Some(all.unwrap_or_default() + suppressed)
        })
    }
}

/// The clock of tokio, which tests can pause.
#[derive(Debug, Clone)]
struct TokioClock {
    origin: Instant,
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::{LogThrottle, Repeats};

    /// The seconds at which an event that comes each second is logged.
    async fn logged(repeats: &Repeats, seconds: u64) -> Vec<(u64, u64)> {
        let mut lines = Vec::new();
        for second in 0..seconds {
            lines.extend(repeats.admit("network").map(|suppressed| (second, suppressed)));
            advance(Duration::from_secs(1)).await;
        }
        lines
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_repeats_gets_rarer() {
        let repeats = Repeats::default();
        let lines = logged(&repeats, 3600).await;
        let seconds: Vec<u64> = lines.iter().map(|(second, _)| *second).collect();
        assert_eq!(seconds, [0, 10, 30, 70, 150, 310, 630, 1230, 1830, 2430, 3030]);
        let suppressed: u64 = lines.iter().map(|(_, suppressed)| suppressed).sum();
        assert_eq!(
            suppressed + lines.len() as u64,
            3031,
            "each event is a line or is counted in one"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn another_kind_is_told_at_once_and_two_that_alternate_are_thinned_out() {
        let repeats = Repeats::default();
        let admitted: Vec<_> =
            ["network", "status", "network", "status"].map(|kind| repeats.admit(kind)).into();
        assert_eq!(admitted, [Some(0), Some(0), None, None]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_its_end_a_fault_is_a_new_one_but_no_flood() {
        let repeats = Repeats::default();
        assert_eq!(repeats.end(), None, "nothing was logged that could end");
        let _ = logged(&repeats, 100).await;
        assert_eq!(repeats.end(), Some(29), "since the line at 70 s");
        assert_eq!(repeats.end(), None);
        assert_eq!(repeats.admit("network"), None, "within 10 s of the end");
        advance(Duration::from_secs(10)).await;
        let seconds: Vec<u64> = logged(&repeats, 31).await.iter().map(|line| line.0).collect();
        assert_eq!(seconds, [0, 10, 30], "a new fault");
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_that_comes_back_after_a_long_silence_is_a_new_one() {
        let repeats = Repeats::default();
        let _ = logged(&repeats, 700).await;
        advance(Duration::from_secs(1300)).await;
        assert_eq!(logged(&repeats, 11).await.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_tells_how_many_were_suppressed_before_it() {
        let throttle = LogThrottle::per_second(2);
        let flood: Vec<_> = (0..10).map(|_| throttle.admit()).collect();
        assert_eq!(flood.iter().flatten().count(), 2);
        assert_eq!(throttle.admit(), None);
        advance(Duration::from_millis(501)).await;
        assert_eq!(throttle.admit(), Some(9));
        advance(Duration::from_secs(1)).await;
        assert_eq!(throttle.admit(), Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn one_line_is_written_in_each_period() {
        let throttle = LogThrottle::once_per(Duration::from_secs(3600));
        assert_eq!(throttle.admit(), Some(0));
        advance(Duration::from_secs(3599)).await;
        assert_eq!(throttle.admit(), None);
        advance(Duration::from_secs(2)).await;
        assert_eq!(throttle.admit(), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_of_zero_still_lets_a_line_through() {
        assert_eq!(LogThrottle::per_second(0).admit(), Some(0));
        assert_eq!(LogThrottle::once_per(Duration::ZERO).admit(), Some(0));
    }
}
