//! What the process asks of the system for itself, before it does anything else.

use std::io;

/// Writes no core dump, and lets no process of the same user read its memory: secrets and tokens
/// are in it. To be called before either is read.
pub fn keep_memory_private() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    {
        // A limit does not hold where the system pipes dumps into a program (core(5)).
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    Ok(())
}

/// Small reservations are backed by small pages: a peer that announces much and sends little must
/// not make the system hand out 2 MiB for each byte.
pub fn use_small_pages() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true)?;
    Ok(())
}
