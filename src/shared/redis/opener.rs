//! Makes clients of the library: which user, by TLS or not, and to which machines.
//!
//! In: the settings of a way to Redis. Out: a client for each address, not connected.

use redis::{
    Client, ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo, RedisError,
    TlsCertificates,
};

use crate::{
    config::{RedisAccess, RedisNode, RedisPlace, Secret, read_authorities},
    shared::SharedError,
};

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
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|host| host.is_loopback())
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
    use super::is_here;

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
