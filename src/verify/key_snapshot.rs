//! An issuer's last good key set on disk, so that a process that starts during an outage can
//! verify tokens.
//!
//! In: a document that was just fetched. Out: the same document after a restart, if no other user
//! can have written it, and it is complete, of this issuer, and young enough. Everything here
//! blocks: the refresher runs it beside the threads that answer.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::{fs::OFlags, io::Errno};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::{jwks::KeySetError, key_source::MAX_BYTES};
use crate::{
    config::{KeySnapshots as Settings, check_directory, only_ours},
    digest::{hex, sha256},
};

/// The most bytes before the document: a line of checksum, a line of JSON.
const MAX_HEADER: usize = 16 << 10;
const FORMAT: &str = "rownd-authz-keys-1";
/// A clock may have been set back a little between two runs.
const MAX_AHEAD: Duration = Duration::from_secs(60);
/// A file that was not finished, by a process that was killed, is removed after this.
const ABANDONED: Duration = Duration::from_secs(60);

/// The fate of an issuer's key set on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum SnapshotResult {
    /// The process started with it.
    Loaded,
    /// There was none at the start.
    Absent,
    /// There was one that cannot be trusted.
    Refused,
    /// It was written after a fetch.
    Written,
    /// It could not be written.
    WriteFailed,
}

/// The issuer of the keys, and the time they came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SnapshotHeader {
    issuer: String,
    iss: String,
    source: String,
    fetched_at: u64,
}

/// The reason why no keys come from the disk.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// There is no file.
    #[error("there is no snapshot")]
    Absent,
    /// There is a file, and it is not trusted for this reason.
    #[error("{0}")]
    Refused(String),
}

