//! The label of the metrics of hooks.

use strum::{IntoStaticStr, VariantArray};

use crate::metrics::{LabelValues, Labels};

/// How a question to a hook ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum HookResult {
    /// It allows.
    Allowed,
    /// It denies.
    Denied,
    /// There was no answer in time.
    Late,
    /// It was not reached, or its answer is an error.
    Unavailable,
    /// Its answer is no decision.
    Unreadable,
    /// Too many questions were open already, and this one was not asked.
    Overloaded,
}

/// Adds the values of the labels of this room.
pub fn add_labels(labels: &mut Labels) {
    labels.hook_results = LabelValues::of::<HookResult>();
}
