//! What the shape alone cannot tell: ranges, conflicts, references. Many small checks, each
//! adding its problems; settings that were left open are filled in on the way.

mod fresh;
mod literal;
mod routes;
mod rownd_auth;

use std::{collections::HashSet, net::SocketAddr, path::Path};

use super::{Config, TokenSource, check_directory, findings::Findings, sections::WrittenConfig};

/// Checks everything that was written. What has a problem may be missing from the result.
pub(super) fn check(written: WrittenConfig, found: &mut Findings) -> Config {
    // As they are written: one that has a problem of its own is still there to be named.
    let issuers = written.issuers.clone();
    let mut config = written.check(found);
    let all = &mut config;
    listeners(all, found);
    key_snapshots(all, found);
    credentials(&all.credentials.0, found);
    routes::trusted_origins(&all.trusted_origins, found);
    routes::routes(all, found);
    routes::default_route(&all.default, found);
    fresh::profiles(all, &issuers, found);
    fresh::control(all, found);
    rownd_auth::rownd_auth(all, &issuers, found);
    config
}

fn listeners(config: &Config, found: &mut Findings) {
    let grpc = &config.listeners.grpc.address;
    let ops = &config.listeners.ops.address;
    if let Some(path) = grpc.strip_prefix("unix:") {
        if !Path::new(path).is_absolute() {
            found.add(
                "/listeners/grpc/address",
                format!("`{path}` is not an absolute path; write unix:/run/rownd-authz/grpc.sock"),
            );
        }
    } else if let Err(message) = socket_address(grpc) {
        found.add("/listeners/grpc/address", format!("{message}, or unix:/path"));
    }
    probe_address(config, found);
    let (all, one) =
        (config.listeners.grpc.max_streams, config.listeners.grpc.max_concurrent_streams);
    if all < one as usize {
        found.add(
            "/listeners/grpc/max_streams",
            format!("`{all}` is less than one connection may have (max_concurrent_streams); write at least {one}"));
    }
    match socket_address(ops) {
        Err(message) => found.add("/listeners/ops/address", message),
        Ok(address) if grpc.parse().is_ok_and(|grpc| collide(address, grpc)) => found.add(
            "/listeners/ops/address",
            "is the address of the grpc listener too; write another port",
        ),
        Ok(_) => {}
    }
}

/// One socket keeps the other from its port: the same address, or one that stands for all.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    // `[::]` takes connections of IPv4 as well.
    let all = |this: SocketAddr, that: SocketAddr| {
        this.ip().is_unspecified() && (this.is_ipv6() || that.is_ipv4())
    };
    one.port() != 0
        && one.port() == other.port()
        && (one.ip() == other.ip() || all(one, other) || all(other, one))
}

fn probe_address(config: &Config, found: &mut Findings) {
    let Some(probes) = &config.listeners.ops.probe_address else { return };
    let at = "/listeners/ops/probe_address";
    match socket_address(probes) {
        Err(message) => found.add(at, message),
        Ok(address) if !address.ip().is_loopback() => {
            found.add(at, format!("`{probes}` can be reached from elsewhere; write 127.0.0.1:9465"))
        }
        Ok(address)
            if [&config.listeners.grpc.address, &config.listeners.ops.address]
                .iter()
                .any(|other| other.parse().is_ok_and(|other| collide(address, other))) =>
        {
            found.add(at, "is the address of another listener; write another port");
        }
        Ok(_) => {}
    }
}

fn socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is no address; write IP:PORT such as 127.0.0.1:50051"))
}

fn key_snapshots(config: &Config, found: &mut Findings) {
    let Some(settings) = &config.key_snapshots else { return };
    let directory = Path::new(&settings.directory);
    let at = "/key_snapshots/directory";
    if !directory.is_absolute() {
        let message = format!("`{}` is not an absolute path", settings.directory);
        found.add(at, format!("{message}; write /var/lib/rownd-authz/keys"));
    } else if let Err(message) = check_directory(directory) {
        found.add(at, message);
    }
}

/// A header's name reads as one of the reserved prefix `x-rownd-`, which is removed from requests.
fn is_reserved(name: &str) -> bool {
    let read = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().map(read).collect::<String>().starts_with("x-rownd-")
}

fn credentials(sources: &[TokenSource], found: &mut Findings) {
    if sources.is_empty() {
        found.add("/credentials", "no source; write [{header: authorization}]");
    }
    let mut seen = HashSet::new();
    for (index, source) in sources.iter().enumerate() {
        let at = format!("/credentials/{index}");
        let (place, name) = match source {
            TokenSource::Header(name) => ("header", name.to_ascii_lowercase()),
            TokenSource::Cookie(name) => ("cookie", name.clone()),
            TokenSource::Query(name) => ("query", name.clone()),
        };
        let reserved = place == "header" && (name == "cookie" || is_reserved(&name));
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() || reserved {
            found.add(at.clone(), format!("`{name}` is not usable here; write another name"));
        }
        if !seen.insert((place, name)) {
            found.add(at, "stands twice");
        }
    }
}
