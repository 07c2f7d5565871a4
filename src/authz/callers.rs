//! Who may call the service for backends, and what.
//!
//! In: the other end of a connection and the secret that came with a call. Out: the caller with
//! its rights, each within the bounds of the entry that grants it, or why it is nobody. A caller
//! is known by any one of its means; a secret that is nobody's is a refusal whatever else is
//! known, because somebody meant to be somebody.

use std::{borrow::Cow, num::NonZeroU32, sync::Arc, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};

use crate::{
    config::{Caller as Settings, Config, Right, RowndAuth},
    digest::sha256,
    model::{Origin, Peer, PeerName, Warning},
};

/// A caller that stands in no configuration, in logs.
pub const NOBODY: &str = "-";

/// What may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rights(u64);

impl Rights {
    /// On this machine, and with nothing configured: what a token alone entitles to.
    const LOCAL: Self = Self(bit(Right::Verify) | bit(Right::GetOwnUser));

    fn of(rights: &[Right]) -> Self {
        Self(rights.iter().fold(0, |all, right| all | bit(*right)))
    }
}

/// One of 64: a right more does not compile before it has one.
const fn bit(right: Right) -> u64 {
    let place: u32 = match right {
        Right::Verify => 0,
        Right::GetOwnUser => 1,
        Right::GetUser => 2,
        Right::Exchange => 3,
        Right::CreateGuest => 4,
    };
    1 << place
}

/// Which apps and issuers something is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The configured name of the issuer.
    pub issuer: &'a str,
    /// The app; `None` belongs to no app, or to one that nobody knows.
    pub app: Option<&'a str>,
}

/// What an entry's rights are for. `None` is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Bounds {
    apps: Option<Vec<String>>,
    issuers: Option<Vec<String>>,
}

impl Bounds {
    const fn are_none(&self) -> bool {
        self.apps.is_none() && self.issuers.is_none()
    }

    fn hold(&self, scope: Scope<'_>) -> bool {
        let app = match (&self.apps, scope.app) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(apps), Some(app)) => apps.iter().any(|known| known == app),
        };
        app && self.at(scope.issuer)
    }

    fn at(&self, issuer: &str) -> bool {
        self.issuers.as_ref().is_none_or(|all| all.iter().any(|name| name == issuer))
    }
}

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The secret is nobody's.
    Unknown,
    /// Who calls from another machine has to be known.
    Required,
    /// The caller is known, and may not do this, or not for this app or issuer.
    NotGranted,
}

/// How often one caller may ask for what is younger than it has to be.
type FreshReads = Arc<DefaultDirectRateLimiter>;

#[derive(Debug)]
struct Entry {
    name: Arc<str>,
    fresh_reads: FreshReads,
    rights: Rights,
    bounds: Arc<Bounds>,
    /// Its SHA-256: compared in constant time, whatever the lengths.
    secret: Option<[u8; 32]>,
    uris: Vec<String>,
    dns_names: Vec<String>,
    uids: Vec<u32>,
}

/// Everybody who is known, and what those have in common who are not.
#[derive(Debug)]
pub struct Callers {
    known: Vec<Entry>,
    fresh_reads: FreshReads,
}

/// Warns of each caller that may act for more than one app or issuer because nothing bounds it.
#[must_use]
pub fn warnings(config: &Config) -> Vec<Warning> {
    let issuers = &config.issuers;
    if issuers.len() < 2 && issuers.iter().all(|issuer| issuer.apps.len() < 2) {
        return Vec::new();
    }
    let unbounded = |caller: &&Settings| caller.apps.is_none() && caller.issuers.is_none();
    let warning = |caller: &Settings| Warning {
        code: "caller_unbounded",
        text: Cow::Owned(format!(
            "the caller {:?} may act for every app and issuer of the configuration; bound it by \
             rownd_auth.callers[].apps or rownd_auth.callers[].issuers",
            caller.name
        )),
    };
    config.rownd_auth.callers.iter().filter(unbounded).map(warning).collect()
}

