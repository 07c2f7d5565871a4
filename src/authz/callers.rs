//! Who may call the service for backends, and what.
//!
//! In: the other end of a connection and the secret that came with a call. Out: the caller with
//! its rights, or why it is nobody. A caller is known by any one of its means; a secret that is
//! nobody's is a refusal whatever else is known, because somebody meant to be somebody.

use std::sync::Arc;

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};

use crate::{
    config::{Caller as Settings, Right},
    model::{Origin, Peer, PeerName},
};

/// A caller that stands in no configuration, in logs.
pub const NOBODY: &str = "-";

/// What may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rights(u8);

impl Rights {
    /// On this machine, and with nothing configured: what a token alone entitles to.
    const LOCAL: Self = Self(bit(Right::Verify) | bit(Right::GetOwnUser));

    fn of(rights: &[Right]) -> Self {
        Self(rights.iter().fold(0, |all, right| all | bit(*right)))
    }
}

const fn bit(right: Right) -> u8 {
    match right {
        Right::Verify => 1,
        Right::GetOwnUser => 2,
        Right::GetUser => 4,
        Right::Exchange => 8,
        Right::CreateGuest => 16,
    }
}

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The secret is nobody's.
    Unknown,
    /// Who calls from another machine has to be known.
    Required,
    /// The caller is known, and may not do this.
    NotGranted,
}

#[derive(Debug)]
struct Entry {
    name: Arc<str>,
    rights: Rights,
    /// Its SHA-256: compared in constant time, whatever the lengths.
    secret: Option<[u8; 32]>,
    uris: Vec<String>,
    dns_names: Vec<String>,
    uids: Vec<u32>,
}

/// Everybody who is known.
#[derive(Debug)]
pub struct Callers(Vec<Entry>);

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    name: Arc<str>,
    rights: Rights,
}

impl Callers {
    pub(super) fn build(settings: &[Settings]) -> Self {
        let entry = |settings: &Settings| Entry {
            name: settings.name.as_str().into(),
            rights: Rights::of(&settings.allow),
            secret: settings.secret.as_ref().map(|secret| sha256(secret.expose().as_bytes())),
            uris: settings.uris.clone(),
            dns_names: settings.dns_names.clone(),
            uids: settings.uids.clone(),
        };
        Self(settings.iter().map(entry).collect())
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<Arc<str>> {
        self.0.iter().map(|entry| entry.name.clone()).collect()
    }

    /// The caller behind this peer, with the secret that came along. Rights of several entries
    /// that fit add up, and so do those of everybody on this machine.
    pub fn identify(&self, peer: &Peer, secret: Option<&[u8]>) -> Result<Caller, Refusal> {
        let secret = secret.map(sha256);
        let (mut name, mut rights, mut proved) = (None, Rights(0), false);
        for entry in &self.0 {
            // Every entry is compared, so that the time says nothing about which one fits.
            let by_secret = entry.is(secret.as_ref());
            proved |= by_secret;
            if by_secret || entry.is_at(peer) {
                rights.0 |= entry.rights.0;
                name.get_or_insert_with(|| entry.name.clone());
            }
        }
        if secret.is_some() && !proved {
            return Err(Refusal::Unknown);
        }
        if matches!(peer.origin, Origin::Loopback | Origin::Unix { .. }) {
            rights.0 |= Rights::LOCAL.0;
        } else if name.is_none() {
            return Err(Refusal::Required);
        }
        Ok(Caller { name: name.unwrap_or_else(|| NOBODY.into()), rights })
    }
}

impl Entry {
    fn is(&self, secret: Option<&[u8; 32]>) -> bool {
        self.secret
            .zip(secret)
            .is_some_and(|(own, shown)| verify_slices_are_equal(&own, shown).is_ok())
    }

    fn is_at(&self, peer: &Peer) -> bool {
        let named = peer.names.iter().any(|name| match name {
            PeerName::Uri(uri) => self.uris.contains(uri),
            // Names of hosts have no case (RFC 4343).
            PeerName::Dns(dns) => self.dns_names.iter().any(|own| own.eq_ignore_ascii_case(dns)),
        });
        let user = match peer.origin {
            Origin::Unix { uid, .. } => self.uids.contains(&uid),
            Origin::Loopback | Origin::Network => false,
        };
        named || user
    }
}

impl Caller {
    /// Its configured name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// It may do one of these.
    pub fn may(&self, rights: &[Right]) -> Result<(), Refusal> {
        if self.rights.0 & Rights::of(rights).0 == 0 { Err(Refusal::NotGranted) } else { Ok(()) }
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}
