//! The other end of a connection, as far as the transport has proved it.

/// Where a connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This machine, over TCP, on a listener that others cannot reach.
    Loopback,
    /// Anywhere else.
    Network,
    /// A process of this machine, over a Unix socket, running as this user and group.
    Unix {
        /// Its user.
        uid: u32,
        /// Its group.
        gid: u32,
    },
}

/// A name in a certificate that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerName {
    /// A URI, such as a SPIFFE id.
    Uri(String),
    /// A DNS name.
    Dns(String),
}

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Where it is.
    pub origin: Origin,
    /// The names of its certificate; none where none was asked for.
    pub names: Vec<PeerName>,
}
