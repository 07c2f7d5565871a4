//! The problems that would keep a configuration from being served, found without serving it: for
//! `config check`, and for `serve` before it begins, so that both report the same.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    os::unix::{fs::FileTypeExt as _, net::UnixListener},
    path::{Path, PathBuf},
};

use super::foundation::CONNECT_TIMEOUT;
use crate::{
    config::{self, Config, Finding, ListenAddress, Listeners},
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
    verify::problems(&config.issuers)
}

/// The problems of this machine: certificates of authorities, directories of sockets, addresses.
fn host_problems(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    if let Err(message) = check_authorities() {
        found.push(Finding { pointer: String::new(), message });
    }
    let Listeners { grpc, ops, control } = &config.listeners;
    let control = control.as_ref().map(|control| control.address.path());
    let mut add = |pointer: &str, checked: Result<(), String>| {
        found.extend(checked.err().map(|message| Finding { pointer: pointer.to_owned(), message }));
    };
    match &grpc.address {
        ListenAddress::Tcp(address) => {
            add("/listeners/grpc/address", check_local_address(*address))
        }
        ListenAddress::Unix(path) => add("/listeners/grpc/address", check_socket_path(path)),
    }
    add("/listeners/ops/address", check_local_address(ops.address));
    if let Some(address) = ops.probe_address {
        add("/listeners/ops/probe_address", check_local_address(address));
    }
    if let Some(path) = control {
        add("/listeners/control/address", check_socket_path(path));
    }
    if let (Some(grpc), Some(control)) =
        (grpc.address.path().and_then(resolved), control.and_then(resolved))
        && grpc == control
    {
        let message = "is the socket of the grpc listener too; write another path";
        add("/listeners/control/address", Err(message.to_owned()));
    }
    found
}

/// Checks that the certificates of authorities can be read, those that the environment names and
/// those that the client finds.
/// A pipe among them would wait for a writer, and a device may never end.
fn check_authorities() -> Result<(), String> {
    let environment = config::environment();
    let named = |name| environment.get(name).filter(|path| !path.is_empty());
    if let Some(file) = named("SSL_CERT_FILE") {
        config::certificate_file(Path::new(file)).map_err(|error| {
            format!(
                "SSL_CERT_FILE: {file} cannot be read: {error}; name a file of certificates in PEM"
            )
        })?;
    }
    if let Some(directory) = named("SSL_CERT_DIR") {
        let check = || -> io::Result<()> {
            for entry in fs::read_dir(directory)? {
                let path = entry?.path();
                // A link that leads nowhere is passed over by the client as well.
                if fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
                    return Err(io::Error::other(format!("{} is no file", path.display())));
                }
            }
            Ok(())
        };
        check().map_err(|error| format!("SSL_CERT_DIR: {directory} cannot be read: {error}"))?;
    }
    upstream::Client::build(CONNECT_TIMEOUT).map(drop).map_err(|error| {
        format!(
            "the certificates of authorities cannot be used ({error}); install ca-certificates, or \
             set SSL_CERT_FILE"
        )
    })
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
