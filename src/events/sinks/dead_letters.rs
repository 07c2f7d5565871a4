//! The file of events that were given up, for a person to look at or to send again.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use serde::Serialize;
use serde_json::value::RawValue;

use super::disk_queue::{DiskQueue, KeptEvent};

/// The file in the directory of the queue.
const FILE: &str = "dead-letters.jsonl";
/// The file is renamed when it is larger; the one that was renamed before is replaced.
const MAX_BYTES: u64 = 16 << 20;

/// An event that was given up.
#[derive(Debug, Serialize)]
struct DeadLetter<'a> {
    id: &'a str,
    given_up: &'a str,
    attempts: u32,
    last_error: &'a str,
    event: &'a RawValue,
}

/// Whether the file may be renamed. Events that are given up together stay in one file, so that no
/// rename replaces some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rename {
    Allowed,
    No,
}

/// Events of a queue that are given up.
#[derive(Debug)]
pub(super) struct DeadLetters {
    pub(super) queue: Arc<DiskQueue>,
    /// The directory of the queue.
    pub(super) directory: PathBuf,
    /// The attempts that were made to send each, by its number.
    pub(super) attempts: BTreeMap<u64, u32>,
    pub(super) last_error: String,
    pub(super) rename: Rename,
}

impl DeadLetters {
    /// Adds a line to the file for each event that the queue has, and counts them. They are on the disk
    /// when this returns. It blocks.
    ///
    /// # Errors
    ///
    /// The disk refuses.
    pub(super) fn write(&self) -> Result<usize, String> {
        let numbers: Vec<u64> = self.attempts.keys().copied().collect();
        let events = self.queue.read_all(&numbers).map_err(|error| error.to_string())?;
        self.add(&events).map_err(|error| error.to_string())?;
        Ok(events.len())
    }

    fn add(&self, events: &[(u64, KeptEvent)]) -> io::Result<()> {
        let now = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let (given_up, last_error) = (now.as_str(), self.last_error.as_str());
        let mut lines = Vec::new();
        for (number, KeptEvent { id, json, .. }) in events {
            // Bytes that are no JSON are no event.
            let Ok(event) = serde_json::from_slice::<&RawValue>(json) else { continue };
            let attempts = self.attempts.get(number).copied().unwrap_or_default();
            let letter = DeadLetter { id, given_up, attempts, last_error, event };
            serde_json::to_writer(&mut lines, &letter)?;
            lines.push(b'\n');
        }
        let path = self.directory.join(FILE);
        let bytes = fs::metadata(&path).map_or(0, |found| found.len());
        let is_full = bytes > 0 && bytes + lines.len() as u64 > MAX_BYTES;
        if is_full && self.rename == Rename::Allowed {
            fs::rename(&path, older(&self.directory))?;
        }
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        file.write_all(&lines)?;
        file.sync_data()
    }
}

fn older(directory: &Path) -> PathBuf {
    directory.join(format!("{FILE}.1"))
}
