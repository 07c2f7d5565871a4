//! The time until the next attempt: twice as long after each failure, up to a bound, and a random
//! part less, so that many events do not come back at the same moment.

use std::time::Duration;

/// Times between attempts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) most: Duration,
}

impl Backoff {
    /// The time after so many failures, from 1.
    pub(super) fn after(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(24);
        let whole = self.first.saturating_mul(1 << doublings).min(self.most);
        whole.mul_f64(rand::random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    #[test]
    fn each_pause_is_about_twice_as_long_up_to_a_bound() {
        let backoff = Backoff { first: Duration::from_secs(1), most: Duration::from_secs(300) };
        for (failures, whole) in
            [(0, 1), (1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (u32::MAX, 300)]
        {
            let whole = Duration::from_secs(whole);
            let pause = backoff.after(failures);
            assert!(whole / 2 <= pause && pause <= whole, "{failures}: {pause:?}");
        }
    }
}
