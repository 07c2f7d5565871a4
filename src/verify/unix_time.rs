//! The time in the form that tokens state it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Whole seconds since 1970; a clock before that counts as 1970.
pub(super) fn unix_seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
