//! The check of the section `listeners`: addresses that can be used, and no two that collide.

use std::{net::SocketAddr, path::Path};

use super::schema::{ControlListener, GrpcListener, Listeners, OpsListener};
use crate::config::{findings::Findings, section::Section};

impl Section for Listeners {
    type Checked = Self;

    fn check(self, at: &str, found: &mut Findings) -> Self {
        check_grpc(&self.grpc, &format!("{at}/grpc"), found);
        check_ops(&self.ops, &self.grpc.address, &format!("{at}/ops"), found);
        if let Some(control) = &self.control {
            check_control(control, &self.grpc.address, &format!("{at}/control"), found);
        }
        self
    }
}

/// Whether other machines reach the gRPC listener without TLS.
pub(in crate::config) fn is_reached_from_elsewhere(grpc: &GrpcListener) -> bool {
    let is_loopback = |address: SocketAddr| address.ip().to_canonical().is_loopback();
    let local = grpc.address.starts_with("unix:") || grpc.address.parse().is_ok_and(is_loopback);
    grpc.tls.is_none() && !local
}

fn check_grpc(grpc: &GrpcListener, at: &str, found: &mut Findings) {
    if let Some(path) = grpc.address.strip_prefix("unix:") {
        if !Path::new(path).is_absolute() {
            found.add(
                format!("{at}/address"),
                format!("`{path}` is not an absolute path; write unix:/run/rownd-authz/grpc.sock"),
            );
        }
    } else if let Err(message) = socket_address(&grpc.address) {
        found.add(format!("{at}/address"), format!("{message}, or unix:/path"));
    }
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

fn check_ops(ops: &OpsListener, grpc: &str, at: &str, found: &mut Findings) {
    let collides_with =
        |address: SocketAddr, other: &str| other.parse().is_ok_and(|other| collide(address, other));
    match socket_address(&ops.address) {
        Err(message) => found.add(format!("{at}/address"), message),
        Ok(address) if collides_with(address, grpc) => found.add(
            format!("{at}/address"),
            "is the address of the grpc listener too; write another port",
        ),
        Ok(_) => {}
    }
    let Some(probes) = &ops.probe_address else { return };
    let at = format!("{at}/probe_address");
    match socket_address(probes) {
        Err(message) => found.add(at, message),
        Ok(address) if !address.ip().is_loopback() => found.add(
            at,
            format!(
                "`{probes}` is not a loopback address, so others reach it; write 127.0.0.1:9465"
            ),
        ),
        Ok(address) if collides_with(address, grpc) || collides_with(address, &ops.address) => {
            found.add(at, "is the address of another listener; write another port");
        }
        Ok(_) => {}
    }
}

fn check_control(control: &ControlListener, grpc: &str, at: &str, found: &mut Findings) {
    let path = control.address.strip_prefix("unix:").filter(|path| Path::new(path).is_absolute());
    if path.is_none() {
        found.add(
            format!("{at}/address"),
            "commands are taken on a Unix socket only; write unix:/run/rownd-authz/control.sock",
        );
    } else if control.address == grpc {
        found.add(
            format!("{at}/address"),
            "is the address of the grpc listener too; write another path",
        );
    }
    // To connect is to write (unix(7)): the last digits are for the group and for the rest.
    let digits: Vec<u32> = control.socket_mode.chars().filter_map(|c| c.to_digit(8)).collect();
    let open = digits.iter().rev().take(2).any(|digit| digit & 2 != 0);
    let others = !control.allowed_uids.is_empty() || !control.allowed_gids.is_empty();
    if others && !open {
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

/// Whether one socket keeps the other from its port: the same address, or one that means all.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    // `[::]` takes connections of IPv4 as well.
    let all = |this: SocketAddr, that: SocketAddr| {
        this.ip().is_unspecified() && (this.is_ipv6() || that.is_ipv4())
    };
    one.port() != 0
        && one.port() == other.port()
        && (one.ip() == other.ip() || all(one, other) || all(other, one))
}

fn socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not an address; write IP:PORT such as 127.0.0.1:50051"))
}
