//! Whether a request comes from the server that may send it, and not too often.

use std::{net::IpAddr, sync::Arc, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use http::{HeaderMap, HeaderName, header::AUTHORIZATION};
use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Refusal;
use crate::{
    config::InboundCaller,
    digest::{Sha256, sha256},
    model::PeerName,
};

/// The most bytes of a body.
pub(super) const MAX_BODY: usize = 256 << 10;
/// The units of a request until its body has come: those of the longest body.
const UNITS_OF_UNREAD: u32 = 64;
/// The bytes that one unit stands for.
const UNIT: usize = MAX_BODY / UNITS_OF_UNREAD as usize;
/// Requests of one server whose bodies may be on their way: slow ones must not hold all connections.
/// Once a body is there, its request takes the units of its size alone, however long it waits for other
/// servers.
const MAX_UNREAD: usize = 64;
const MAX_UNITS: usize = MAX_UNREAD * UNITS_OF_UNREAD as usize;
/// How long the body of a request may take to come, and how long while half of these are under way: slow
/// bodies must not keep the others out.
const BODY_TIME: Duration = Duration::from_secs(5);
const BODY_TIME_OF_MANY: Duration = Duration::from_secs(1);
/// Too many bodies are on their way.
const BUSY: (&str, &str) = ("overloaded", "too many requests of this server are on their way");
/// The most requests in a second where the settings say nothing.
const PER_SECOND: u32 = 200;

/// The other end of the connection of a request.
#[derive(Debug, Clone, Default)]
pub struct InboundPeer {
    /// Its address; `None`: it comes over a Unix socket.
    pub address: Option<IpAddr>,
    /// The names of its certificate.
    pub names: Vec<PeerName>,
}

/// The parts of a request that may prove who sends it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    /// The path behind that of the server; empty where there is none.
    pub(super) path: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) peer: &'a InboundPeer,
}

/// A request that was let in. It counts as under way until this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    units: OwnedSemaphorePermit,
    /// The longest time that its body may take.
    pub(super) body_time: Duration,
}

impl UnderWay {
    /// Its body is there, of this size: the units beyond it are free for others.
    pub(super) fn has_body(&mut self, bytes: usize) {
        let needed = bytes.div_ceil(UNIT).max(1);
        // Dropped, and with that given back.
        drop(self.units.split(self.units.num_permits().saturating_sub(needed)));
    }
}

/// The proof that a server has to show, and its limits.
#[derive(Debug)]
pub(super) struct Gate {
    /// Its SHA-256: compared in constant time, whatever the lengths.
    secret: Option<Sha256>,
    header: Option<HeaderName>,
    sources: Vec<IpNet>,
    uris: Vec<String>,
    dns_names: Vec<String>,
    limit: DefaultDirectRateLimiter,
    in_flight: Arc<Semaphore>,
}

impl Gate {
    /// `None`: the requests are signed, so that nothing else has to prove who sends them.
    pub(super) fn build(caller: Option<&InboundCaller>) -> Self {
        let per_second = std::num::NonZeroU32::new(PER_SECOND).unwrap_or(std::num::NonZeroU32::MIN);
        let per_second = caller.map_or(per_second, |caller| caller.per_second);
        Self {
            secret: caller
                .and_then(|caller| caller.secret.as_ref())
                .map(|secret| sha256(secret.expose().as_bytes())),
            header: caller.and_then(|caller| caller.header.clone()),
            sources: caller.map(|caller| caller.sources.clone()).unwrap_or_default(),
            uris: caller.map(|caller| caller.uris.clone()).unwrap_or_default(),
            dns_names: caller.map(|caller| caller.dns_names.clone()).unwrap_or_default(),
            limit: RateLimiter::direct(Quota::per_second(per_second)),
            in_flight: Arc::new(Semaphore::new(MAX_UNITS)),
        }
    }

    /// Lets a request in that shows every proof that is configured. Only requests that have proved
    /// themselves count against the limits, so that nobody else can use them up.
    ///
    /// # Errors
    ///
    /// Fails where a proof is missing, or a limit is reached.
    pub(super) fn admit(&self, shown: Shown<'_>) -> Result<UnderWay, Refusal> {
        // All are looked at, so that the time does not tell which one was wrong.
        let proofs = [self.by_secret(shown), self.by_source(shown), self.by_certificate(shown)];
        if proofs.contains(&false) {
            return Err(Refusal::Caller);
        }
        let clock = DefaultClock::default();
        self.limit.check().map_err(|until| Refusal::TooOften(until.wait_time_from(clock.now())))?;
        self.place()
    }

    /// A place for a request that has proved itself, whatever its rate.
    ///
    /// # Errors
    ///
    /// All are taken.
    pub(super) fn place(&self) -> Result<UnderWay, Refusal> {
        let busy = Refusal::NotObeyed(BUSY, Duration::from_secs(1));
        let units = self.in_flight.clone().try_acquire_many_owned(UNITS_OF_UNREAD);
        let units = units.map_err(|_full| busy)?;
        let are_many = self.in_flight.available_permits() < MAX_UNITS / 2;
        let body_time = if are_many { BODY_TIME_OF_MANY } else { BODY_TIME };
        Ok(UnderWay { units, body_time })
    }

    fn by_secret(&self, shown: Shown<'_>) -> bool {
        let in_path = match (&self.secret, &self.header) {
            // A path with more than is configured is another path.
            (None, _) | (Some(_), Some(_)) => {
                return shown.path.is_empty() && self.by_header(shown);
            }
            (Some(own), None) => own,
        };
        same(in_path, shown.path.as_bytes())
    }

    fn by_header(&self, shown: Shown<'_>) -> bool {
        let (Some(own), Some(name)) = (&self.secret, &self.header) else { return true };
        let mut lines = shown.headers.get_all(name).iter();
        let (Some(only), None) = (lines.next(), lines.next()) else { return false };
        let value = only.as_bytes();
        let secret = if *name == AUTHORIZATION { bearer(value) } else { Some(value) };
        secret.is_some_and(|secret| same(own, secret))
    }

    fn by_source(&self, shown: Shown<'_>) -> bool {
        let is_source = |from: IpAddr| {
            let from = from.to_canonical();
            self.sources.iter().any(|net| net.contains(&from))
        };
        self.sources.is_empty() || shown.peer.address.is_some_and(is_source)
    }

    fn by_certificate(&self, shown: Shown<'_>) -> bool {
        let is_known = |name: &PeerName| match name {
            PeerName::Uri(uri) => self.uris.contains(uri),
            PeerName::Dns(dns) => self.dns_names.iter().any(|own| own.eq_ignore_ascii_case(dns)),
        };
        let is_open = self.uris.is_empty() && self.dns_names.is_empty();
        is_open || shown.peer.names.iter().any(is_known)
    }
}

fn same(own: &Sha256, shown: &[u8]) -> bool {
    verify_slices_are_equal(own, &sha256(shown)).is_ok()
}

/// The credentials of the scheme Bearer, whose name has no case (RFC 9110 section 11.1).
pub(super) fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(7)?;
    let token = rest.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}
