//! The meaning of an error of the library.

use redis::RedisError;

use crate::shared::SharedError;

/// The error as the rooms know it, and whether its connection may be dead, or leads to a server
/// that does not take writes, or not for these keys.
pub(super) fn judge(error: &RedisError) -> (SharedError, bool) {
    let text = || SharedError::shown(&error.to_string());
    match error.code() {
        Some("OOM" | "FULL") => (SharedError::Full(text()), false),
        Some(
            "READONLY" | "NOAUTH" | "LOADING" | "MASTERDOWN" | "UNKILLABLE" | "MOVED"
            | "CLUSTERDOWN",
        ) => (SharedError::Refused(text()), true),
        Some(_) => (SharedError::Refused(text()), false),
        None if error.is_timeout() => (SharedError::Late, true),
        None => (SharedError::Unreachable(text()), true),
    }
}
