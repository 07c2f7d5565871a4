//! The phases of a process's life, as its listeners and connections know them.

/// Where the process is in its life. The phases follow one another in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Everything is served.
    Serving,
    /// Every connection with calls of backends or proxies is told to go and finishes the calls that it
    /// has. The pages for operators are served on, so that probes see a process that is not ready.
    Closing,
    /// The HTTP/1 listeners end too.
    Ending,
}