/// Who calls: what each entry that fits grants, within its bounds.
#[derive(Debug, Clone)]
pub struct Caller {
    name: Arc<str>,
    fresh_reads: FreshReads,
    grants: Vec<(Rights, Arc<Bounds>)>,
}

impl Callers {
    pub(super) fn build(service: &RowndAuth) -> Self {
        let rate = NonZeroU32::new(service.max_age_per_second).unwrap_or(NonZeroU32::MIN);
        let fresh_reads = || Arc::new(RateLimiter::direct(Quota::per_second(rate)));
        let entry = |settings: &Settings| Entry {
            name: settings.name.as_str().into(),
            fresh_reads: fresh_reads(),
            rights: Rights::of(&settings.allow),
            bounds: Arc::new(Bounds {
                apps: settings.apps.clone(),
                issuers: settings.issuers.clone(),
            }),
            secret: settings.secret.as_ref().map(|secret| sha256(secret.expose().as_bytes())),
            uris: settings.uris.clone(),
            dns_names: settings.dns_names.clone(),
            uids: settings.uids.clone(),
        };
        let known = service.callers.iter().map(entry).collect();
        Self { known, fresh_reads: fresh_reads() }
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<Arc<str>> {
        self.known.iter().map(|entry| entry.name.clone()).collect()
    }

    /// The caller behind this peer, with the secret that came along. Rights of several entries
    /// that fit add up, and so do those of everybody on this machine, which a caller that is known
    /// has within its own bounds.
    pub fn identify(&self, peer: &Peer, secret: Option<&[u8]>) -> Result<Caller, Refusal> {
        let secret = secret.map(sha256);
        let local = matches!(peer.origin, Origin::Loopback | Origin::Unix { .. });
        let base = if local { Rights::LOCAL } else { Rights(0) };
        let (mut who, mut grants, mut proved) = (None, Vec::new(), false);
        for entry in &self.known {
            // Every entry is compared, so that the time says nothing about which one fits.
            let by_secret = entry.is(secret.as_ref());
            proved |= by_secret;
            if by_secret || entry.is_at(peer) {
                grants.push((Rights(entry.rights.0 | base.0), entry.bounds.clone()));
                who.get_or_insert_with(|| (entry.name.clone(), entry.fresh_reads.clone()));
            }
        }
        if secret.is_some() && !proved {
            return Err(Refusal::Unknown);
        }
        let (name, fresh_reads) = match who {
            Some(known) => known,
            None if local => {
                grants.push((base, Arc::default()));
                (NOBODY.into(), self.fresh_reads.clone())
            }
            None => return Err(Refusal::Required),
        };
        Ok(Caller { name, fresh_reads, grants })
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

    /// It may ask for what is younger than it has to be; else: after what time it may.
    pub fn read_fresh(&self) -> Result<(), Duration> {
        let clock = DefaultClock::default();
        self.fresh_reads.check().map_err(|until| until.wait_time_from(clock.now()))
    }

    /// It may do one of these, for something at least.
    pub fn may(&self, rights: &[Right]) -> Result<(), Refusal> {
        self.has(rights, |_| true)
    }

    /// It may do one of these for this app and issuer.
    pub fn may_for(&self, rights: &[Right], scope: Scope<'_>) -> Result<(), Refusal> {
        self.has(rights, |bounds| bounds.hold(scope))
    }

    /// It may do one of these for something of this issuer.
    pub fn may_at(&self, rights: &[Right], issuer: &str) -> Result<(), Refusal> {
        self.has(rights, |bounds| bounds.at(issuer))
    }

    /// It may do one of these for everything, so that nothing has to be known of what it is about.
    #[must_use]
    pub fn is_unbounded(&self, rights: &[Right]) -> bool {
        self.has(rights, Bounds::are_none).is_ok()
    }

    fn has(&self, rights: &[Right], fits: impl Fn(&Bounds) -> bool) -> Result<(), Refusal> {
        let wanted = Rights::of(rights).0;
        let granted =
            self.grants.iter().any(|(rights, bounds)| rights.0 & wanted != 0 && fits(bounds));
        if granted { Ok(()) } else { Err(Refusal::NotGranted) }
    }
}
