//! The control listener: a Unix socket, few connections, each short, and each with the
//! credentials that the system knows of its peer.

use std::{fs, os::unix::fs::MetadataExt as _, sync::Arc, time::Duration};

use axum::{Extension, Router};
use futures_util::FutureExt as _;

use super::{
    BuildError, ReloadHandle,
    http1::{Http1Limits, Http1Peer},
    phase::Phase,
    socket::{BoundSocket, SocketPeer},
    telemetry,
};
use crate::{
    config::{ControlListener, ListenAddress},
    http::{
        control::{self, ControlPeer, ControlState, ProcessCommands},
        ops::OpsState,
    },
    verify::RevocationReplica,
};

/// The limits of the control listener.
pub(super) const LIMITS: Http1Limits = Http1Limits {
    name: "control",
    max_connections: 16,
    max_closing: 4,
    lifetime: Duration::from_secs(10),
    headers: Duration::from_secs(2),
    last_request: Duration::from_millis(300),
    ends: Phase::Ending,
};

/// The users and groups that may give commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access {
    /// The process itself runs as this user.
    own: u32,
    uids: Vec<u32>,
    gids: Vec<u32>,
}

impl Access {
    /// Root and the user of the process could do as they like anyway.
    fn allows(&self, uid: u32, gid: u32) -> bool {
        uid == 0 || uid == self.own || self.uids.contains(&uid) || self.gids.contains(&gid)
    }

    fn peer(&self, peer: SocketPeer) -> Option<ControlPeer> {
        match peer {
            SocketPeer::Unix { uid, gid, pid } => {
                Some(ControlPeer { uid, pid, allowed: self.allows(uid, gid) })
            }
            SocketPeer::Tcp(_) => None,
        }
    }
}

/// The bound control listener.
#[derive(Debug)]
pub(super) struct ControlSocket {
    pub(super) socket: BoundSocket,
    access: Arc<Access>,
}

impl ControlSocket {
    /// Binds it, if it is configured.
    pub(super) async fn bind(
        settings: Option<&ControlListener>,
    ) -> Result<Option<Self>, BuildError> {
        let Some(settings) = settings else { return Ok(None) };
        let setting = "listeners.control.address";
        let path = settings.address.path();
        let socket = BoundSocket::bind_unix(setting, path, settings.socket_mode).await?;
        // The file was made just now, so its owner is the user of this process.
        let own = fs::metadata(path).map_err(|error| BuildError::Listen {
            setting,
            address: settings.address.to_string(),
            error,
        })?;
        let (uids, gids) = (settings.allowed_uids.clone(), settings.allowed_gids.clone());
        let access = Arc::new(Access { own: own.uid(), uids, gids });
        Ok(Some(Self { socket, access }))
    }

    pub(super) const fn address(&self) -> &ListenAddress {
        self.socket.address()
    }

    /// The commands for each peer of this socket. A peer that the system does not know gets none.
    pub(super) fn routes(&self, commands: Router) -> impl Fn(Http1Peer) -> Router + use<> {
        let access = self.access.clone();
        move |peer: Http1Peer| match access.peer(peer.socket) {
            Some(peer) => commands.clone().layer(Extension(peer)),
            None => Router::new(),
        }
    }
}

/// The commands over a running process.
pub(super) fn commands(
    state: &OpsState,
    reload: ReloadHandle,
    replica: Option<Arc<RevocationReplica>>,
) -> Router {
    let reload = move || {
        let reload = reload.clone();
        async move { reload.reload().await }.boxed()
    };
    let process = ProcessCommands { set_level: telemetry::set_level, reload: Box::new(reload) };
    let control = ControlState::new(state.authorizer.clone(), state.metrics.clone(), process);
    control::router(Arc::new(control.with_replica(replica)))
}

#[cfg(test)]
mod tests {
    use super::Access;

    #[test]
    fn commands_are_for_root_the_own_user_and_those_that_are_named() {
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
