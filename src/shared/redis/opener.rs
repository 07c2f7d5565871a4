//! Makes clients of the library: which user, by TLS or not, and to which machines.
//!
//! In: the settings of a way to Redis. Out: a client for each address, not connected.

use std::net::IpAddr;

use redis::{
    Client, ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo, RedisError,
    TlsCertificates,
};

use crate::{
    config::{RedisAccess, RedisNode, RedisPlace, Secret, read_authorities},
    shared::SharedError,
};

/// The most bytes of the name of a host.
const MAX_HOST: usize = 253;

/// Makes clients for one user.
#[derive(Clone)]
pub(super) struct Opener {
    redis: RedisConnectionInfo,
    /// An address by TLS, with the authorities that are trusted; `None`: in plain text.
    tls: Option<ConnectionAddr>,
    /// Other machines may be reached in plain text.
    far_in_clear: bool,
}

impl Opener {
    /// For the servers that have the data, with this database.
    ///
    /// # Errors
    ///
    /// The reason, if the authorities cannot be read.
    pub(super) fn new(access: &RedisAccess, database: u16) -> Result<Self, String> {
        let user = (access.username.as_ref(), access.password.as_ref());
        let far_in_clear = access.allow_insecure || matches!(access.place, RedisPlace::Url(_));
        Ok(Self { redis: login(user, database), tls: tls(access)?, far_in_clear })
    }

    /// The same for another user, of a Sentinel.
    pub(super) fn with_user(&self, user: (Option<&Secret>, Option<&Secret>)) -> Self {
        Self { redis: login(user, 0), ..self.clone() }
    }

    /// The client of this socket.
    ///
    /// # Errors
    ///
    /// The library refuses the address.
    pub(super) fn socket(&self, path: &std::path::Path) -> Result<Client, String> {
        self.open(ConnectionAddr::Unix(path.to_owned())).map_err(|error| told(&error))
    }

    /// The client of a host that the configuration names.
    ///
    /// # Errors
    ///
    /// The library refuses the address.
    pub(super) fn host(&self, host: &str, port: u16) -> Result<Client, String> {
        self.open(self.address(host, port)).map_err(|error| told(&error))
    }

    /// The clients of these nodes of the configuration.
    ///
    /// # Errors
    ///
    /// The library refuses an address.
    pub(super) fn nodes(&self, nodes: &[RedisNode]) -> Result<Vec<Client>, String> {
        nodes.iter().map(|node| self.host(&node.host, node.port)).collect()
    }

    /// Checks a host that a Sentinel or a node has named: who asks must not be led just anywhere.
    ///
    /// # Errors
    ///
    /// [`SharedError::Refused`], if it is no host, an address of no server, or this machine, as the one
    /// that was asked on another machine calls itself.
    pub(super) fn check_named(
        (host, port): (&str, u16),
        asked: &Client,
    ) -> Result<(), SharedError> {
        let asked_is_here = match asked.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => is_here(host),
            _ => true,
        };
        let Some(why) = why_not_named(host, asked_is_here) else { return Ok(()) };
        Err(SharedError::Refused(SharedError::shown(&format!("it leads to {host}:{port}, {why}"))))
    }

    /// The client of a host that a Sentinel or a node has named.
    ///
    /// # Errors
    ///
    /// [`SharedError::Refused`], if it is another machine that plain text must not reach.
    pub(super) fn named(&self, host: &str, port: u16) -> Result<Client, SharedError> {
        if self.tls.is_none() && !self.far_in_clear && !is_here(host) {
            return Err(SharedError::Refused(SharedError::shown(&format!(
                "it leads to {host}:{port}, another machine, in plain text; write rediss://, or \
                 `allow_insecure: true`"
            ))));
        }
        self.open(self.address(host, port))
            .map_err(|error| SharedError::Refused(SharedError::shown(&error.to_string())))
    }

    fn open(&self, address: ConnectionAddr) -> Result<Client, RedisError> {
        Client::open(address.into_connection_info()?.set_redis_settings(self.redis.clone()))
    }

    fn address(&self, host: &str, port: u16) -> ConnectionAddr {
        let host = host.to_owned();
        match &self.tls {
            Some(ConnectionAddr::TcpTls { tls_params, .. }) => {
                let tls_params = tls_params.clone();
                ConnectionAddr::TcpTls { host, port, insecure: false, tls_params }
            }
            _ => ConnectionAddr::Tcp(host, port),
        }
    }
}

/// Whether an address that was named is one of this machine.
fn is_here(host: &str) -> bool {
    let loopback = |host: IpAddr| host.to_canonical().is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(loopback)
}

/// Why a host that was named is not connected to; `None`: it may be.
fn why_not_named(host: &str, asked_is_here: bool) -> Option<&'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    if host.is_empty() || host.len() > MAX_HOST || !host.bytes().all(fits) {
        return Some("which is no host");
    }
    let is_no_server = |host: IpAddr| match host.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || matches!(v4.octets(), [0, ..])
        }
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_multicast() || v6.is_unspecified(),
    };
    if host.parse().is_ok_and(is_no_server) {
        return Some("the address of no server");
    }
    (!asked_is_here && is_here(host)).then_some(
        "this machine, as another one calls itself: let it announce the address at which others \
         reach it",
    )
}

