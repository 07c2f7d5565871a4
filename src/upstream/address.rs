//! Where a request may go: checked on the name's addresses when connecting, after DNS.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{Error, Origin};

/// Which addresses may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// All but link-local ones.
    Private,
    /// Public ones only.
    Public,
}

impl Reach {
    fn allows(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Self::Private => !link_local(address),
            Self::Public => !link_local(address) && !private(address),
        }
    }
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
                return Err(io::Error::other("no allowed address behind the name").into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// An address written as such never meets the resolver.
pub(super) fn check_literal(url: &Url, origin: Origin) -> Result<(), Error> {
    let (reach, secure) = match origin {
        Origin::Operator => (Reach::Private, true),
        Origin::Document => (Reach::Public, url.scheme() == "https"),
    };
    if !secure {
        return Err(Error::Refused("a learned address has to be https"));
    }
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err(Error::Refused("no host")),
    };
    if reach.allows(address) {
        Ok(())
    } else {
        Err(Error::Refused("not a reachable kind of address"))
    }
}

/// Link-local, where clouds serve credentials, and what is no unicast address.
fn link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast()
        }
        IpAddr::V6(v6) => {
            // fd00:ec2::254 is the metadata address of one large cloud.
            let metadata = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);
            v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast() || v6 == metadata
        }
    }
}

fn private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            // 100.64.0.0/10 is shared address space (RFC 6598).
            let shared = v4.octets().first() == Some(&100)
                && Ipv4Addr::from_bits(v4.to_bits() & 0xffc0_0000) == Ipv4Addr::new(100, 64, 0, 0);
            v4.is_private() || v4.is_loopback() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}
