//! The problems that would keep a configuration from being served, found without serving it: for
//! `config check`, and for `serve` before it begins, so that both report the same.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    os::unix::{fs::FileTypeExt as _, net::UnixListener},
    path::{Path, PathBuf},
};

use crate::{
    config::{Config, Finding},
    upstream, verify,
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
    found
}

/// The problems of this machine: certificates of authorities, directories of sockets, addresses.
fn host_problems(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(message) = upstream::authority_problem(config) {
        found.push(Finding { pointer: String::new(), message });
    }
    let listeners = &config.listeners;
    let mut addresses = vec![
        ("/listeners/grpc/address", listeners.grpc.address.as_str()),
        ("/listeners/ops/address", listeners.ops.address.as_str()),
    ];
    let probe = listeners.ops.probe_address.as_deref();
    addresses.extend(probe.map(|address| ("/listeners/ops/probe_address", address)));
    let control = listeners.control.as_ref().map(|control| control.address.as_str());
    addresses.extend(control.map(|address| ("/listeners/control/address", address)));
    for (at, address) in addresses {
        let checked = match address.strip_prefix("unix:") {
            Some(path) => check_socket_path(path),
            None => check_local_address(address),
        };
        if let Err(message) = checked {
            found.push(Finding { pointer: at.to_owned(), message });
        }
    }
    if let (Some(grpc), Some(control)) =
        (resolved_socket_path(&listeners.grpc.address), control.and_then(resolved_socket_path))
        && grpc == control
    {
        let message = "is the socket of the grpc listener too; write another path".to_owned();
        found.push(Finding { pointer: "/listeners/control/address".to_owned(), message });
    }
    found
}

/// The path of a socket file, with the links of its directory followed.
fn resolved_socket_path(address: &str) -> Option<PathBuf> {
    let path = Path::new(address.strip_prefix("unix:")?);
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

/// Checks that a socket file can be made at this path: its directory allows it, and no file of
/// another kind has this path.
fn check_socket_path(path: &str) -> Result<(), String> {
    if path.ends_with('/') || path.contains('\0') {
        return Err(format!(
            "{path:?} is no path of a file; write unix:/run/rownd-authz/name.sock"
        ));
    }
    // Longer ones do not fit into the address of a Unix socket (108 bytes with the final zero).
    if path.len() > 107 {
        return Err(format!("{path} is longer than 107 bytes; write a shorter path"));
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Err(format!("{path} is a directory; write a file's path")),
        Ok(found) if !found.file_type().is_socket() => {
            Err(format!("{path} is a file of another kind; remove it, or write another path"))
        }
        Ok(_) => Ok(()),
        Err(_) => {
            let directory = Path::new(path).parent().unwrap_or(Path::new("/"));
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
fn check_local_address(address: &str) -> Result<(), String> {
    // Text that is no address is a problem that validation reports.
    let Ok(wanted) = address.parse::<SocketAddr>() else { return Ok(()) };
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
