//! What the handlers of one emulator share.
//!
//! In: the settings and the bound address. Out: the names it answers with, its keys,
//! its injected faults, its hit counters and the world that its endpoints change.

use std::{
    net::SocketAddr,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    Settings,
    faults::Ledger,
    keys::{KeyError, KeyRing},
    oidc::ProviderKeys,
    supertokens::CoreKeys,
    world::World,
};

pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) base_url: String,
    pub(super) issuer: String,
    pub(super) ledger: Ledger,
    ring: RwLock<KeyRing>,
    /// SuperTokens signs with RSA.
    pub(super) core_keys: CoreKeys,
    /// The OpenID providers sign with keys of their own.
    pub(super) provider_keys: ProviderKeys,
    world: RwLock<World>,
}

impl State {
    pub(super) fn new(settings: Settings, address: SocketAddr) -> Result<Self, KeyError> {
        let base_url = format!("http://{address}");
        let issuer = settings.issuer.clone().unwrap_or_else(|| base_url.clone());
        let world = RwLock::new(World::new(&settings));
        Ok(Self {
            settings,
            base_url,
            issuer,
            ledger: Ledger::default(),
            core_keys: CoreKeys::new(),
            ring: RwLock::new(KeyRing::generate(unix_now())?),
            provider_keys: ProviderKeys::new()?,
            world,
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

    // The same holds here: what a panic could leave behind is a user more or less. Nobody
    // may ask for a second guard while one is held.
    pub(super) fn world(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn world_mut(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Back to the seed: users, groups and what was used up. Keys and faults stay.
    pub(super) fn reset(&self) {
        *self.world_mut() = World::new(&self.settings);
    }
}

/// Unix seconds; a clock before 1970 reads as 1970.
pub(super) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
