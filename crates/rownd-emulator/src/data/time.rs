//! The time, in the forms in which Rownd writes it.

use std::time::{SystemTime, UNIX_EPOCH};

/// The time now in seconds since 1970; 0 where the clock stands before 1970.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The time now in the form of Rownd's profiles: ISO 8601 with milliseconds.
pub(crate) fn timestamp() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}
