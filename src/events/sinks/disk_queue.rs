//! The events that wait on disk for a receiver. Each batch is on the disk before it counts as kept, so
//! that neither the end of the process at any moment nor a loss of power loses it.
//!
//! In: encoded events, by number. Out: the same, until they are removed. The functions block.

use std::{
    fs::{self, DirBuilder},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use super::order::Waiting;
use crate::{digest::sha256_of_parts, events::cloud_event::ToldEvent};

const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
/// The file in the directory.
const FILE: &str = "queue.redb";
/// The memory for pages of the file.
const CACHE: usize = 4 << 20;
/// The most events that are read at once, and the bytes after which no further one is.
const READ_AT_ONCE: usize = 64;
const READ_BYTES: usize = 256 << 10;
/// The bytes that an event takes on disk beside its own, about.
const OVERHEAD: u64 = 64;

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeptEvent {
    /// The user that it is about, as a digest; 0: no user.
    pub(super) user: u64,
    /// When it happened, in milliseconds of Unix time.
    pub(super) at: u64,
    /// Its id.
    pub(super) id: String,
    /// The CloudEvent.
    pub(super) json: Bytes,
}

impl KeptEvent {
    pub(super) fn of(told: &ToldEvent) -> Self {
        let user = told.event.user_id.as_deref();
        let issuer = told.event.issuer.as_deref().unwrap_or_default();
        Self {
            user: user.map_or(0, |user| user_digest(issuer, user)),
            at: unix_ms(told.event.at),
            id: told.id(),
            json: told.json().clone(),
        }
    }

    /// The event as it waits under this number.
    pub(super) fn waiting(&self, number: u64) -> Waiting {
        Waiting { number, user: self.user, at: self.at, bytes: self.bytes() }
    }

    fn encode(&self) -> BytesMut {
        let mut bytes = BytesMut::with_capacity(18 + self.id.len() + self.json.len());
        bytes.put_u64(self.user);
        bytes.put_u64(self.at);
        bytes.put_u16(u16::try_from(self.id.len()).unwrap_or(u16::MAX));
        bytes.put_slice(self.id.as_bytes());
        bytes.put_slice(&self.json);
        bytes
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let (user, at) = (bytes.try_get_u64().ok()?, bytes.try_get_u64().ok()?);
        let length = usize::from(bytes.try_get_u16().ok()?);
        let (id, json) = bytes.split_at_checked(length)?;
        let id = String::from_utf8(id.to_vec()).ok()?;
        Some(Self { user, at, id, json: Bytes::copy_from_slice(json) })
    }

    /// The bytes that it takes on disk.
    pub(super) fn bytes(&self) -> u64 {
        (18 + self.id.len() + self.json.len()) as u64 + OVERHEAD
    }
}

/// The time in milliseconds since 1970.
pub(super) fn unix_ms(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The user of an event, as a digest of eight bytes that is never 0.
fn user_digest(issuer: &str, user: &str) -> u64 {
    let length = (issuer.len() as u64).to_be_bytes();
    let digest = sha256_of_parts([length.as_slice(), issuer.as_bytes(), user.as_bytes()]);
    digest.as_slice().try_get_u64().unwrap_or(1).max(1)
}

/// The events that wait on disk.
pub(super) struct DiskQueue {
    path: PathBuf,
    /// `None` where it could not be opened again.
    database: RwLock<Option<Database>>,
}

impl std::fmt::Debug for DiskQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiskQueue").field("path", &self.path).finish_non_exhaustive()
    }
}

impl DiskQueue {
    /// The queue of this directory, which is made if it is missing, and the events in it, in their
    /// order.
    ///
    /// # Errors
    ///
    /// The reason: the directory cannot be used, another process uses it, or the file is damaged.
    pub(super) fn open(directory: &Path) -> Result<(Self, Vec<Waiting>), String> {
        make(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        let path = directory.join(FILE);
        let told = |error: redb::Error| match error {
            redb::Error::DatabaseAlreadyOpen => {
                format!("{}: another process, or another sink, uses this queue", path.display())
            }
            error => format!("{}: {error}", path.display()),
        };
        let database = open(&path).map_err(told)?;
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&path, private)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let waiting = all(&database).map_err(told)?;
        Ok((Self { path, database: RwLock::new(Some(database)) }, waiting))
    }

    /// Does something with the file, which is opened again where the disk has refused before.
    fn with<T>(&self, act: impl Fn(&Database) -> Result<T, redb::Error>) -> Result<T, redb::Error> {
        {
            let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(database) = &*database {
                match act(database) {
                    Err(redb::Error::PreviousIo) => {}
                    done => return done,
                }
            }
        }
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // The old one has to be closed first: it holds the lock of the file.
        *database = None;
        act(database.insert(open(&self.path)?))
    }

