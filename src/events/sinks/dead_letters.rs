//! The file of events that were given up, for a person to look at or to send again.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::value::RawValue;

/// The file in the directory of the queue.
const FILE: &str = "dead-letters.jsonl";
/// The file is renamed when it is larger; the one that was renamed before is replaced.
const MAX_BYTES: u64 = 16 << 20;

/// An event that was given up.
#[derive(Debug, Serialize)]
pub(super) struct DeadLetter {
    pub(super) id: String,
    pub(super) given_up: String,
    pub(super) attempts: u32,
    pub(super) last_error: String,
    pub(super) event: Box<RawValue>,
}

/// Adds a line to the file. It is on the disk when this returns.
///
/// # Errors
///
/// The disk refuses.
pub(super) fn write(directory: &Path, letter: &DeadLetter) -> io::Result<()> {
    let path = directory.join(FILE);
    let mut line = serde_json::to_vec(letter)?;
    line.push(b'\n');
    let bytes = fs::metadata(&path).map_or(0, |found| found.len());
    if bytes > 0 && bytes + line.len() as u64 > MAX_BYTES {
        fs::rename(&path, older(directory))?;
    }
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
    file.write_all(&line)?;
    file.sync_data()
}

fn older(directory: &Path) -> PathBuf {
    directory.join(format!("{FILE}.1"))
}
