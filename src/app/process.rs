//! Settings of the process itself, made before anything else.

use std::io;

/// From now on no core dump is written, and no process of the same user can read the memory of this
/// one: secrets and tokens are in it. To be called before either is read.
///
/// # Errors
///
/// Fails where the system refuses.
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

/// From now on memory is backed by small pages only: a peer that announces much and sends little
/// must not make the system hand out 2 MiB for each byte.
///
/// # Errors
///
/// Fails where the system refuses.
pub fn use_small_pages() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true)?;
    Ok(())
}
