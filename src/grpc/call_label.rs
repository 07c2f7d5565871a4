//! The labels of calls in metrics: the kind of a call, and why one is refused.

use strum::{IntoStaticStr, VariantArray};

/// The kind of a call, by how long it may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum CallKind {
    /// Envoy's `Check`.
    Check,
    /// A call that is answered once: of RowndAuth, or of health.
    Call,
    /// A call that stays open: health's `Watch`, reflection.
    Lasting,
}

/// Why a call was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum CallRefusal {
    /// Too many calls at a time, over all connections or on this one.
    Streams,
    /// Too many bytes of unfinished messages at a time.
    Memory,
    /// The message is larger than its method takes.
    TooLarge,
    /// The message did not arrive in time.
    Deadline,
    /// The message is compressed.
    Compressed,
}
