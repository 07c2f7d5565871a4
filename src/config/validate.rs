//! What the shape alone cannot tell: ranges, conflicts, references. Many small checks, each
//! adding its problems; settings that were left open are filled in on the way.

mod fresh;

use std::{collections::HashSet, net::SocketAddr, path::Path};

use url::{Host, Url};

use super::{
    Auth, Config, DefaultRoute, Issuer, IssuerKind, PathMatch, Route, Secret, Span, TokenSource,
    check_directory,
};

/// Where Rownd is.
const ROWND: &str = "https://api.rownd.io";
/// What the metrics call a token of nobody's.
const UNKNOWN_ISSUER: &str = "unknown";
/// The most issuers: each is a label value of several metrics.
const MAX_ISSUERS: usize = 32;

type Found = Vec<(String, String)>;

/// All problems: JSON pointer and message.
pub(super) fn problems(config: &mut Config) -> Found {
    let mut found = Found::new();
    listeners(config, &mut found);
    durations(config, &mut found);
    issuers(config, &mut found);
    key_snapshots(config, &mut found);
    credentials(&config.credentials.0, &mut found);
    routes(&config.routes, &mut found);
    default_route(&config.default, &mut found);
    fresh::profiles(config, &mut found);
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
    match socket_address(ops) {
        Err(message) => found.push(("/listeners/ops/address".into(), message)),
        Ok(address) if ops == grpc && address.port() != 0 => found.push((
            "/listeners/ops/address".into(),
            "is the address of the grpc listener too; write another port".into(),
        )),
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

fn issuers(config: &mut Config, found: &mut Found) {
    if config.issuers.len() > MAX_ISSUERS {
        found.push(("/issuers".into(), format!("more than {MAX_ISSUERS} issuers")));
    }
    let (mut names, mut exact) = (HashSet::new(), HashSet::new());
    for (index, issuer) in config.issuers.iter_mut().enumerate() {
        let at = format!("/issuers/{index}");
        if !names.insert(issuer.name.clone()) || issuer.name == UNKNOWN_ISSUER {
            found.push((format!("{at}/name"), "is taken; write another name".into()));
        }
        match issuer.kind {
            IssuerKind::Rownd => rownd(issuer, &at, found),
        }
        if let Some(iss) = &issuer.issuer
            && !exact.insert(iss.clone())
        {
            found.push((format!("{at}/issuer"), "another issuer has the same `iss`".into()));
        }
        key_durations(issuer, &at, found);
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

fn key_durations(issuer: &Issuer, at: &str, found: &mut Found) {
    let ms = Span::from_millis;
    let keys = &issuer.keys;
    let rows = [
        ("leeway", issuer.leeway, ms(0), ms(60_000)),
        ("keys/refresh_interval", keys.refresh_interval, ms(1_000), ms(3_600_000)),
        ("keys/cooldown", keys.cooldown, ms(100), ms(600_000)),
        ("keys/max_stale", keys.max_stale, ms(0), ms(30 * 86_400_000)),
        ("keys/fetch_timeout", keys.fetch_timeout, ms(100), ms(30_000)),
    ];
    for (name, value, least, most) in rows {
        range(&format!("{at}/{name}"), value, least, most, found);
    }
}

fn rownd(issuer: &mut Issuer, at: &str, found: &mut Found) {
    let base = issuer.base_url.get_or_insert_with(|| ROWND.to_owned());
    *base = base.trim_end_matches('/').to_owned();
    let base = base.clone();
    web_address(&base, issuer.allow_insecure_http, &format!("{at}/base_url"), found);
    if let Some(url) = &issuer.jwks_url {
        web_address(url, issuer.allow_insecure_http, &format!("{at}/jwks_url"), found);
    }
    issuer.issuer.get_or_insert(base);
    if issuer.apps.is_empty() {
        found.push((
            format!("{at}/apps"),
            "no app: set ROWND_APP_KEY (or ROWND_APP_ID), or write apps: [{id: app_...}]".into(),
        ));
    }
    for (index, app) in issuer.apps.iter_mut().enumerate() {
        let at = format!("{at}/apps/{index}");
        match (&app.id, &app.key) {
            (None, None) => {
                found.push((at.clone(), "write `id: app_...` or `key: key_...`".into()))
            }
            (Some(id), _) if !plain(id) => found.push((
                format!("{at}/id"),
                "is not an app id; write letters, digits, `_` and `-` only".into(),
            )),
            _ => {}
        }
        for (name, secret) in [("key", &mut app.key), ("secret", &mut app.secret)] {
            if let Some(secret) = secret
                && let Err(message) = resolve(secret)
            {
                found.push((format!("{at}/{name}"), message));
            }
        }
    }
}

fn plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Reads a `file:/path` secret. What is empty or cannot travel in a header is refused.
fn resolve(secret: &mut Secret) -> Result<(), String> {
    if let Some(path) = secret.expose().strip_prefix("file:") {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("the file {path} cannot be read: {error}"))?;
        *secret = Secret::new(text.trim_end_matches(['\r', '\n']));
    }
    let good = !secret.expose().is_empty() && secret.expose().bytes().all(|b| b.is_ascii_graphic());
    if good { Ok(()) } else { Err("the secret is empty or holds other than visible ASCII".into()) }
}

fn web_address(text: &str, insecure: bool, at: &str, found: &mut Found) {
    let Ok(url) = Url::parse(text) else {
        // It may hold a password, so it is not repeated.
        found.push((at.to_owned(), "is no URL; write https://...".into()));
        return;
    };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback || insecure => {}
        "http" => found.push((
            at.to_owned(),
            "plain http; write https://, or say `allow_insecure_http: true` for this issuer".into(),
        )),
        other => {
            found.push((at.to_owned(), format!("the scheme {other} is not known; write https")))
        }
    }
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let base_with_query = at.ends_with("/base_url") && url.query().is_some();
    if !bare || base_with_query {
        let message = "holds a user, a password, a fragment or (a base URL) a query; leave it out";
        found.push((at.to_owned(), message.into()));
    }
}

fn credentials(sources: &[TokenSource], found: &mut Found) {
    if sources.is_empty() {
        found.push(("/credentials".into(), "no source; write [{header: authorization}]".into()));
    }
    let mut seen = HashSet::new();
    for (index, source) in sources.iter().enumerate() {
        let at = format!("/credentials/{index}");
        let name = match (&source.header, &source.cookie) {
            (Some(name), None) => name.to_ascii_lowercase(),
            (None, Some(name)) => name.clone(),
            _ => {
                found.push((at, "write either `header` or `cookie`".into()));
                continue;
            }
        };
        let reserved =
            source.header.is_some() && (name == "cookie" || name.starts_with("x-rownd-"));
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() || reserved {
            found.push((at.clone(), format!("`{name}` is not usable here; write another name")));
        }
        if !seen.insert((source.header.is_some(), name)) {
            found.push((at, "stands twice".into()));
        }
    }
}

fn routes(routes: &[Route], found: &mut Found) {
    let mut ids = HashSet::new();
    for (index, route) in routes.iter().enumerate() {
        let at = format!("/routes/{index}");
        if !ids.insert(&route.id) || route.id == "default" {
            found.push((format!("{at}/id"), "another route has this id".into()));
        }
        if let Some(path) = &route.matches.path {
            path_match(path, &format!("{at}/match/path"), found);
        }
        for (index, host) in route.matches.hosts.iter().enumerate() {
            if !host_pattern(host) {
                found.push((
                    format!("{at}/match/hosts/{index}"),
                    format!("`{host}` is no host; write api.example.com or *.example.com, no port"),
                ));
            }
        }
        for (index, method) in route.matches.methods.iter().enumerate() {
            if method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
                found.push((
                    format!("{at}/match/methods/{index}"),
                    format!("`{method}` is no method; write it in upper case"),
                ));
            }
        }
        requirement(route.auth, route.auth_level.is_some(), route.step_up, &at, found);
    }
}

fn default_route(route: &DefaultRoute, found: &mut Found) {
    requirement(route.auth, route.auth_level.is_some(), route.step_up, "/default", found);
}

fn requirement(auth: Auth, level: bool, step_up: bool, at: &str, found: &mut Found) {
    if level && auth != Auth::Required {
        found.push((
            format!("{at}/auth_level"),
            "asks for a level where no credential is required; write auth: required".into(),
        ));
    }
    if step_up && !level {
        found.push((format!("{at}/step_up"), "has no `auth_level` to step up to".into()));
    }
}

fn host_pattern(host: &str) -> bool {
    let name = host.strip_prefix("*.").unwrap_or(host);
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

fn path_match(path: &PathMatch, at: &str, found: &mut Found) {
    let ways = [&path.exact, &path.prefix, &path.regex];
    if ways.iter().filter(|way| way.is_some()).count() != 1 {
        found.push((at.to_owned(), "write exactly one of exact, prefix and regex".into()));
    }
    for (name, way) in [("exact", &path.exact), ("prefix", &path.prefix)] {
        if let Some(text) = way
            && (!text.starts_with('/') || text.contains(['?', '#', '%', '\\', ';']))
        {
            found.push((
                format!("{at}/{name}"),
                format!(
                    "`{text}` is no plain path; start with / and write it decoded, without query"
                ),
            ));
        }
    }
    if let Some(pattern) = &path.regex
        && let Err(error) = PathMatch::whole(pattern)
    {
        found.push((format!("{at}/regex"), format!("is no regular expression: {error}")));
    }
}
