//! The callers of the service for backends, and their rights.
//!
//! In: the other end of a connection and the secret that came with a call. Out: the caller with
//! its rights, each within the bounds of the entry that grants it, or why it is refused. A caller
//! is known by any one of its secret, its certificate's names and its Unix user; an unknown secret
//! is refused whatever else is known of the caller, because it is a mistake or an attack.

use std::{sync::Arc, time::Duration};

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

/// The name in logs of a caller that no configuration names.
pub const UNKNOWN_CALLER: &str = "-";

/// A set of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rights(u64);

impl Rights {
    /// Of every caller on this machine, without any configuration: what a token alone entitles to.
    const LOCAL: Self = Self(bit(Right::Verify) | bit(Right::GetOwnUser));

    fn of(rights: &[Right]) -> Self {
        Self(rights.iter().fold(0, |all, right| all | bit(*right)))
    }
}

/// The bit of a right, one of 64.
const fn bit(right: Right) -> u64 {
    1 << (right as u32)
}

/// The app and the issuer that a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The configured name of the issuer.
    pub issuer: &'a str,
    /// The app; `None` where there is none, or it is not known.
    pub app: Option<&'a str>,
}

/// The apps and issuers for which an entry grants its rights. `None` is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct GrantBounds {
    apps: Option<Vec<String>>,
    issuers: Option<Vec<String>>,
}

impl GrantBounds {
    const fn are_none(&self) -> bool {
        self.apps.is_none() && self.issuers.is_none()
    }

    fn include(&self, scope: Scope<'_>) -> bool {
        let app = match (&self.apps, scope.app) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(apps), Some(app)) => apps.iter().any(|known| known == app),
        };
        app && self.include_issuer(scope.issuer)
    }

    fn include_issuer(&self, issuer: &str) -> bool {
        self.issuers.as_ref().is_none_or(|all| all.iter().any(|name| name == issuer))
    }
}

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerError {
    /// No caller of the configuration has this secret.
    Unknown,
    /// A caller on another machine has to be one that the configuration names.
    Required,
    /// The caller is known, and may not do this, or not for this app or issuer.
    NotGranted,
}

/// How often one caller may ask for a profile that is younger than `profiles.ttl` makes it.
type FreshReads = Arc<DefaultDirectRateLimiter>;

/// One entry of `rownd_auth.callers`.
#[derive(Debug)]
struct KnownCaller {
    name: Arc<str>,
    fresh_reads: FreshReads,
    rights: Rights,
    bounds: Arc<GrantBounds>,
    /// Its SHA-256: compared in constant time, whatever the lengths.
    secret: Option<[u8; 32]>,
    uris: Vec<String>,
    dns_names: Vec<String>,
    uids: Vec<u32>,
}

/// The callers that the configuration names, and the limit that all others share.
#[derive(Debug)]
pub struct Callers {
    known: Vec<KnownCaller>,
    fresh_reads: FreshReads,
}

/// Warns of each caller that may act for more than one app or issuer because nothing bounds it.
#[must_use]
pub fn warnings(config: &Config) -> Vec<Warning> {
    let issuers = &config.issuers;
    if issuers.len() < 2 && issuers.iter().all(|issuer| issuer.apps().len() < 2) {
        return Vec::new();
    }
    let callers = config.rownd_auth.callers.iter().enumerate();
    let unbounded = callers.filter(|(_, caller)| caller.apps.is_none() && caller.issuers.is_none());
    let warning = |(index, caller): (usize, &Settings)| {
        Warning::of(
            "caller_unbounded",
            format!("/rownd_auth/callers/{index}"),
            format!(
                "the caller {:?} may act for every app and issuer of the configuration; bound it \
                 by `apps` or `issuers` here",
                caller.name
            ),
        )
    };
    unbounded.map(warning).collect()
}

/// A caller that was identified: what each entry that fits it grants, within its bounds.
#[derive(Debug, Clone)]
pub struct Caller {
    name: Arc<str>,
    fresh_reads: FreshReads,
    grants: Vec<(Rights, Arc<GrantBounds>)>,
}

