//! The check of the listener `http`: its address, its groups, its hosts, the pages that may call.

use std::net::Ipv6Addr;

use super::{
    collide::collide,
    http::{HttpCors, HttpGroup, HttpListener},
    schema::Listeners,
};
use crate::config::{findings::Findings, listen_address::ListenAddress, origin::OriginPattern};

/// Adds the problems of the listener `http` beside the others.
pub(super) fn check_http(http: &HttpListener, all: &Listeners, at: &str, found: &mut Findings) {
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
    let hosts = format!("{at}/hosts");
    let has_no_hosts = http.hosts.is_empty() && !found.has_within(&hosts);
    if http.place_of(HttpGroup::Rpc).is_some() && has_no_hosts {
        found.add(
            hosts,
            "is empty, so that a web page could call through a DNS name of its own (DNS rebinding); \
             write the names by which callers know this listener, such as hosts: [authz.example.com] \
             or hosts: [localhost, 127.0.0.1]",
        );
    }
    if let Some(cors) = &http.cors {
        check_cors(cors, http, at, found);
    }
    for (index, host) in http.hosts.iter().enumerate() {
        if !is_host(host) {
            let message = format!(
                "`{host}` is not a host; write authz.example.com or an IP address, no port and no `*`"
            );
            found.add(format!("{at}/hosts/{index}"), message);
        }
    }
}

fn check_cors(cors: &HttpCors, http: &HttpListener, at: &str, found: &mut Findings) {
    // Callbacks of browsers are looked for where all sections are known.
    let groups = [HttpGroup::Rpc, HttpGroup::Webhooks];
    if groups.into_iter().all(|group| http.place_of(group).is_none()) {
        found.add(
            format!("{at}/cors"),
            "has no effect without `rpc` under `serve`: the other groups are open to every page; leave \
             it out",
        );
    }
    let at = format!("{at}/cors/allowed_origins");
    if cors.allowed_origins.is_empty() {
        found.add(
            &at,
            "is empty, so that no page may call; write allowed_origins: [https://admin.example.com], or \
             leave `cors` out",
        );
    }
    let mut known: Vec<OriginPattern> = Vec::with_capacity(cors.allowed_origins.len());
    for (index, origin) in cors.allowed_origins.iter().enumerate() {
        let at = format!("{at}/{index}");
        match OriginPattern::parse(origin) {
            Err(message) => found.add(at, message),
            Ok(pattern) if known.iter().any(|other| other.means(&pattern)) => {
                found.add(at, "is there twice; leave one out");
            }
            Ok(pattern) => known.push(pattern),
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
