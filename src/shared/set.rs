//! The set that every replica has a copy of: its records, and how far a replica has read them.
//!
//! A record is never overwritten by an older one. Two records of one id are merged:
//!
//! - Of one state, the larger value, the later end and the later stamp count.
//! - Of a record that is there and one that is removed, that with the later stamp counts; with equal
//!   stamps, the one that is there.
//!
//! The order in which replicas merge does not matter, so any replica can fill an empty store again.

use std::time::Duration;

use crate::digest::Sha256;

/// A difference in the ends of two copies of a record that is none: clocks differ by so much.
pub(super) const END_SLACK: Duration = Duration::from_secs(60);

/// One record of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetRecord {
    /// The digest of what it is about.
    pub id: Sha256,
    /// The kind of thing, a number of the room whose record it is.
    pub kind: u8,
    /// A number below 2^53. Of two, the larger counts.
    pub value: u64,
    /// How long from now it is kept; `None`: it has no end.
    pub left: Option<Duration>,
    /// When it was made, by the clock of the store; 0 for one that is new. A later command has a
    /// larger one.
    pub stamp: u64,
    /// It was taken back: the record stays until its end, so that a replica that was away cannot
    /// bring the other one again.
    pub removed: bool,
}

/// How far the changes of a set have been read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// The name of the set. A store that lost its state has a set of another name.
    pub generation: String,
    /// The number of the change.
    pub number: u64,
}

impl Position {
    /// Whether a replica at this position has everything that one at `other` has.
    #[must_use]
    pub fn has(&self, other: &Self) -> bool {
        self.generation == other.generation && self.number >= other.number
    }
}

/// Changes of the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The records, oldest change first.
    pub records: Vec<SetRecord>,
    /// The position after them.
    pub position: Position,
    /// The set is not the one of the position that was asked for, or went back in time: these are its
    /// first records, and it may lack some that were known.
    pub restarted: bool,
    /// How long ago the store began this set.
    pub age: Duration,
    /// The store takes writes: it is not full.
    pub writable: bool,
}

/// How far a replica has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaPosition {
    /// Its name.
    pub replica: String,
    /// Where it is.
    pub position: Position,
    /// How long ago it asked.
    pub ago: Duration,
}

impl SetRecord {
    /// The record that two of one id make, and whether it differs from the known one.
    pub(super) fn merged(known: &Self, new: &Self, is_command: bool) -> (Self, bool) {
        if known.removed != new.removed {
            let wins = new.stamp > known.stamp || new.stamp == known.stamp && !new.removed;
            return if wins { (*new, true) } else { (*known, false) };
        }
        let later = is_later(new.left, known.left);
        let merged = Self {
            value: known.value.max(new.value),
            left: if later { new.left } else { known.left },
            stamp: known.stamp.max(new.stamp),
            ..*known
        };
        let changed =
            is_command || later || merged.value > known.value || merged.stamp > known.stamp;
        (merged, changed)
    }
}

/// Whether an end is later than another one, by more than clocks differ.
fn is_later(new: Option<Duration>, known: Option<Duration>) -> bool {
    match (new, known) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(new), Some(known)) => new > known + END_SLACK,
    }
}
