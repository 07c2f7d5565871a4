//! Some tests measure time or load the machine. They run alone; the others side by
//! side.

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

static MACHINE: RwLock<()> = RwLock::const_new(());

/// For a test that may run beside others.
pub(super) async fn shared() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().await
}

/// For a test that must run alone.
pub(super) async fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().await
}
