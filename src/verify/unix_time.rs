//! The time in the form that tokens state it.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The times of one verification.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// The time at which the token has to hold, in Unix seconds.
    pub(super) now: u64,
    /// The moment until which a key may be awaited.
    pub(super) deadline: Instant,
}

/// Whole seconds since 1970; a clock before that counts as 1970.
pub(super) fn unix_seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
