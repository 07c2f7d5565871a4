//! The check of the section `listeners`: no two addresses that collide, and no bounds that
//! contradict each other.

use std::net::{Ipv6Addr, SocketAddr};

use super::schema::{
    ControlListener, GrpcListener, HttpGroup, HttpListener, Listeners, OpsListener,
};
use crate::config::{findings::Findings, listen_address::ListenAddress, section::Section};

impl Section for Listeners {
    type Checked = Self;

    fn check(self, at: &str, found: &mut Findings) -> Self {
        check_grpc(&self.grpc, &format!("{at}/grpc"), found);
        check_ops(&self.ops, &self.grpc.address, &format!("{at}/ops"), found);
        if let Some(control) = &self.control {
            check_control(control, &self.grpc.address, &format!("{at}/control"), found);
        }
        if let Some(http) = &self.http {
            check_http(http, &self, &format!("{at}/http"), found);
        }
        self
    }
}

/// Whether other machines reach the gRPC listener without TLS.
pub(in crate::config) const fn is_reached_from_elsewhere(grpc: &GrpcListener) -> bool {
    grpc.tls.is_none() && !grpc.address.is_local()
}

fn check_grpc(grpc: &GrpcListener, at: &str, found: &mut Findings) {
    let one = grpc.max_concurrent_streams;
    if grpc.max_streams < one as usize {
        found.add(
            format!("{at}/max_streams"),
            format!(
                "`{}` is less than one connection may have (max_concurrent_streams); write at \
                 least {one}",
                grpc.max_streams
            ),
        );
    }
}

fn check_ops(ops: &OpsListener, grpc: &ListenAddress, at: &str, found: &mut Findings) {
    // An address that has a problem of its own is no address yet.
    let grpc = match grpc {
        ListenAddress::Tcp(address) if !found.is_left_out("/listeners/grpc/address") => {
            Some(*address)
        }
        ListenAddress::Tcp(_) | ListenAddress::Unix(_) => None,
    };
    if grpc.is_some_and(|grpc| collide(ops.address, grpc)) {
        found.add(
            format!("{at}/address"),
            "is the address of the grpc listener too; write another port",
        );
    }
    let Some(probes) = ops.probe_address else { return };
    let pages = (!found.is_left_out("/listeners/ops/address")).then_some(ops.address);
    let at = format!("{at}/probe_address");
    if !probes.ip().is_loopback() {
        found.add(
            at,
            format!(
                "`{probes}` is not a loopback address, so others reach it; write 127.0.0.1:9465"
            ),
        );
    } else if [grpc, pages].into_iter().flatten().any(|other| collide(probes, other)) {
        found.add(at, "is the address of another listener; write another port");
    }
}

fn check_control(control: &ControlListener, grpc: &ListenAddress, at: &str, found: &mut Findings) {
    if grpc.path() == Some(control.address.path()) {
        found.add(
            format!("{at}/address"),
            "is the address of the grpc listener too; write another path",
        );
    }
    let others = !control.allowed_uids.is_empty() || !control.allowed_gids.is_empty();
    if others && !control.socket_mode.is_open_to_others() {
        found.add(
            format!("{at}/socket_mode"),
            format!(
                "{} lets only the owner connect, but allowed_uids and allowed_gids list others; \
                 write \"0660\"",
                control.socket_mode
            ),
        );
    }
}

fn check_http(http: &HttpListener, all: &Listeners, at: &str, found: &mut Findings) {
    if let ListenAddress::Tcp(address) = &http.address {
        let grpc = match &all.grpc.address {
            ListenAddress::Tcp(grpc) if !found.is_left_out("/listeners/grpc/address") => {
                Some(*grpc)
            }
            ListenAddress::Tcp(_) | ListenAddress::Unix(_) => None,
        };
        let ops = (!found.is_left_out("/listeners/ops/address")).then_some(all.ops.address);
        let taken = [grpc, ops, all.ops.probe_address];
        if taken.into_iter().flatten().any(|other| collide(*address, other)) {
            found.add(
                format!("{at}/address"),
                "is the address of another listener; write another port",
            );
        }
    }
    let control = all.control.as_ref().map(|control| control.address.path());
    let is_taken = |path| all.grpc.address.path() == Some(path) || control == Some(path);
    if http.address.path().is_some_and(is_taken) {
        found.add(format!("{at}/address"), "is the socket of another listener; write another path");
    }
    check_groups(&http.serve, at, found);
    for (index, host) in http.hosts.iter().enumerate() {
        if !is_host(host) {
            let message = format!(
                "`{host}` is not a host; write authz.example.com or an IP address, no port and no `*`"
            );
            found.add(format!("{at}/hosts/{index}"), message);
        }
    }
}

fn check_groups(groups: &[HttpGroup], at: &str, found: &mut Findings) {
    if groups.is_empty() {
        found.add(
            format!("{at}/serve"),
            "is empty, so that every path is answered 404; write serve: [passport_keys], or leave \
             listeners.http out",
        );
    }
    for (index, group) in groups.iter().enumerate() {
        if groups.iter().take(index).any(|before| before == group) {
            found.add(
                format!("{at}/serve/{index}"),
                format!("`{}` stands here twice; leave it out", group.as_str()),
            );
        }
    }
}

/// A DNS name, or an IP address (of IPv6 in brackets, as in a `Host` header).
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    host.len() <= 253 && host.split('.').all(label)
}

/// Whether one socket keeps the other from its port: the same address, or one that means all.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    // `[::]` takes connections of IPv4 as well.
    let all = |this: SocketAddr, that: SocketAddr| {
        this.ip().is_unspecified() && (this.is_ipv6() || that.is_ipv4())
    };
    one.port() != 0
        && one.port() == other.port()
        && (one.ip() == other.ip() || all(one, other) || all(other, one))
}
