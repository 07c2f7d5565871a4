//! What the handlers of one emulator share.
//!
//! In: the settings and the bound address. Out: the names it answers with, its keys,
//! its injected faults and its hit counters.

use std::{
    net::SocketAddr,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    Settings,
    faults::Ledger,
    keys::{KeyError, KeyRing},
};

pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) base_url: String,
    pub(super) issuer: String,
    pub(super) ledger: Ledger,
    ring: RwLock<KeyRing>,
}

impl State {
    pub(super) fn new(settings: Settings, address: SocketAddr) -> Result<Self, KeyError> {
        let base_url = format!("http://{address}");
        let issuer = settings.issuer.clone().unwrap_or_else(|| base_url.clone());
        Ok(Self {
            settings,
            base_url,
            issuer,
            ledger: Ledger::default(),
            ring: RwLock::new(KeyRing::generate(unix_now())?),
        })
    }

    // A panic elsewhere leaves the ring whole (it changes by single assignments), so a
    // poisoned lock is no reason to stop answering.
    pub(super) fn ring(&self) -> RwLockReadGuard<'_, KeyRing> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ring_mut(&self) -> RwLockWriteGuard<'_, KeyRing> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Unix seconds; a clock before 1970 reads as 1970.
pub(super) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
