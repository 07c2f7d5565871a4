//! The addresses of servers, read from their URLs. No message repeats a URL: it may hold a password.

use std::path::PathBuf;

use url::{Host, Url};

use super::access::{RedisAddress, RedisNode, RedisWay};

/// The port of Redis, and that of a Sentinel.
pub(super) const PORT: u16 = 6379;
pub(super) const SENTINEL_PORT: u16 = 26_379;

/// A server by TCP, as its URL says.
struct Server {
    host: String,
    port: Option<u16>,
    tls: bool,
    path: String,
}

/// The address of one server.
///
/// # Errors
///
/// The problem, with what to write instead.
pub(super) fn address(written: &str) -> Result<RedisAddress, String> {
    let of = |way, database| RedisAddress { written: written.to_owned(), way, database };
    if let Some(path) = written.strip_prefix("unix:") {
        let path = PathBuf::from(path);
        if !path.is_absolute() {
            return Err("the path of the socket is not absolute; write unix:/run/redis/redis.sock"
                .to_owned());
        }
        return Ok(of(RedisWay::Unix(path), 0));
    }
    several(written)?;
    let Server { host, port, tls, path } = server(written, PORT)?;
    let database = match path.as_str() {
        "" => 0,
        number => number.parse().map_err(|_| {
            "the part behind the host is no number of a database; write rediss://HOST:6379/2"
                .to_owned()
        })?,
    };
    Ok(of(RedisWay::Tcp { host, port: port.unwrap_or(PORT), tls }, database))
}

/// Sentinels and clusters have settings of their own, whatever form of a URL names them elsewhere.
fn several(written: &str) -> Result<(), String> {
    const SENTINEL: &str =
        "`sentinel: { master: mymaster, nodes: [rediss://sentinel-1.example.com:26379] }`";
    const CLUSTER: &str = "`cluster: { nodes: [rediss://node-1.example.com:6379] }`";
    let scheme = written.split("://").next().unwrap_or_default();
    if scheme.contains("sentinel") {
        return Err(format!(
            "Sentinels have their own setting; in place of `url` write {SENTINEL}"
        ));
    }
    if scheme.contains("cluster") {
        return Err(format!("a cluster has its own setting; in place of `url` write {CLUSTER}"));
    }
    if written.contains(',') {
        return Err(format!(
            "names several servers; in place of `url` write {CLUSTER}, or, if they are Sentinels, \
             {SENTINEL}"
        ));
    }
    Ok(())
}

/// A Sentinel or a node of a cluster, and whether it is reached by TLS.
///
/// # Errors
///
/// The problem, with what to write instead.
pub(super) fn node(written: &str, port: u16) -> Result<(RedisNode, bool), String> {
    let server = server(written, port)?;
    if !server.path.is_empty() {
        return Err(if port == SENTINEL_PORT {
            "a Sentinel has no database; write the number as `database` beside `nodes`".to_owned()
        } else {
            "a cluster has no numbers of databases; leave out the part behind the port".to_owned()
        });
    }
    let port = server.port.unwrap_or(port);
    Ok((RedisNode { written: written.to_owned(), host: server.host, port }, server.tls))
}

fn server(written: &str, port: u16) -> Result<Server, String> {
    let example = format!("rediss://redis.example.com:{port}");
    let url = Url::parse(written).map_err(|_| format!("not a URL; write {example}"))?;
    let tls = match url.scheme() {
        "rediss" | "valkeys" => true,
        "redis" | "valkey" => false,
        other => {
            return Err(format!("the scheme `{other}` is not supported; write {example}"));
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user or a password; write them as `username` and `password`".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment; leave it out".to_owned());
    }
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| format!("has no host; write {example}"))?;
    if url.port() == Some(0) {
        return Err(format!("has the port 0; write {example}"));
    }
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let path = url.path().trim_start_matches('/').to_owned();
    Ok(Server { host, port: url.port(), tls, path })
}

/// Whether the host is this machine.
pub(super) fn is_here(host: &str) -> bool {
    // Hosts of these URLs are texts: only an address of http is parsed further.
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    match Host::parse(&host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Err(_) => false,
    }
}
