//! What would keep a configuration from being served, found without serving it: for `config check`,
//! and for `serve` before it begins, so that both say the same.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    os::unix::{fs::FileTypeExt as _, net::UnixListener},
    path::{Path, PathBuf},
};

use super::CONNECT_TIMEOUT;
use crate::{
    config::{self, Config, Finding},
    upstream, verify,
};

/// Every problem beyond what the text of the settings shows. Nothing that others use is taken, and
/// nothing fetched. A port or a socket that somebody else listens on is not among them.
#[must_use]
pub fn problems(config: &Config) -> Vec<Finding> {
    let mut found = problems_anywhere(config);
    found.extend(problems_here(config));
    found
}

/// Those that are the same on every machine.
#[must_use]
pub fn problems_anywhere(config: &Config) -> Vec<Finding> {
    verify::problems(&config.issuers)
}

/// Those of this machine: certificates of authorities, directories of sockets, addresses.
fn problems_here(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    if let Err(message) = authorities() {
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
        let judged = match address.strip_prefix("unix:") {
            Some(path) => socket_path(path),
            None => local_address(address),
        };
        if let Err(message) = judged {
            found.push(Finding { pointer: at.to_owned(), message });
        }
    }
    if let (Some(grpc), Some(control)) = (place(&listeners.grpc.address), control.and_then(place))
        && grpc == control
    {
        let message = "is the socket of the grpc listener too; write another path".to_owned();
        found.push(Finding { pointer: "/listeners/control/address".to_owned(), message });
    }
    found
}

/// The certificates of authorities can be read, where the environment names them and by the client.
/// A pipe among them would wait for a writer, and a device may never end.
fn authorities() -> Result<(), String> {
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
        let judge = || -> io::Result<()> {
            for entry in fs::read_dir(directory)? {
                let path = entry?.path();
                // A link that leads nowhere is passed over by the client as well.
                if fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
                    return Err(io::Error::other(format!("{} is no file", path.display())));
                }
            }
            Ok(())
        };
        judge().map_err(|error| format!("SSL_CERT_DIR: {directory} cannot be read: {error}"))?;
    }
    upstream::Client::build(CONNECT_TIMEOUT).map(drop).map_err(|error| {
        format!(
            "the certificates of authorities cannot be used ({error}); install ca-certificates, or \
             set SSL_CERT_FILE"
        )
    })
}

/// Where a socket file is, with the links of its directory followed.
fn place(address: &str) -> Option<PathBuf> {
    let path = Path::new(address.strip_prefix("unix:")?);
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

/// A socket file can be made there: its directory takes one, and no file of another kind stands in
/// its place.
fn socket_path(path: &str) -> Result<(), String> {
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
            // Made and removed at once under another name: some file systems take no socket.
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

/// The address is one of this machine, and its port one that this user may take.
fn local_address(address: &str) -> Result<(), String> {
    // What is no address at all is told by the settings themselves.
    let Ok(wanted) = address.parse::<SocketAddr>() else { return Ok(()) };
    let (ip, port) = (wanted.ip(), wanted.port());
    // A port below 1024 may be forbidden, which only shows by taking it; others are left alone.
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
