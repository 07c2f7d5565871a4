//! What would keep a configuration from being served, found without serving it: for `config check`,
//! and for `serve` before it begins, so that both say the same.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    os::unix::fs::FileTypeExt as _,
    path::Path,
};

use rustix::fs::{Access, access};

use super::CONNECT_TIMEOUT;
use crate::{config::Config, upstream, verify};

/// JSON pointer of a setting, and what is wrong with it.
type Found = Vec<(String, String)>;

/// Every problem beyond what the text of the settings shows. Nothing is bound and nothing fetched.
#[must_use]
pub fn problems(config: &Config) -> Found {
    let mut found = verify::problems(&config.issuers);
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    if let Err(error) = upstream::Client::build(CONNECT_TIMEOUT) {
        let message = format!(
            "the certificates of authorities cannot be used ({error}); install ca-certificates, or \
             set SSL_CERT_FILE"
        );
        found.push((String::new(), message));
    }
    let listeners = &config.listeners;
    let mut addresses = vec![
        ("/listeners/grpc/address", listeners.grpc.address.as_str()),
        ("/listeners/ops/address", listeners.ops.address.as_str()),
    ];
    let probe = listeners.ops.probe_address.as_deref();
    addresses.extend(probe.map(|address| ("/listeners/ops/probe_address", address)));
    addresses.extend(
        listeners
            .control
            .iter()
            .map(|control| ("/listeners/control/address", control.address.as_str())),
    );
    for (at, address) in addresses {
        let judged = match address.strip_prefix("unix:") {
            Some(path) => socket_path(Path::new(path)),
            None => local_address(address),
        };
        if let Err(message) = judged {
            found.push((at.to_owned(), message));
        }
    }
    found
}

/// A socket file can be made there: its directory is there and ours to write, and no file of
/// another kind stands in its place.
fn socket_path(path: &Path) -> Result<(), String> {
    let (shown, directory) = (path.display(), path.parent().unwrap_or(Path::new("/")));
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Err(format!("{shown} is a directory; write a file's path")),
        Ok(found) if !found.file_type().is_socket() => {
            Err(format!("{shown} is a file of another kind; remove it, or write another path"))
        }
        // Longer ones do not fit into the address of a Unix socket (108 bytes with the final zero).
        _ if path.as_os_str().len() > 107 => {
            Err(format!("{shown} is longer than 107 bytes; write a shorter path"))
        }
        _ => {
            let shown = directory.display();
            access(directory, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
                let error = io::Error::from(error);
                format!("no socket can be made in {shown}: {error}; make the directory, writable")
            })
        }
    }
}

/// The address is one of this machine, as far as that shows without taking its port.
fn local_address(address: &str) -> Result<(), String> {
    // What is no address at all is told by the settings themselves.
    let Ok(mut address) = address.parse::<SocketAddr>() else { return Ok(()) };
    let wanted = address;
    address.set_port(0);
    match TcpListener::bind(address) {
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Err(format!(
            "{} is no address of this machine; write one that is, 127.0.0.1 or 0.0.0.0",
            wanted.ip()
        )),
        // Too many open files, no IPv6 in the kernel: the start will tell.
        Err(error) => Err(format!("cannot listen on {}: {error}", wanted.ip())),
        Ok(_) => Ok(()),
    }
}
