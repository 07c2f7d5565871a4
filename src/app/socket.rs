//! A bound socket, TCP or Unix, and the connections that come in on it.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::Path,
    time::Duration,
};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::{BuildError, open_files};
use crate::{
    config::{ListenAddress, SocketMode},
    health::{Part, PartHealth, Parts},
    log_throttle::Repeats,
};

/// How long accepting pauses after a failure, doubling from the first to the second.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A bound socket. The file of a Unix socket is removed with it.
#[derive(Debug)]
pub(super) struct BoundSocket {
    listener: Listener,
    address: ListenAddress,
    /// The log of failed attempts to accept.
    failures: Repeats,
    /// Tells them on the pages, once there are pages.
    health: Option<PartHealth>,
}

/// The byte stream of a connection.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The other end of a connection, as the system knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum SocketPeer {
    /// A machine.
    Tcp(IpAddr),
    /// A process of this machine.
    Unix {
        uid: u32,
        gid: u32,
        /// The process id, where the system tells it.
        pid: Option<i32>,
    },
}

impl BoundSocket {
    /// Binds an address. `mode` is that of a Unix socket's file. The error names `setting`.
    pub(super) async fn bind(
        setting: &'static str,
        address: &ListenAddress,
        mode: SocketMode,
    ) -> Result<Self, BuildError> {
        match address {
            ListenAddress::Tcp(address) => {
                Self::bind_tcp(setting, *address).await.map(|(socket, _)| socket)
            }
            ListenAddress::Unix(path) => Self::bind_unix(setting, path, mode).await,
        }
    }

    /// Binds a port. Returns the address with the port that the system has chosen, if it is 0.
    pub(super) async fn bind_tcp(
        setting: &'static str,
        address: SocketAddr,
    ) -> Result<(Self, SocketAddr), BuildError> {
        Self::make_tcp(address).await.map_err(|error| BuildError::Listen {
            setting,
            address: address.to_string(),
            error,
        })
    }

    /// Binds a Unix socket. Its file has this mode.
    pub(super) async fn bind_unix(
        setting: &'static str,
        path: &Path,
        mode: SocketMode,
    ) -> Result<Self, BuildError> {
        Self::make_unix(path, mode).await.map_err(|error| BuildError::Listen {
            setting,
            address: ListenAddress::Unix(path.to_owned()).to_string(),
            error,
        })
    }

    async fn make_tcp(address: SocketAddr) -> io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind(address).await?;
        let bound = listener.local_addr()?;
        let address = ListenAddress::Tcp(bound);
        let failures = Repeats::default();
        Ok((Self { listener: Listener::Tcp(listener), address, failures, health: None }, bound))
    }

    /// A socket file that nobody answers behind is left over from a crash and is replaced.
    async fn make_unix(path: &Path, mode: SocketMode) -> io::Result<Self> {
        if let Ok(found) = fs::symlink_metadata(path) {
            if !found.file_type().is_socket() {
                return Err(io::Error::other("there is a file of another kind at this path"));
            }
            match UnixStream::connect(path).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    fs::remove_file(path)?
                }
                // A process listens there, even if it is too busy or does not let us connect.
                _ => return Err(io::Error::from(io::ErrorKind::AddrInUse)),
            }
        }
        let listener = UnixListener::bind(path)?;
        let address = ListenAddress::Unix(path.to_owned());
        // From here on, the file goes when this is dropped.
        let failures = Repeats::default();
        let bound = Self { listener: Listener::Unix(listener), address, failures, health: None };
        fs::set_permissions(path, fs::Permissions::from_mode(mode.bits()))?;
        Ok(bound)
    }

    pub(super) const fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// From now on its faults are told here. `name` is the listener's.
    pub(super) fn report_to(&mut self, parts: &Parts, name: &'static str) {
        self.health = Some(parts.part(Part::Listener, name));
    }

    /// Other machines can connect.
    pub(super) const fn is_exposed(&self) -> bool {
        !self.address.is_local()
    }

    /// The next connection. After a failure it pauses, then tries again; `failed` is called for
    /// each failure. `name` is the listener's, for the log.
    pub(super) async fn accept(
        &self,
        name: &'static str,
        failed: impl Fn(),
    ) -> (Stream, SocketPeer) {
        let mut pause = PAUSE.0;
        loop {
            match self.try_accept().await {
                Ok(accepted) => {
                    if pause > PAUSE.0 {
                        self.accepts_again(name);
                    }
                    return accepted;
                }
                Err(error) => {
                    failed();
                    if is_about_one_connection(&error) {
                        continue;
                    }
                    let cause = open_files::told(&error);
                    if let Some(health) = &self.health {
                        health.failed(&cause);
                    }
                    if let Some(more) = self.failures.admit("accept") {
                        let (error, not_logged) = (cause, (more > 0).then_some(more));
                        tracing::warn!(listener = name, error, not_logged, "accepting failed");
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE.1);
                }
            }
        }
    }

    fn accepts_again(&self, name: &'static str) {
        if let Some(health) = &self.health {
            health.works();
        }
        if let Some(more) = self.failures.end() {
            let not_logged = (more > 0).then_some(more);
            tracing::info!(listener = name, not_logged, "connections are accepted again");
        }
    }

    async fn try_accept(&self) -> io::Result<(Stream, SocketPeer)> {
        match &self.listener {
            Listener::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                Ok((Stream::Tcp(stream), SocketPeer::Tcp(from.ip().to_canonical())))
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                // A peer that the system does not know gets nothing.
                let peer = stream.peer_cred()?;
                let peer = SocketPeer::Unix { uid: peer.uid(), gid: peer.gid(), pid: peer.pid() };
                Ok((Stream::Unix(stream), peer))
            }
        }
    }
}

impl Drop for BoundSocket {
    fn drop(&mut self) {
        if let ListenAddress::Unix(path) = &self.address {
            let _ = fs::remove_file(path);
        }
    }
}

impl Stream {
    /// Waits until there is something to read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
        }
    }
}

/// The connection was gone before it was accepted; the listener is well.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
