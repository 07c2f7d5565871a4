//! The control listener: a Unix socket, few connections, each short, and each with the
//! credentials that the system knows of its peer.

use std::{
    convert::Infallible, fs, io, os::unix::fs::MetadataExt as _, path::PathBuf, sync::Arc,
    time::Duration,
};

use axum::Router;
use futures_util::FutureExt as _;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{UnixListener, UnixStream},
    task::JoinSet,
};
use tower::ServiceExt as _;

use super::{
    BuildError, ReloadHandle, Reloaded, listen,
    ops::{HEADERS, YOUNG, first_byte, visit},
    places::{Guest, Places, Whose},
    telemetry,
};
use crate::{
    config::ControlListener,
    http::{
        control::{self, Control, Peer, Process, Reread},
        ops::Ops,
    },
};

/// Connections at a time, and those that may be leaving meanwhile.
const MAX_CONNECTIONS: usize = 16;
const LEAVING: usize = 4;
/// How long a connection may last.
const LIFE: Duration = Duration::from_secs(10);
/// How long accepting pauses after a failure.
const PAUSE: Duration = Duration::from_millis(100);

/// Who may give commands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Access {
    /// The process itself runs as this user.
    own: u32,
    uids: Vec<u32>,
    gids: Vec<u32>,
}

impl Access {
    /// Root and whoever runs the process could do as they like anyway.
    fn allows(&self, uid: u32, gid: u32) -> bool {
        uid == 0 || uid == self.own || self.uids.contains(&uid) || self.gids.contains(&gid)
    }
}

/// The bound control listener. Its file goes with it.
#[derive(Debug)]
pub(super) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    access: Arc<Access>,
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Binds it, if it is wanted.
pub(super) async fn bind(
    settings: Option<&ControlListener>,
) -> Result<Option<ControlSocket>, BuildError> {
    let Some(settings) = settings else { return Ok(None) };
    let failed = |error| BuildError::Listen {
        setting: "listeners.control.address",
        address: settings.address.clone(),
        error,
    };
    let path = settings.address.strip_prefix("unix:").unwrap_or(&settings.address);
    let path = PathBuf::from(path);
    let listener = listen::bind_unix(&path, &settings.socket_mode).await.map_err(failed)?;
    // Who has just made the file is who we are.
    let own = fs::metadata(&path).map_err(failed)?.uid();
    let (uids, gids) = (settings.allowed_uids.clone(), settings.allowed_gids.clone());
    let access = Arc::new(Access { own, uids, gids });
    Ok(Some(ControlSocket { listener, path, access }))
}

/// The commands over a running process.
pub(super) fn commands(state: &Ops, reload: ReloadHandle) -> Router {
    let reload = move || {
        let reload = reload.clone();
        let reread = async move {
            match reload.reload().await {
                Some(Reloaded::InForce(epoch)) => Reread::InForce(epoch),
                Some(Reloaded::Unchanged(epoch)) => Reread::Unchanged(epoch),
                Some(Reloaded::Refused(problems)) => Reread::Refused(problems),
                None => Reread::Ending,
            }
        };
        reread.boxed()
    };
    let process = Process { set_level: telemetry::set_level, reload: Box::new(reload) };
    let control = Control::new(state.authorizer.clone(), state.metrics.clone(), process);
    control::router(Arc::new(control))
}

/// Serves the commands until dropped.
pub(super) async fn serve(socket: ControlSocket, commands: Router) {
    let places = Places::new("control", MAX_CONNECTIONS, LEAVING, YOUNG);
    let mut open = JoinSet::new();
    tracing::info!(path = %socket.path.display(), "taking commands");
    loop {
        while open.try_join_next().is_some() {}
        match socket.listener.accept().await {
            Ok((stream, _)) => {
                // A peer that the system does not know is nobody who may ask.
                let peer = match credentials(&stream, &socket.access) {
                    Ok(peer) => peer,
                    Err(error) => {
                        tracing::warn!(%error, "a peer of the control listener has no credentials");
                        continue;
                    }
                };
                let place = places.take(Whose::Process { uid: peer.uid, pid: peer.pid }).await;
                let talk = talk(stream, peer, commands.clone(), place.guest().clone());
                super::spawn(&mut open, visit(place, LIFE, talk));
            }
            Err(error) => {
                tracing::warn!(%error, "accepting on the control listener failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn talk(stream: UnixStream, peer: Peer, commands: Router, guest: Arc<Guest>) {
    if !first_byte(stream.readable()).await {
        return;
    }
    let answer = service_fn(move |mut request: Request<Incoming>| {
        let (commands, guest) = (commands.clone(), guest.clone());
        request.extensions_mut().insert(peer);
        async move {
            guest.asks();
            let answer = commands.oneshot(request).await.unwrap_or_else(|e| match e {});
            guest.is_answered();
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a control connection ended");
    }
}

fn credentials(stream: &UnixStream, access: &Access) -> io::Result<Peer> {
    let peer = stream.peer_cred()?;
    let allowed = access.allows(peer.uid(), peer.gid());
    Ok(Peer { uid: peer.uid(), pid: peer.pid(), allowed })
}

#[cfg(test)]
mod tests {
    use super::Access;

    #[test]
    fn commands_are_for_root_ourselves_and_whoever_is_named() {
        let access = Access { own: 1000, uids: vec![7], gids: vec![42] };
        for (name, uid, gid, expected) in [
            ("root", 0, 0, true),
            ("ourselves", 1000, 99, true),
            ("a named user", 7, 99, true),
            ("of a named group", 99, 42, true),
            ("nobody", 65534, 65534, false),
            ("of our group", 99, 1000, false),
            ("of root's group", 99, 0, false),
            ("a group's number as a user", 42, 99, false),
            ("a user's number as a group", 99, 7, false),
        ] {
            assert_eq!(access.allows(uid, gid), expected, "{name}");
        }
    }
}
