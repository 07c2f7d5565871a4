//! The check of the section `shared`: an address that can be meant, secrets that can be read, and a
//! key that is one.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::Url;

use super::schema::{DeploymentKey, Shared, SharedAddress, SharedPlace, WrittenShared};
use crate::config::{
    findings::Findings, secret::Secret, section::Section, web_address::is_loopback,
};

/// The port of Redis.
const PORT: u16 = 6379;
/// The form of a good key, for messages.
const KEY_FORM: &str = "write 32 random bytes in base64, by `openssl rand -base64 32`";

impl Section for WrittenShared {
    /// `None` if a setting without which nothing can be shared has a problem.
    type Checked = Option<Shared>;

    fn check(mut self, at: &str, found: &mut Findings) -> Option<Shared> {
        self.tls.check(&format!("{at}/tls"), found);
        for (name, secret) in [("username", &mut self.username), ("password", &mut self.password)] {
            if let Some(secret) = secret {
                found.keep(format!("{at}/{name}"), secret.resolve());
            }
        }
        if self.username.is_some() && self.password.is_none() {
            found.add(
                format!("{at}/username"),
                "has no effect without a password; add `password: file:/path`",
            );
        }
        let key = found.keep(format!("{at}/key"), key(&mut self.key));
        let url = found.keep(format!("{at}/url"), address(&self.url))?;
        self.check_way(&url, at, found);
        Some(Shared {
            url,
            allow_insecure: self.allow_insecure,
            username: self.username,
            password: self.password,
            tls: self.tls,
            prefix: self.prefix,
            key: key?,
            on_outage: self.on_outage,
            timeout: self.timeout,
            unknown_for: self.unknown_for,
        })
    }
}

impl WrittenShared {
    /// Settings that contradict the way to Redis.
    fn check_way(&self, url: &SharedAddress, at: &str, found: &mut Findings) {
        let by_tls = matches!(url.place, SharedPlace::Tcp { tls: true, .. });
        let in_clear = matches!(&url.place, SharedPlace::Tcp { tls: false, .. })
            && Url::parse(&self.url).is_ok_and(|url| !is_loopback(&as_web(&url)));
        if in_clear && !self.allow_insecure {
            found.add(
                format!("{at}/url"),
                "plain redis:// to another machine, where everybody on the way can read and change \
                 what is shared; write rediss://, or set `allow_insecure: true`",
            );
        }
        if self.allow_insecure && !in_clear {
            found.add(
                format!("{at}/allow_insecure"),
                "has no effect: the connection is by TLS, or stays on this machine; leave it out",
            );
        }
        if self.tls.ca_file.is_some() && !by_tls {
            found.add(
                format!("{at}/tls/ca_file"),
                "has no effect without TLS; write rediss:// in `url`, or leave it out",
            );
        }
    }
}

/// The key of the deployment.
fn key(written: &mut Secret) -> Result<DeploymentKey, String> {
    written.resolve()?;
    let bytes = STANDARD.decode(written.expose()).map_err(|_| format!("no base64; {KEY_FORM}"))?;
    let length = bytes.len();
    let key: [u8; 32] =
        bytes.try_into().map_err(|_| format!("has {length} bytes instead of 32; {KEY_FORM}"))?;
    if key.iter().all(|byte| Some(byte) == key.first()) {
        return Err(format!("every byte of it is the same; {KEY_FORM}"));
    }
    Ok(DeploymentKey::new(key))
}

/// The address. No message repeats it: it may hold a password.
fn address(written: &str) -> Result<SharedAddress, String> {
    let of = |place, database| SharedAddress { written: written.to_owned(), place, database };
    if let Some(path) = written.strip_prefix("unix:") {
        let path = PathBuf::from(path);
        if !path.is_absolute() {
            return Err("the path of the socket is not absolute; write unix:/run/redis/redis.sock"
                .to_owned());
        }
        return Ok(of(SharedPlace::Unix(path), 0));
    }
    let url = Url::parse(written)
        .map_err(|_| "not a URL; write rediss://redis.example.com:6379".to_owned())?;
    let tls = match url.scheme() {
        "rediss" | "valkeys" => true,
        "redis" | "valkey" => false,
        other => {
            return Err(format!(
                "the scheme `{other}` is not supported; write rediss://redis.example.com:6379"
            ));
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user or a password; write them as `username` and `password`".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment; leave it out".to_owned());
    }
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or("has no host; write rediss://redis.example.com:6379")?;
    let database = match url.path().trim_start_matches('/') {
        "" => 0,
        number => number.parse().map_err(|_| {
            "the part behind the host is no number of a database; write rediss://HOST:6379/2"
                .to_owned()
        })?,
    };
    if url.port() == Some(0) {
        return Err("has port 0, where nothing listens; write rediss://HOST:6379".to_owned());
    }
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(of(SharedPlace::Tcp { host, port: url.port().unwrap_or(PORT), tls }, database))
}

/// The same address by http: URLs of other schemes have no parsed addresses.
fn as_web(url: &Url) -> Url {
    let host = url.host_str().unwrap_or_default();
    Url::parse(&format!("http://{host}/")).unwrap_or_else(|_| url.clone())
}