fn told(error: &RedisError) -> String {
    SharedError::shown(&error.to_string())
}

fn login(
    (username, password): (Option<&Secret>, Option<&Secret>),
    database: u16,
) -> RedisConnectionInfo {
    let mut redis = RedisConnectionInfo::default()
        .set_db(i64::from(database))
        .set_lib_name("rownd-authz", env!("CARGO_PKG_VERSION"));
    if let Some(username) = username {
        redis = redis.set_username(username.expose());
    }
    if let Some(password) = password {
        redis = redis.set_password(password.expose());
    }
    redis
}

/// An address by TLS with the authorities that are trusted.
fn tls(access: &RedisAccess) -> Result<Option<ConnectionAddr>, String> {
    if !access.is_by_tls() {
        return Ok(None);
    }
    let root_cert = match &access.tls.ca_file {
        Some(file) => {
            let found = read_authorities(file).map_err(|problems| problems.join("; "))?;
            Some(pem_of(found.iter().map(|authority| authority.der.as_ref())).into_bytes())
        }
        None => None,
    };
    // Only its authorities are used.
    let address = ConnectionAddr::TcpTls {
        host: "localhost".to_owned(),
        port: 1,
        insecure: false,
        tls_params: None,
    };
    let certificates = TlsCertificates { client_tls: None, root_cert };
    let client = Client::build_with_tls(address, certificates).map_err(|error| told(&error))?;
    Ok(Some(client.get_connection_info().addr().clone()))
}

/// Certificates in PEM, the form in which the library takes them.
fn pem_of<'a>(certificates: impl Iterator<Item = &'a [u8]>) -> String {
    let all: Vec<pem::Pem> = certificates.map(|der| pem::Pem::new("CERTIFICATE", der)).collect();
    pem::encode_many(&all)
}

#[cfg(test)]
mod tests {
    use super::{Client, Opener, is_here, why_not_named};

    #[test]
    fn a_node_leads_to_servers_and_not_just_anywhere() {
        let (far, near) = ([false], [true]);
        let both = [false, true];
        let long = "a".repeat(254);
        for (host, asked_is_here, said) in [
            ("10.0.0.7", &both[..], None),
            ("192.168.1.9", &both, None),
            ("203.0.113.9", &both, None),
            ("2001:db8::1", &both, None),
            ("fd00::1", &both, None),
            ("redis-2.example.com", &both, None),
            ("redis_2", &both, None),
            ("127.0.0.1", &near, None),
            ("127.0.0.1", &far, Some("this machine")),
            ("127.9.9.9", &far, Some("this machine")),
            ("localhost", &far, Some("this machine")),
            ("LocalHost", &far, Some("this machine")),
            ("::1", &far, Some("this machine")),
            ("::ffff:127.0.0.1", &far, Some("this machine")),
            ("0.0.0.0", &both, Some("no server")),
            ("0.1.2.3", &both, Some("no server")),
            ("::", &both, Some("no server")),
            ("169.254.169.254", &both, Some("no server")),
            ("::ffff:169.254.169.254", &both, Some("no server")),
            ("fe80::1", &both, Some("no server")),
            ("224.0.0.1", &both, Some("no server")),
            ("ff02::1", &both, Some("no server")),
            ("255.255.255.255", &both, Some("no server")),
            ("", &both, Some("no host")),
            ("a b", &both, Some("no host")),
            ("a/../b", &both, Some("no host")),
            ("user@host", &both, Some("no host")),
            ("fe80::1%eth0", &both, Some("no host")),
            ("h\u{f6}st", &both, Some("no host")),
            (&long, &both, Some("no host")),
        ] {
            for asked_is_here in asked_is_here {
                let why = why_not_named(host, *asked_is_here);
                match said {
                    Some(said) => assert!(why.unwrap().contains(said), "{host}: {why:?}"),
                    None => assert_eq!(why, None, "{host}"),
                }
            }
        }
    }

    #[test]
    fn the_one_that_was_asked_says_what_is_near() {
        for (asked, good) in [
            ("redis://127.0.0.1:7000", true),
            ("redis://localhost:7000", true),
            ("redis://10.0.0.7:7000", false),
            ("redis://node.example.com:7000", false),
        ] {
            let asked_client = Client::open(asked).unwrap();
            let checked = Opener::check_named(("127.0.0.1", 7001), &asked_client);
            assert_eq!(checked.is_ok(), good, "{asked}: {checked:?}");
        }
    }

    #[test]
    fn only_addresses_of_this_machine_are_here() {
        for (host, expected) in [
            ("127.0.0.1", true),
            ("127.8.0.9", true),
            ("::1", true),
            ("localhost", true),
            ("10.0.0.7", false),
            ("localhost.example.com", false),
            ("127.0.0.1.example.com", false),
            ("", false),
        ] {
            assert_eq!(is_here(host), expected, "{host}");
        }
    }
}
