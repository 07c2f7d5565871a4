//! The problems that would keep a configuration from being served, found without serving it: for
//! `config check`, and for `serve` before it begins, so that both report the same.

use std::{
    fs::{self, OpenOptions},
    io,
    net::{SocketAddr, TcpListener},
    os::unix::{fs::FileTypeExt as _, net::UnixListener},
    path::{Path, PathBuf},
};

use crate::{
    config::{Config, Finding, ListenAddress, Listeners, SinkKind},
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
    if let Some(kept) = &config.key_snapshots {
        add("/key_snapshots/directory", check_directory(Path::new(&kept.directory)));
    }
    for (at, sink) in config.events.placed_sinks() {
        match &sink.kind {
            SinkKind::Http(http) => {
                let directory = Path::new(&http.directory);
                add(&format!("{at}/http/directory"), check_directory(directory));
            }
            SinkKind::RedisStream(stream) => {
                let directory = Path::new(&stream.directory);
                add(&format!("{at}/redis_stream/directory"), check_directory(directory));
            }
            SinkKind::File(file) => {
                let rotates = file.max_bytes != 0;
                add(&format!("{at}/file/path"), check_file(Path::new(&file.path), rotates));
            }
            SinkKind::Stdout(_) | SinkKind::Stream(_) => {}
        }
    }
    found
}

/// Checks that files can be made in a directory, or that it can be made itself. One that is not there,
/// nor the directory above it, is told by the check of its section.
fn check_directory(directory: &Path) -> Result<(), String> {
    let made_in = [Some(directory), directory.parent()].into_iter().flatten();
    let mut there = made_in.filter(|path| path.is_dir());
    there.next().map_or(Ok(()), trial)
}

/// Checks that a file can be written, or made; and that it can be renamed, if it `rotates`.
fn check_file(path: &Path, rotates: bool) -> Result<(), String> {
    let directory = path.parent().filter(|directory| directory.is_dir());
    match fs::metadata(path) {
        Ok(found) if found.is_file() => {
            let opened = OpenOptions::new().append(true).open(path);
            opened.map_err(|error| unwritable(path, &error))?;
            directory.filter(|_| rotates).map_or(Ok(()), trial)
        }
        Ok(_) => Ok(()),
        Err(_) => directory.map_or(Ok(()), trial),
    }
}

/// Makes a file in a directory and removes it at once.
fn trial(directory: &Path) -> Result<(), String> {
    let path = directory.join(format!(".rownd-authz-{}", std::process::id()));
    let made = OpenOptions::new().write(true).create_new(true).open(&path);
    let made = made.map_err(|error| unwritable(directory, &error));
    made.map(|_| fs::remove_file(&path).unwrap_or_default())
}

fn unwritable(path: &Path, error: &io::Error) -> String {
    format!(
        "{} cannot be written: {error}; let the user of the process write there, or write the path of \
         a volume that can be written",
        path.display()
    )
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

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{check_directory, check_file};

    /// No process can make a file in `/proc`, not even one of root.
    #[test]
    fn a_place_that_cannot_be_written_is_told_and_nothing_is_left_behind() {
        for checked in [
            check_file(Path::new("/proc/events.jsonl"), true),
            check_directory(Path::new("/proc")),
            check_directory(Path::new("/proc/keys-of-rownd-authz")),
        ] {
            let problem = checked.unwrap_err();
            assert!(problem.starts_with("/proc cannot be written"), "{problem}");
        }
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("events.jsonl");
        for rotates in [true, false] {
            assert_eq!(check_file(&file, rotates), Ok(()));
        }
        assert_eq!(check_directory(&directory.path().join("keys")), Ok(()));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        fs::write(&file, "a").unwrap();
        assert_eq!(check_file(&file, true), Ok(()));
        assert_eq!(fs::read_to_string(&file).unwrap(), "a");
        assert_eq!(check_file(Path::new("/dev/null"), false), Ok(()));
    }
}
