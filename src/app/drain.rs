//! The two phases of a process's life, as its connections know them.

/// Where the process is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Serving.
    Serving,
    /// Every connection is told to go and finishes what it has.
    Closing,
}