impl From<KeySetError> for LoadError {
    fn from(error: KeySetError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<&str> for LoadError {
    fn from(reason: &str) -> Self {
        Self::Refused(reason.to_owned())
    }
}

/// A document as an earlier process fetched it.
#[derive(Debug)]
pub(super) struct RestoredKeys {
    pub(super) document: Vec<u8>,
    pub(super) fetched_at: SystemTime,
    pub(super) age: Duration,
}

/// One issuer's file.
#[derive(Debug)]
pub(super) struct KeySnapshot {
    directory: PathBuf,
    max_age: Duration,
    /// The name of the file, without its ending.
    file: String,
    ending: &'static str,
    issuer: String,
    iss: String,
    source: String,
    /// Held while a file takes its place or is removed.
    place: Mutex<()>,
}

impl KeySnapshot {
    /// `source` is where the operator says that the keys are.
    pub(super) fn new(settings: &Settings, issuer: &str, iss: &str, source: &str) -> Self {
        Self {
            directory: PathBuf::from(&settings.directory),
            max_age: settings.max_age.get(),
            file: issuer.to_owned(),
            ending: "keys",
            issuer: issuer.to_owned(),
            iss: iss.to_owned(),
            source: source.to_owned(),
            place: Mutex::new(()),
        }
    }

    /// The file of one tenant of the issuer. No name of an issuer holds a dot.
    pub(super) fn of_tenant(self, tenant: &str) -> Self {
        Self { file: format!("{}.{tenant}", self.issuer), ..self }
    }

    /// A file of another content beside the keys, and the age up to which it is used.
    pub(super) fn with_ending(self, ending: &'static str, max_age: Duration) -> Self {
        Self { ending, max_age, ..self }
    }

    /// The path of the file.
    pub(super) fn path(&self) -> PathBuf {
        // Names and tenants are checked to be harmless when the configuration is read.
        self.directory.join(format!("{}.{}", self.file, self.ending))
    }

    /// Reads the file as of this time, and removes unfinished ones.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: absent, or not trusted.
    pub(super) fn load(&self, now: SystemTime) -> Result<RestoredKeys, LoadError> {
        self.sweep(now);
        self.find(now)
    }

    /// Reads the file as of this time, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: absent, or not trusted.
    pub(super) fn find(&self, now: SystemTime) -> Result<RestoredKeys, LoadError> {
        let bytes = self.read()?;
        let (head, document) = unseal(&bytes)?;
        if head.issuer != self.issuer || head.iss != self.iss {
            return Err("it is of another issuer".into());
        }
        if head.source != self.source {
            return Err("it was fetched from another place than is configured now".into());
        }
        let fetched_at = UNIX_EPOCH
            .checked_add(Duration::from_secs(head.fetched_at))
            .ok_or("its time is out of range")?;
        let age = match now.duration_since(fetched_at) {
            Ok(age) => age,
            Err(ahead) if ahead.duration() <= MAX_AHEAD => Duration::ZERO,
            Err(_) => return Err("it is from the future: compare the clocks".into()),
        };
        if age > self.max_age {
            return Err("it is older than key_snapshots.max_age".into());
        }
        Ok(RestoredKeys { document: document.to_vec(), fetched_at, age })
    }

    fn read(&self) -> Result<Vec<u8>, LoadError> {
        let refused = |error: io::Error| LoadError::Refused(error.to_string());
        // A symbolic link, a pipe or a device is not the file that was written.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = match OpenOptions::new().read(true).custom_flags(bits(flags)).open(self.path()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LoadError::Absent);
            }
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                return Err("it is a symbolic link".into());
            }
            Err(error) => return Err(refused(error)),
        };
        check_directory(&self.directory).map_err(LoadError::Refused)?;
        let metadata = file.metadata().map_err(refused)?;
        if !metadata.is_file() {
            return Err("it is no regular file".into());
        }
        if !only_ours(&metadata) {
            return Err("its owner is another user, or others can write it".into());
        }
        let limit = MAX_HEADER + MAX_BYTES;
        let mut bytes = Vec::new();
        file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(refused)?;
        if bytes.len() > limit {
            return Err("it is too large".into());
        }
        Ok(bytes)
    }

    /// Writes the whole file or none. The file is put in place only if `still` is true then.
    ///
    /// # Errors
    ///
    /// Those of the file system. The file of before stays then.
    pub(super) fn write(
        &self,
        document: &[u8],
        fetched_at: SystemTime,
        still: impl FnOnce() -> bool,
    ) -> io::Result<()> {
        self.make_directory()?;
        let name = format!(".{}.{:016x}.tmp", self.file, rand::random::<u64>());
        let unfinished = self.directory.join(name);
        let written = self
            .write_file(&unfinished, &self.seal(document, fetched_at)?)
            .and_then(|()| self.put_in_place(&unfinished, still));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    fn make_directory(&self) -> io::Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        check_directory(&self.directory).map_err(io::Error::other)
    }

    fn write_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let flags = bits(OFlags::NOFOLLOW);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(flags)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn put_in_place(&self, unfinished: &Path, still: impl FnOnce() -> bool) -> io::Result<()> {
        let _place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if !still() {
            return fs::remove_file(unfinished);
        }
        fs::rename(unfinished, self.path())?;
        self.sync_directory()
    }

    /// Removes the file for good; a missing file is no error.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub(super) fn remove(&self) -> io::Result<()> {
        let _place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match fs::remove_file(self.path()) {
            Ok(()) => self.sync_directory(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A rename or a removal lasts once the directory has been written.
    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    /// Removes the unfinished files of a process that was killed.
    fn sweep(&self, now: SystemTime) {
        let ours = format!(".{}.", self.file);
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let unfinished =
                name.to_str().is_some_and(|name| name.starts_with(&ours) && name.ends_with(".tmp"));
            let age = entry.metadata().and_then(|metadata| metadata.modified());
            let age = age.ok().and_then(|at| now.duration_since(at).ok());
            if unfinished && age.is_some_and(|age| age > ABANDONED) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// The bytes of the file. The checksum stands first and covers everything after it.
    fn seal(&self, document: &[u8], fetched_at: SystemTime) -> io::Result<Vec<u8>> {
        let head = SnapshotHeader {
            issuer: self.issuer.clone(),
            iss: self.iss.clone(),
            source: self.source.clone(),
            fetched_at: fetched_at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        };
        let mut rest = serde_json::to_vec(&head)?;
        rest.push(b'\n');
        rest.extend_from_slice(document);
        let mut sealed = format!("{FORMAT} {}\n", checksum(&rest)).into_bytes();
        sealed.extend_from_slice(&rest);
        Ok(sealed)
    }
}

fn unseal(bytes: &[u8]) -> Result<(SnapshotHeader, &[u8]), LoadError> {
    const BROKEN: &str = "it is damaged, or no snapshot of this version";
    let (first, rest) = split_line(bytes).ok_or(BROKEN)?;
    if first != format!("{FORMAT} {}", checksum(rest)).as_bytes() {
        return Err(BROKEN.into());
    }
    let (head, document) = split_line(rest).ok_or(BROKEN)?;
    Ok((serde_json::from_slice(head).map_err(|_| BROKEN)?, document))
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

fn checksum(bytes: &[u8]) -> String {
    hex(&sha256(bytes))
}

fn bits(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}
