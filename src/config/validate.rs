//! What the shape alone cannot tell: ranges, conflicts, references. Many small checks, each
//! adding its problems; settings that were left open are filled in on the way.

mod fresh;
mod issuers;
mod literal;
mod routes;
mod rownd_auth;

use std::{collections::HashSet, net::SocketAddr, path::Path};

use super::{Config, Span, TokenSource, check_directory};

type Found = Vec<(String, String)>;

/// All problems: JSON pointer and message.
pub(super) fn problems(config: &mut Config) -> Found {
    let mut found = Found::new();
    listeners(config, &mut found);
    durations(config, &mut found);
    issuers::issuers(config, &mut found);
    key_snapshots(config, &mut found);
    credentials(&config.credentials.0, &mut found);
    routes::trusted_origins(&config.trusted_origins, &mut found);
    routes::routes(config, &mut found);
    routes::default_route(&config.default, &mut found);
    fresh::profiles(config, &mut found);
    fresh::control(config, &mut found);
    rownd_auth::rownd_auth(config, &mut found);
    found
}

fn listeners(config: &Config, found: &mut Found) {
    let grpc = &config.listeners.grpc.address;
    let ops = &config.listeners.ops.address;
    if let Some(path) = grpc.strip_prefix("unix:") {
        if !Path::new(path).is_absolute() {
            found.push((
                "/listeners/grpc/address".into(),
                format!("`{path}` is not an absolute path; write unix:/run/rownd-authz/grpc.sock"),
            ));
        }
    } else if let Err(message) = socket_address(grpc) {
        found.push(("/listeners/grpc/address".into(), format!("{message}, or unix:/path")));
    }
    probe_address(config, found);
    let (all, one) =
        (config.listeners.grpc.max_streams, config.listeners.grpc.max_concurrent_streams);
    if all < one as usize {
        found.push((
            "/listeners/grpc/max_streams".into(),
            format!("`{all}` is less than one connection may have (max_concurrent_streams); write at least {one}"),
        ));
    }
    match socket_address(ops) {
        Err(message) => found.push(("/listeners/ops/address".into(), message)),
        Ok(address) if grpc.parse().is_ok_and(|grpc| collide(address, grpc)) => found.push((
            "/listeners/ops/address".into(),
            "is the address of the grpc listener too; write another port".into(),
        )),
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

fn probe_address(config: &Config, found: &mut Found) {
    let Some(probes) = &config.listeners.ops.probe_address else { return };
    let at = "/listeners/ops/probe_address";
    match socket_address(probes) {
        Err(message) => found.push((at.into(), message)),
        Ok(address) if !address.ip().is_loopback() => found.push((
            at.into(),
            format!("`{probes}` can be reached from elsewhere; write 127.0.0.1:9465"),
        )),
        Ok(address)
            if [&config.listeners.grpc.address, &config.listeners.ops.address]
                .iter()
                .any(|other| other.parse().is_ok_and(|other| collide(address, other))) =>
        {
            found
                .push((at.into(), "is the address of another listener; write another port".into()));
        }
        Ok(_) => {}
    }
}

fn socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is no address; write IP:PORT such as 127.0.0.1:50051"))
}

fn durations(config: &Config, found: &mut Found) {
    let ms = Span::from_millis;
    let grpc = &config.listeners.grpc;
    let check = &config.check;
    let rows = [
        ("/check/timeout", check.timeout, ms(20), ms(60_000)),
        ("/check/retry_after", check.retry_after, ms(1_000), ms(3_600_000)),
        ("/listeners/grpc/first_byte_timeout", grpc.first_byte_timeout, ms(100), ms(60_000)),
        ("/listeners/grpc/keepalive_interval", grpc.keepalive_interval, ms(1_000), ms(3_600_000)),
        ("/listeners/grpc/keepalive_timeout", grpc.keepalive_timeout, ms(100), ms(60_000)),
        ("/listeners/grpc/max_connection_age", grpc.max_connection_age, ms(500), ms(86_400_000)),
        (
            "/listeners/grpc/max_connection_age_grace",
            grpc.max_connection_age_grace,
            ms(100),
            ms(3_600_000),
        ),
        ("/profiles/ttl", config.profiles.ttl, ms(0), ms(3_600_000)),
        ("/profiles/not_found_ttl", config.profiles.not_found_ttl, ms(0), ms(600_000)),
        ("/profiles/stale_on_error", config.profiles.stale_on_error, ms(0), ms(86_400_000)),
        ("/profiles/timeout", config.profiles.timeout, ms(100), ms(30_000)),
        ("/revocation/max_ttl", config.revocation.max_ttl, ms(60_000), ms(366 * 86_400_000)),
        ("/shutdown/drain_delay", config.shutdown.drain_delay, ms(0), ms(600_000)),
        ("/shutdown/grace", config.shutdown.grace, ms(0), ms(600_000)),
    ];
    for (pointer, value, least, most) in rows {
        range(pointer, value, least, most, found);
    }
}

fn range(pointer: &str, value: Span, least: Span, most: Span, found: &mut Found) {
    if value < least || value > most {
        found.push((pointer.to_owned(), format!("`{value}` is outside {least} to {most}")));
    }
}

fn key_snapshots(config: &Config, found: &mut Found) {
    let Some(settings) = &config.key_snapshots else { return };
    let ms = Span::from_millis;
    let directory = Path::new(&settings.directory);
    let at = "/key_snapshots/directory";
    if !directory.is_absolute() {
        let message = format!("`{}` is not an absolute path", settings.directory);
        found.push((at.into(), format!("{message}; write /var/lib/rownd-authz/keys")));
    } else if let Err(message) = check_directory(directory) {
        found.push((at.into(), message));
    }
    range("/key_snapshots/max_age", settings.max_age, ms(60_000), ms(30 * 86_400_000), found);
}

/// A header's name reads as one of the reserved prefix `x-rownd-`, which is removed from requests.
fn is_reserved(name: &str) -> bool {
    let read = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().map(read).collect::<String>().starts_with("x-rownd-")
}

fn credentials(sources: &[TokenSource], found: &mut Found) {
    if sources.is_empty() {
        found.push(("/credentials".into(), "no source; write [{header: authorization}]".into()));
    }
    let mut seen = HashSet::new();
    for (index, source) in sources.iter().enumerate() {
        let at = format!("/credentials/{index}");
        let (place, name) = match (&source.header, &source.cookie, &source.query) {
            (Some(name), None, None) => ("header", name.to_ascii_lowercase()),
            (None, Some(name), None) => ("cookie", name.clone()),
            (None, None, Some(name)) => ("query", name.clone()),
            _ => {
                found.push((at, "write one of `header`, `cookie` and `query`".into()));
                continue;
            }
        };
        let reserved = source.header.is_some() && (name == "cookie" || is_reserved(&name));
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() || reserved {
            found.push((at.clone(), format!("`{name}` is not usable here; write another name")));
        }
        if !seen.insert((place, name)) {
            found.push((at, "stands twice".into()));
        }
    }
}
