//! What the process asks of the system for itself, before it does anything else.

/// Small reservations are backed by small pages: a peer that announces much and sends little must
/// not make the system hand out 2 MiB for each byte. Where the system knows no such thing, or does
/// not let us, the service works as well.
pub fn prepare() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::warn!(%error, "huge pages could not be turned off for this process");
    }
}
