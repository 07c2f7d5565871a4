//! A limit for one kind of log line, so that a flood of events is not a flood of lines.
//!
//! In: how many lines may be written in a time. Out: for each event, whether it may be logged, and
//! how many were suppressed since the last line that was.

use std::{
    fmt,
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
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

    use super::LogThrottle;

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
