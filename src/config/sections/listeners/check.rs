//! The check of the section `listeners`: no two addresses that collide, and no bounds that
//! contradict each other.

use super::{
    collide::collide,
    http_check::check_http,
    schema::{ControlListener, GrpcListener, Listeners, OpsListener},
};
use crate::config::{findings::Findings, listen_address::ListenAddress, section::Section};

impl Section for Listeners {
    type Checked = Self;

    fn check(self, at: &str, found: &mut Findings) -> Self {
        check_grpc(&self.grpc, &format!("{at}/grpc"), found);
        check_ops(&self.ops, &self.grpc.address, &format!("{at}/ops"), found);
        if let Some(control) = &self.control {
            check_control(control, &self.grpc.address, &format!("{at}/control"), found);
        }
        check_http(&self, found);
        self
    }
}

/// Whether other machines reach the gRPC listener without TLS.
pub(in crate::config) const fn is_reached_from_elsewhere(grpc: &GrpcListener) -> bool {
    grpc.tls.is_none() && !grpc.address.is_local()
}

fn check_grpc(grpc: &GrpcListener, at: &str, found: &mut Findings) {
    let one = grpc.max_concurrent_streams;
    if grpc.max_streams < one as usize {
        found.add(
            format!("{at}/max_streams"),
            format!(
                "`{}` is less than one connection may have (max_concurrent_streams); write at \
                 least {one}",
                grpc.max_streams
            ),
        );
    }
}

fn check_ops(ops: &OpsListener, grpc: &ListenAddress, at: &str, found: &mut Findings) {
    // An address that has a problem of its own is no address yet.
    let grpc = match grpc {
        ListenAddress::Tcp(address) if !found.is_left_out("/listeners/grpc/address") => {
            Some(*address)
        }
        ListenAddress::Tcp(_) | ListenAddress::Unix(_) => None,
    };
    if grpc.is_some_and(|grpc| collide(ops.address, grpc)) {
        found.add(
            format!("{at}/address"),
            "is the address of the grpc listener too; write another port",
        );
    }
    let Some(probes) = ops.probe_address else { return };
    let pages = (!found.is_left_out("/listeners/ops/address")).then_some(ops.address);
    let at = format!("{at}/probe_address");
    if !probes.ip().is_loopback() {
        found.add(
            at,
            format!(
                "`{probes}` is not a loopback address, so others reach it; write 127.0.0.1:9465"
            ),
        );
    } else if [grpc, pages].into_iter().flatten().any(|other| collide(probes, other)) {
        found.add(at, "is the address of another listener; write another port");
    }
}

fn check_control(control: &ControlListener, grpc: &ListenAddress, at: &str, found: &mut Findings) {
    if grpc.path() == Some(control.address.path()) {
        found.add(
            format!("{at}/address"),
            "is the address of the grpc listener too; write another path",
        );
    }
    let others = !control.allowed_uids.is_empty() || !control.allowed_gids.is_empty();
    if others && !control.socket_mode.is_open_to_others() {
        found.add(
            format!("{at}/socket_mode"),
            format!(
                "{} lets only the owner connect, but allowed_uids and allowed_gids list others; \
                 write \"0660\"",
                control.socket_mode
            ),
        );
    }
}
