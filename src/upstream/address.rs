//! Where a request may go: checked on the name's addresses when connecting, after DNS.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::error::UpstreamError;

/// Which addresses may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// All but link-local ones and other places of credentials.
    Private,
    /// Public ones only.
    Public,
}

impl Reach {
    pub(super) fn allows(self, address: IpAddr) -> bool {
        let allowed = |address| match self {
            Self::Private => !never(address),
            Self::Public => !never(address) && !private(address),
        };
        // Both the address and the one it may lead to.
        let inner = match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => embedded(v6).map(IpAddr::V4),
        };
        allowed(address) && inner.is_none_or(allowed)
    }
}

/// The standing of a URL, which decides where it may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The operator wrote it, or the program has it.
    Written,
    /// A document named it, and the operator allowed its origin.
    Allowed,
    /// A document named it.
    Learned,
}

/// The resolver that hides refused addresses from the connector.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard(pub(super) Reach);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|found| reach.allows(found.ip())).collect();
            if allowed.is_empty() {
                let text = match reach {
                    Reach::Private => "no allowed address behind the name",
                    Reach::Public => {
                        "no public address behind a name out of a document; if it is yours, write \
                         its origin in issuers[].allowed_origins"
                    }
                };
                return Err(io::Error::other(text).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// An address written as such never meets the resolver.
pub(super) fn check_literal(url: &Url, standing: Standing) -> Result<(), UpstreamError> {
    let (reach, secure) = match standing {
        Standing::Written | Standing::Allowed => (Reach::Private, true),
        Standing::Learned => (Reach::Public, url.scheme() == "https"),
    };
    if !secure {
        return Err(UpstreamError::Refused("a learned address has to be https"));
    }
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err(UpstreamError::Refused("no host")),
    };
    if reach.allows(address) {
        return Ok(());
    }
    Err(UpstreamError::Refused(match (standing, Reach::Private.allows(address)) {
        (Standing::Learned, true) => {
            "a document leads to a private address; if it is yours, write its origin in \
             issuers[].allowed_origins"
        }
        (Standing::Written | Standing::Allowed | Standing::Learned, _) => {
            "not a reachable kind of address"
        }
    }))
}

/// Where clouds serve credentials outside the link-local ranges: two of AWS and of Google by
/// IPv6, Azure's wire server, Alibaba's, Oracle's old one.
const METADATA_V4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
];
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
];

/// The IPv4 address that an IPv6 one leads to: mapped and compatible (RFC 4291 section 2.5.5),
/// behind NAT64 (RFC 6052, RFC 8215 with its longest prefix) or 6to4 (RFC 3056).
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0 | 1, 0, 0, 0) => Some(v4(g, h)),
        // `::` and `::1` are addresses of their own.
        (0, 0, 0, 0, 0, 0) if g != 0 || h > 1 => Some(v4(g, h)),
        (0x2002, high, low, ..) => Some(v4(high, low)),
        _ => None,
    }
}

/// Link-local and other places where clouds serve credentials, and what is no unicast address.
fn never(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.octets().first() == Some(&0)
                || v4.octets().first() >= Some(&224)
                || METADATA_V4.contains(&v4)
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.is_multicast()
                || METADATA_V6.contains(&v6)
        }
    }
}

fn private(address: IpAddr) -> bool {
    let within = |v4: Ipv4Addr, prefix: [u8; 2], bits: u32| {
        let [a, b] = prefix;
        (v4.to_bits() ^ Ipv4Addr::new(a, b, 0, 0).to_bits()).leading_zeros() >= bits
    };
    match address {
        // Shared address space (RFC 6598), protocol assignments (RFC 6890), benchmarks (RFC 2544).
        IpAddr::V4(v4) => {
            v4.is_private()
                || v4.is_loopback()
                || v4.is_documentation()
                || within(v4, [100, 64], 10)
                || within(v4, [192, 0], 24)
                || within(v4, [198, 18], 15)
        }
        // Site-local addresses are out of use (RFC 3879), not out of reach.
        IpAddr::V6(v6) => {
            let site_local = v6.segments().first().is_some_and(|first| first & 0xffc0 == 0xfec0);
            v6.is_loopback() || v6.is_unique_local() || site_local
        }
    }
}
