//! The labels of the metric of requests to the store.

use strum::{IntoStaticStr, VariantArray};

/// A request to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum SharedOperation {
    /// Write a value that is not there yet.
    PutIfAbsent,
    /// Read a value.
    Get,
    /// Write a value in the place of another one.
    Replace,
    /// Remove a value.
    Remove,
    /// Add one to a counter.
    Count,
    /// Merge records into the set.
    Merge,
    /// Read the changes of the set.
    Changes,
    /// Remove records that have ended.
    Sweep,
    /// Read the positions of the replicas.
    Replicas,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum SharedResult {
    /// An answer came.
    Ok,
    /// There is no connection, or it broke.
    Unreachable,
    /// There was no answer in time.
    Timeout,
    /// The store has no room.
    Full,
    /// The store refused.
    Refused,
}
