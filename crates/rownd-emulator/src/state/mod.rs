//! The state of one emulator, which its routes share: settings, keys, faults and records.

mod faults;

use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::{
    data::{outbox::Outbox, records::Records, time::unix_now},
    keys::{ed25519::KeyRing, provider::ProviderKeys, rotation::KeyError, session::SessionKeys},
    settings::Settings,
};
pub(crate) use faults::FaultTable;
pub use faults::{Endpoint, Fault};

/// The state of one emulator.
pub(crate) struct State {
    pub(crate) settings: Settings,
    /// The address in metadata and links, without a slash at its end.
    pub(crate) base_url: String,
    /// The `iss` of Rownd's tokens.
    pub(crate) issuer: String,
    pub(crate) faults: FaultTable,
    /// The keys of Rownd's own tokens.
    ring: RwLock<KeyRing>,
    /// The keys of the sessions of SuperTokens.
    pub(crate) session_keys: SessionKeys,
    /// The keys of the OpenID providers.
    pub(crate) provider_keys: ProviderKeys,
    records: RwLock<Records>,
    outbox: Mutex<Outbox>,
}

impl State {
    /// The state of an emulator that listens on `address`, as the seed has it.
    pub(crate) fn new(settings: Settings, address: SocketAddr) -> Result<Self, KeyError> {
        let base_url = settings.base_url_at(address);
        let issuer = settings.issuer.clone().unwrap_or_else(|| base_url.clone());
        let records = RwLock::new(Records::new(settings.apps()));
        Ok(Self {
            settings,
            base_url,
            issuer,
            faults: FaultTable::default(),
            session_keys: SessionKeys::new(),
            ring: RwLock::new(KeyRing::generate(unix_now())?),
            provider_keys: ProviderKeys::new()?,
            records,
            outbox: Mutex::default(),
        })
    }

    // A panic elsewhere leaves the ring whole (it changes by single assignments), so a
    // poisoned lock is no reason to stop answering.

    /// The keys of Rownd's own tokens.
    pub(crate) fn ring(&self) -> RwLockReadGuard<'_, KeyRing> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys of Rownd's own tokens, to change them.
    pub(crate) fn ring_mut(&self) -> RwLockWriteGuard<'_, KeyRing> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }

    // The same holds for the records: a panic can at most leave one user too many or too few.

    /// Apps, users and the rest. A second guard while one is held would be a deadlock.
    pub(crate) fn records(&self) -> RwLockReadGuard<'_, Records> {
        self.records.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, to change them.
    pub(crate) fn records_mut(&self) -> RwLockWriteGuard<'_, Records> {
        self.records.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The messages to others. Where both are held, the records come first.
    pub(crate) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the records back to the seed. Keys, faults and counts stay.
    pub(crate) fn reset(&self) {
        *self.records_mut() = Records::new(self.settings.apps());
    }
}
