//! The problems that would keep a configuration from being served, found without serving it: for
//! `config check`, and for `serve` before it begins, so that both report the same.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    os::unix::{fs::FileTypeExt as _, net::UnixListener},
    path::{Path, PathBuf},
};

use crate::{
    config::{Config, Finding, ListenAddress, Listeners},
    passport, upstream, verify,
};

/// Every problem that the text of the settings alone does not show. Nothing that other programs use
/// is taken, and nothing is fetched. A port or a socket that another program listens on is not
/// among the problems.
#[must_use]
pub fn problems(config: &Config) -> Vec<Finding> {
    let mut found = problems_anywhere(config);
    found.extend(host_problems(config));
    found
}

/// The problems that are the same on every machine.
#[must_use]
pub fn problems_anywhere(config: &Config) -> Vec<Finding> {
    let mut found = verify::problems(&config.issuers);
    found.extend(upstream::problems(config));
    found.extend(passport::problems(config));
    found
}

/// The problems of this machine: certificates of authorities, directories of sockets, addresses.
fn host_problems(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(message) = upstream::authority_problem(config) {
        found.push(Finding { pointer: String::new(), message });
    }
    let Listeners { grpc, ops, control, http: _, public_http: _ } = &config.listeners;
    let control = control.as_ref().map(|control| control.address.path());
    let mut add = |pointer: &str, checked: Result<(), String>| {
        found.extend(checked.err().map(|message| Finding { pointer: pointer.to_owned(), message }));
    };
    add("/listeners/grpc/address", check_address(&grpc.address));
    add("/listeners/ops/address", check_local_address(ops.address));
    if let Some(address) = ops.probe_address {
        add("/listeners/ops/probe_address", check_local_address(address));
    }
    if let Some(path) = control {
        add("/listeners/control/address", check_socket_path(path));
    }
    for http in config.listeners.over_http() {
        add(&http.name.pointer("address"), check_address(http.address));
    }
    // The same text is told by the check of the section.
    let is_other_text = control != grpc.address.path();
    let grpc = grpc.address.path().and_then(resolved);
    let control = control.and_then(resolved);
    if control.is_some() && control == grpc && is_other_text {
        let message = "is the socket of the grpc listener too; write another path";
        add("/listeners/control/address", Err(message.to_owned()));
    }
    let mut taken: Vec<PathBuf> = [grpc, control].into_iter().flatten().collect();
    for http in config.listeners.over_http() {
        let Some(socket) = http.address.path().and_then(resolved) else { continue };
        if taken.contains(&socket) {
            let message = "is the socket of another listener too; write another path";
            add(&http.name.pointer("address"), Err(message.to_owned()));
        }
        taken.push(socket);
    }
    found
}

fn check_address(wanted: &ListenAddress) -> Result<(), String> {
    match wanted {
        ListenAddress::Tcp(address) => check_local_address(*address),
        ListenAddress::Unix(path) => check_socket_path(path),
    }
}

/// The path of a socket file, with the links of its directory followed.
fn resolved(path: &Path) -> Option<PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

/// Checks that a socket file can be made at this path: its directory allows it, and no file of
/// another kind has this path.
fn check_socket_path(path: &Path) -> Result<(), String> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let shown = path.display();
    if bytes.ends_with(b"/") || bytes.contains(&0) {
        return Err(format!(
            "{path:?} is no path of a file; write unix:/run/rownd-authz/name.sock"
        ));
    }
    // Longer ones do not fit into the address of a Unix socket (108 bytes with the final zero).
    if bytes.len() > 107 {
        return Err(format!("{shown} is longer than 107 bytes; write a shorter path"));
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Err(format!("{shown} is a directory; write a file's path")),
        Ok(found) if !found.file_type().is_socket() => {
            Err(format!("{shown} is a file of another kind; remove it, or write another path"))
        }
        Ok(_) => Ok(()),
        Err(_) => {
            let directory = path.parent().unwrap_or(Path::new("/"));
            // Made under another name and removed at once: some file systems have no sockets.
            let trial = directory.join(format!(".{}", std::process::id()));
            let made = UnixListener::bind(&trial);
            let _ = fs::remove_file(&trial);
            made.map(drop).map_err(|error| {
                let shown = directory.display();
                format!("no socket can be made in {shown}: {error}; make the directory, writable")
            })
        }
    }
}

/// Checks that the address is one of this machine, and its port one that this user may bind.
fn check_local_address(wanted: SocketAddr) -> Result<(), String> {
    let (ip, port) = (wanted.ip(), wanted.port());
    // A port below 1024 may be forbidden, which only binding it shows; others are not touched.
    let trial = SocketAddr::new(ip, if port < 1024 { port } else { 0 });
    match TcpListener::bind(trial).map(drop) {
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
            Err(format!("{ip} is no address of this machine; write one that is, such as 127.0.0.1"))
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(format!("port {port} needs a right that this user lacks; write one above 1023"))
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(()),
        Err(error) => Err(format!("cannot listen on {ip}: {error}")),
        Ok(()) => Ok(()),
    }
}