    /// Removes events, then adds others, all or nothing.
    ///
    /// # Errors
    ///
    /// The disk refuses; nothing has changed.
    pub(super) fn change(
        &self,
        remove: &[u64],
        add: &[(u64, KeptEvent)],
    ) -> Result<(), redb::Error> {
        self.with(|database| {
            let write = database.begin_write()?;
            {
                let mut table = write.open_table(EVENTS)?;
                for number in remove {
                    table.remove(number)?;
                }
                for (number, event) in add {
                    table.insert(number, &*event.encode())?;
                }
            }
            write.commit()?;
            Ok(())
        })
    }

    /// The events of these numbers that are there.
    ///
    /// # Errors
    ///
    /// The disk cannot be read.
    pub(super) fn read_all(&self, numbers: &[u64]) -> Result<Vec<(u64, KeptEvent)>, redb::Error> {
        self.with(|database| {
            let table = database.begin_read()?.open_table(EVENTS)?;
            let mut found = Vec::with_capacity(numbers.len());
            for number in numbers {
                let kept = table.get(number)?.and_then(|bytes| KeptEvent::decode(bytes.value()));
                found.extend(kept.map(|kept| (*number, kept)));
            }
            Ok(found)
        })
    }

    /// The events from this number on, as many as are read at once.
    ///
    /// # Errors
    ///
    /// The disk cannot be read.
    pub(super) fn read_from(&self, number: u64) -> Result<Vec<(u64, KeptEvent)>, redb::Error> {
        self.with(|database| {
            let read = database.begin_read()?;
            let (mut found, mut bytes) = (Vec::new(), 0);
            for entry in read.open_table(EVENTS)?.range(number..)?.take(READ_AT_ONCE) {
                let (number, entry) = entry?;
                bytes += entry.value().len();
                let event = KeptEvent::decode(entry.value());
                found.extend(event.map(|event| (number.value(), event)));
                if bytes >= READ_BYTES {
                    break;
                }
            }
            Ok(found)
        })
    }
}

fn open(path: &Path) -> Result<Database, redb::Error> {
    Ok(Database::builder().set_cache_size(CACHE).create(path)?)
}

fn all(database: &Database) -> Result<Vec<Waiting>, redb::Error> {
    let write = database.begin_write()?;
    // It is made where it is missing.
    write.open_table(EVENTS)?;
    write.commit()?;
    let read = database.begin_read()?;
    let mut found = Vec::new();
    for entry in read.open_table(EVENTS)?.iter()? {
        let (number, bytes) = entry?;
        if let Some(kept) = KeptEvent::decode(bytes.value()) {
            found.push(kept.waiting(number.value()));
        }
    }
    Ok(found)
}

fn make(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{DiskQueue, KeptEvent, user_digest};

    fn event(number: u64) -> KeptEvent {
        let json = Bytes::from(format!("{{\"n\":{number}}}"));
        KeptEvent { user: number % 2, at: 1_000 + number, id: format!("p-{number}"), json }
    }

    #[test]
    fn events_are_there_after_another_start_until_they_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("events");
        let (queue, before) = DiskQueue::open(&place).unwrap();
        assert!(before.is_empty());
        let all: Vec<_> = (1..=300).map(|number| (number, event(number))).collect();
        queue.change(&[], &all).unwrap();
        queue.change(&[1, 3, 300], &[(301, event(301))]).unwrap();
        let refused = DiskQueue::open(&place).unwrap_err();
        assert!(refused.contains("another process"), "{refused}");
        drop(queue);
        let (queue, after) = DiskQueue::open(&place).unwrap();
        let numbers: Vec<u64> = after.iter().map(|waiting| waiting.number).collect();
        let expected: Vec<u64> = (2..=301).filter(|number| ![3, 300].contains(number)).collect();
        assert_eq!(numbers, expected);
        assert_eq!(queue.read_all(&[3, 4, 999, 2]).unwrap(), [(4, event(4)), (2, event(2))]);
        let read = |number| -> Vec<_> {
            let found = queue.read_from(number).unwrap();
            found.into_iter().map(|(number, found)| (number, found == event(number))).collect()
        };
        let expected: Vec<_> = expected.into_iter().map(|number| (number, true)).collect();
        assert_eq!(read(2), expected[..64]);
        assert_eq!(read(3), expected[1..65], "the next one");
        assert_eq!(read(301), [(301, true)]);
        assert_eq!(read(302), []);
        assert_eq!(after[0].bytes, event(2).bytes());
    }

    #[test]
    fn a_damaged_entry_is_no_event() {
        let good = event(7).encode();
        assert_eq!(KeptEvent::decode(&good), Some(event(7)));
        for end in 0..21 {
            assert_eq!(KeptEvent::decode(&good[..end.min(20)]).filter(|_| end < 20), None, "{end}");
        }
        assert_eq!(KeptEvent::decode(&[0xff; 40]), None);
    }

    #[test]
    fn users_of_two_issuers_are_two() {
        assert_eq!(user_digest("a", "b"), user_digest("a", "b"));
        assert_ne!(user_digest("a", "bc"), user_digest("ab", "c"));
        assert_ne!(user_digest("", ""), 0);
    }
}
