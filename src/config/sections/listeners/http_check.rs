//! The check of the listeners `http` and `public_http`: address, groups, hosts, the pages that may call.

use std::net::{Ipv6Addr, SocketAddr};

use super::{
    collide::collide,
    http::{HttpCors, HttpGroup},
    http_settings::{HttpListenerName, HttpSettings},
    schema::Listeners,
};
use crate::config::{findings::Findings, listen_address::ListenAddress, origin::OriginPattern};

/// Adds the problems of the listeners over HTTP, one beside the other and beside the rest.
pub(super) fn check_http(all: &Listeners, found: &mut Findings) {
    for http in all.over_http() {
        check_address(http, all, found);
        check_groups(http, all, found);
        check_hosts(http, found);
        if let Some(cors) = http.cors {
            check_cors(cors, http, found);
        }
    }
}

fn check_address(http: HttpSettings<'_>, all: &Listeners, found: &mut Findings) {
    // Of two listeners over HTTP, the second has the problem.
    let others = all.over_http().take_while(|other| other.name != http.name);
    let first = others.map(|other| (other.address, other.name.pointer("address"))).next();
    let grpc = Some((&all.grpc.address, "/listeners/grpc/address".to_owned()));
    // An address that has a problem of its own is no address yet.
    let addresses = [grpc, first].into_iter().flatten();
    let others: Vec<&ListenAddress> = addresses
        .filter(|(_, pointer)| !found.is_left_out(pointer))
        .map(|(address, _)| address)
        .collect();
    let at = http.name.pointer("address");
    match http.address {
        ListenAddress::Tcp(address) => {
            let ops = (!found.is_left_out("/listeners/ops/address")).then_some(all.ops.address);
            let of_http = others.iter().filter_map(|other| tcp(other));
            let taken = [ops, all.ops.probe_address].into_iter().flatten().chain(of_http);
            if taken.into_iter().any(|other| collide(*address, other)) {
                found.add(at, "is the address of another listener; write another port");
            }
        }
        ListenAddress::Unix(path) => {
            let control = all.control.as_ref().map(|control| control.address.path());
            let taken = others.iter().filter_map(|other| other.path()).chain(control);
            if taken.into_iter().any(|other| other == path) {
                found.add(at, "is the socket of another listener; write another path");
            }
        }
    }
}

const fn tcp(address: &ListenAddress) -> Option<SocketAddr> {
    match address {
        ListenAddress::Tcp(address) => Some(*address),
        ListenAddress::Unix(_) => None,
    }
}

fn check_groups(http: HttpSettings<'_>, all: &Listeners, found: &mut Findings) {
    if http.serve.is_empty() {
        found.add(
            http.name.pointer("serve"),
            format!(
                "is empty, so that every path is answered 404; write serve: [passport_keys], or \
                 leave listeners.{} out",
                http.name.as_str()
            ),
        );
    }
    for (index, group) in http.serve.iter().enumerate() {
        let at = format!("{}/{index}", http.name.pointer("serve"));
        if http.serve.iter().take(index).any(|before| before == group) {
            found.add(at, format!("`{}` stands here twice; leave it out", group.as_str()));
            continue;
        }
        if http.name != HttpListenerName::PublicHttp {
            continue;
        }
        match group {
            HttpGroup::Rpc => found.add(
                at,
                "is for backends, whose secrets may do all that their rights allow, and never for a \
                 listener that everybody reaches; write it in listeners.http.serve",
            ),
            HttpGroup::PassportKeys
            | HttpGroup::ResourceMetadata
            | HttpGroup::TokenValidator
            | HttpGroup::Webhooks => {
                let on_http = all.http.as_ref().is_some_and(|other| other.serve.contains(group));
                if on_http {
                    let message = format!(
                        "`{}` is served by listeners.http too; leave it out in one of the two",
                        group.as_str()
                    );
                    found.add(at, message);
                }
            }
        }
    }
}

fn check_hosts(http: HttpSettings<'_>, found: &mut Findings) {
    let hosts = http.name.pointer("hosts");
    let has_no_hosts = http.hosts.is_empty() && !found.has_within(&hosts);
    let is_for_backends = http.name == HttpListenerName::Http;
    if is_for_backends && http.place_of(HttpGroup::Rpc).is_some() && has_no_hosts {
        found.add(
            &hosts,
            "is empty, so that a web page could call through a DNS name of its own (DNS rebinding); \
             write the names by which callers know this listener, such as hosts: [authz.example.com] \
             or hosts: [localhost, 127.0.0.1]",
        );
    }
    for (index, host) in http.hosts.iter().enumerate() {
        if !is_host(host) {
            let message = format!(
                "`{host}` is not a host; write authz.example.com or an IP address, no port and no `*`"
            );
            found.add(format!("{hosts}/{index}"), message);
        }
    }
}

fn check_cors(cors: &HttpCors, http: HttpSettings<'_>, found: &mut Findings) {
    // Callbacks of browsers are looked for where all sections are known.
    let groups = [HttpGroup::Rpc, HttpGroup::Webhooks];
    if groups.into_iter().all(|group| http.place_of(group).is_none()) {
        found.add(
            http.name.pointer("cors"),
            "has no effect without `rpc` under `serve`: the other groups are open to every page; leave \
             it out",
        );
    }
    let at = http.name.pointer("cors/allowed_origins");
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