impl Callers {
    pub(super) fn build(service: &RowndAuth) -> Self {
        let rate = Quota::per_second(service.max_age_per_second);
        let fresh_reads = || Arc::new(RateLimiter::direct(rate));
        let entry = |settings: &Settings| KnownCaller {
            name: settings.name.as_str().into(),
            fresh_reads: fresh_reads(),
            rights: Rights::of(&settings.allow),
            bounds: Arc::new(GrantBounds {
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

    /// The names of the callers that the configuration names.
    #[must_use]
    pub fn names(&self) -> Vec<Arc<str>> {
        self.known.iter().map(|entry| entry.name.clone()).collect()
    }

    /// The caller behind this peer, with the secret that came along. Rights of several entries
    /// that fit add up, and so do those of everybody on this machine, which a caller that is known
    /// has within its own bounds.
    ///
    /// # Errors
    ///
    /// [`CallerError::Unknown`], if a secret came and no entry has it; [`CallerError::Required`],
    /// if no entry fits and the peer is on another machine.
    pub fn identify(&self, peer: &Peer, secret: Option<&[u8]>) -> Result<Caller, CallerError> {
        let secret = secret.map(sha256);
        let local = matches!(peer.origin, Origin::Loopback | Origin::Unix { .. });
        let base = if local { Rights::LOCAL } else { Rights(0) };
        let (mut caller, mut grants, mut secret_known) = (None, Vec::new(), false);
        for entry in &self.known {
            // Every entry is compared, so that the time says nothing about which one fits.
            let by_secret = entry.has_secret(secret.as_ref());
            secret_known |= by_secret;
            if by_secret || entry.fits_peer(peer) {
                grants.push((Rights(entry.rights.0 | base.0), entry.bounds.clone()));
                caller.get_or_insert_with(|| (entry.name.clone(), entry.fresh_reads.clone()));
            }
        }
        if secret.is_some() && !secret_known {
            return Err(CallerError::Unknown);
        }
        let (name, fresh_reads) = match caller {
            Some(known) => known,
            None if local => {
                grants.push((base, Arc::default()));
                (UNKNOWN_CALLER.into(), self.fresh_reads.clone())
            }
            None => return Err(CallerError::Required),
        };
        Ok(Caller { name, fresh_reads, grants })
    }
}

impl KnownCaller {
    fn has_secret(&self, secret: Option<&[u8; 32]>) -> bool {
        self.secret
            .zip(secret)
            .is_some_and(|(own, shown)| verify_slices_are_equal(&own, shown).is_ok())
    }

    fn fits_peer(&self, peer: &Peer) -> bool {
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

    /// The caller may ask for a profile that is younger than it has to be.
    ///
    /// # Errors
    ///
    /// The time after which it may, if it asks too often.
    pub fn read_fresh(&self) -> Result<(), Duration> {
        let clock = DefaultClock::default();
        self.fresh_reads.check().map_err(|until| until.wait_time_from(clock.now()))
    }

    /// The caller has one of these rights, for some app and issuer at least.
    ///
    /// # Errors
    ///
    /// [`CallerError::NotGranted`], if it has none of them.
    pub fn may(&self, rights: &[Right]) -> Result<(), CallerError> {
        self.has(rights, |_| true)
    }

    /// The caller has one of these rights for this app and issuer.
    ///
    /// # Errors
    ///
    /// [`CallerError::NotGranted`], if it has none of them there.
    pub fn may_for(&self, rights: &[Right], scope: Scope<'_>) -> Result<(), CallerError> {
        self.has(rights, |bounds| bounds.include(scope))
    }

    /// The caller has one of these rights for some app of this issuer.
    ///
    /// # Errors
    ///
    /// [`CallerError::NotGranted`], if it has none of them there.
    pub fn may_at(&self, rights: &[Right], issuer: &str) -> Result<(), CallerError> {
        self.has(rights, |bounds| bounds.include_issuer(issuer))
    }

    /// The caller has one of these rights for every app and issuer, so that nothing has to be known
    /// of the call's own.
    #[must_use]
    pub fn is_unbounded(&self, rights: &[Right]) -> bool {
        self.has(rights, GrantBounds::are_none).is_ok()
    }

    fn has(
        &self,
        rights: &[Right],
        fits: impl Fn(&GrantBounds) -> bool,
    ) -> Result<(), CallerError> {
        let wanted = Rights::of(rights).0;
        let granted =
            self.grants.iter().any(|(rights, bounds)| rights.0 & wanted != 0 && fits(bounds));
        if granted { Ok(()) } else { Err(CallerError::NotGranted) }
    }
}
