//! Where connections come in: TCP or a Unix socket, capped, and patient when descriptors run out.

use std::{
    fmt, fs, io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::{
    BuildError,
    handoff::{Accepted, Handoff, Stream},
    places::{Places, Whose},
};
use crate::{
    config::GrpcListener,
    metrics::{ConnectionResult, Metrics},
    model::Origin,
};

/// Descriptors kept free for everything that is not a connection of the listener: half of them
/// the ops listener may take.
const RESERVED_DESCRIPTORS: u64 = 128;
/// So many connections may be leaving while others have their places already.
const LEAVING: usize = 32;
/// In this time a new connection has sent its preface, after a handshake where there is one.
const YOUNG: Duration = Duration::from_millis(250);
/// How long accepting pauses after a failure, doubling from the first to the second.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Where a listener listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A bound gRPC listener.
#[derive(Debug)]
pub(super) struct Listener {
    socket: Socket,
    address: ListenAddress,
    max_connections: usize,
}

/// Binds the gRPC listener.
pub(super) async fn bind(settings: &GrpcListener) -> Result<Listener, BuildError> {
    let failed = |error| BuildError::Listen {
        setting: "listeners.grpc.address",
        address: settings.address.clone(),
        error,
    };
    let (socket, address) = match settings.address.strip_prefix("unix:") {
        Some(path) => {
            let path = PathBuf::from(path);
            let socket = bind_unix(&path, &settings.socket_mode).await.map_err(failed)?;
            (Socket::Unix(socket), ListenAddress::Unix(path))
        }
        None => {
            let socket = TcpListener::bind(&settings.address).await.map_err(failed)?;
            let address = socket.local_addr().map_err(failed)?;
            (Socket::Tcp(socket), ListenAddress::Tcp(address))
        }
    };
    let max_connections = affordable(settings.max_connections);
    Ok(Listener { socket, address, max_connections })
}

/// Binds the ops listener.
pub(super) async fn bind_ops(
    setting: &'static str,
    address: &str,
) -> Result<(TcpListener, SocketAddr), BuildError> {
    let failed = |error| BuildError::Listen { setting, address: address.to_owned(), error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// A socket file that nobody answers behind is left over from a crash and is replaced.
pub(super) async fn bind_unix(path: &PathBuf, mode: &str) -> io::Result<UnixListener> {
    if let Ok(found) = fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(io::Error::other("there is a file of another kind at this path"));
        }
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path)?
            }
            // Somebody lives there, even if too busy to answer or not for us to ask.
            _ => return Err(io::Error::from(io::ErrorKind::AddrInUse)),
        }
    }
    let listener = UnixListener::bind(path)?;
    let mode = u32::from_str_radix(mode, 8).map_err(io::Error::other)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

/// As many connections as the limit of open files leaves room for.
fn affordable(wanted: usize) -> usize {
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024);
    let room = limit.saturating_sub(RESERVED_DESCRIPTORS).max(limit / 2).max(1);
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if room < wanted {
        tracing::warn!(
            max_connections = room,
            configured = wanted,
            open_files = limit,
            "fewer connections than configured: the limit of open files is low"
        );
    }
    wanted.min(room)
}

impl Listener {
    pub(super) const fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// Whoever is on the network may connect.
    pub(super) fn is_exposed(&self) -> bool {
        match &self.address {
            ListenAddress::Tcp(address) => !address.ip().to_canonical().is_loopback(),
            ListenAddress::Unix(_) => false,
        }
    }

    async fn next(&self) -> io::Result<(Stream, Origin, Whose)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                // Where others may connect, a peer on loopback may be a proxy of theirs.
                let local = from.ip().to_canonical().is_loopback() && !self.is_exposed();
                let origin = if local { Origin::Loopback } else { Origin::Network };
                Ok((Stream::Tcp(tcp(stream)?), origin, Whose::Machine(from.ip().to_canonical())))
            }
            Socket::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let who = stream.peer_cred()?;
                let origin = Origin::Unix { uid: who.uid(), gid: who.gid() };
                let whose = Whose::Process { uid: who.uid(), pid: who.pid() };
                Ok((Stream::Unix(stream.into_std()?), origin, whose))
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let ListenAddress::Unix(path) = &self.address {
            let _ = fs::remove_file(path);
        }
    }
}

fn tcp(stream: TcpStream) -> io::Result<std::net::TcpStream> {
    stream.set_nodelay(true)?;
    stream.into_std()
}

/// Accepts until dropped. At the cap, idle connections make room for a new one; where all are at
/// work, it waits until one of them ends.
pub(super) async fn accept(listener: Listener, handoff: Handoff, metrics: Arc<Metrics>) {
    let places = Places::new("grpc", listener.max_connections, LEAVING, YOUNG);
    let mut pause = PAUSE.0;
    loop {
        match listener.next().await {
            Ok((stream, origin, whose)) => {
                pause = PAUSE.0;
                let place = places.take(whose).await;
                handoff.give(Accepted { stream, origin, place });
            }
            Err(error) => {
                metrics.connection(ConnectionResult::AcceptFailed);
                if is_about_one_connection(&error) {
                    continue;
                }
                tracing::warn!(%error, pause_ms = pause.as_millis(), "accepting failed");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
}

/// The connection was gone before it was accepted; the listener is well.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
