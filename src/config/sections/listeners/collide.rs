//! Addresses that two sockets cannot have at a time.

use std::net::SocketAddr;

/// Whether one socket keeps the other from its port: the same address, or one that means all.
pub(super) fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    // `[::]` takes connections of IPv4 as well.
    let all = |this: SocketAddr, that: SocketAddr| {
        this.ip().is_unspecified() && (this.is_ipv6() || that.is_ipv4())
    };
    one.port() != 0
        && one.port() == other.port()
        && (one.ip() == other.ip() || all(one, other) || all(other, one))
}
