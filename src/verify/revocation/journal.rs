//! The knowledge of a replicated list beside its entries: the commands that the store does not have yet,
//! and the revocations that were taken back.
//!
//! In: commands of this replica, records of the store. Out: what to send, and which of two that
//! contradict counts. Bounded: commands by the entries that they made, the rest by the same number.

use std::collections::{BTreeMap, HashMap};

use super::entry::{EntryEnd, SubjectDigest};
use crate::{shared::SetRecord, verify::revocation::RevocationKind};

/// A command that the store does not have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unsent {
    pub(super) record: SetRecord,
    /// The number of the command: a later one of the same subject is another one.
    command: u64,
}

/// A revocation that was taken back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Removed {
    pub(super) kind: RevocationKind,
    pub(super) stamp: u64,
    pub(super) end: EntryEnd,
}

/// The journal of a list.
#[derive(Debug, Default)]
pub(super) struct Journal {
    unsent: HashMap<SubjectDigest, u64>,
    removed: BTreeMap<SubjectDigest, Removed>,
    commands: u64,
}

impl Journal {
    /// A command of this replica has revoked the subject.
    pub(super) fn revoked(&mut self, id: SubjectDigest) {
        self.removed.remove(&id);
        self.commands += 1;
        self.unsent.insert(id, self.commands);
    }

    pub(super) fn unsent_count(&self) -> usize {
        self.unsent.len()
    }

    pub(super) fn is_unsent(&self, id: &SubjectDigest) -> bool {
        self.unsent.contains_key(id)
    }

    /// At most this many commands to send. Those without a record any more are dropped.
    pub(super) fn take_unsent(
        &mut self,
        most: usize,
        record: impl Fn(&SubjectDigest) -> Option<SetRecord>,
    ) -> Vec<Unsent> {
        let (mut found, mut gone) = (Vec::new(), Vec::new());
        for (id, command) in &self.unsent {
            if found.len() >= most {
                break;
            }
            match record(id) {
                Some(record) => found.push(Unsent { record, command: *command }),
                None => gone.push(*id),
            }
        }
        for id in gone {
            self.unsent.remove(&id);
        }
        found
    }

    /// The store has these now.
    pub(super) fn sent(&mut self, sent: &[Unsent]) {
        for Unsent { record, command } in sent {
            if self.unsent.get(&record.id) == Some(command) {
                self.unsent.remove(&record.id);
            }
        }
    }

    /// The store says that the subject is revoked; `false`: it was taken back later.
    pub(super) fn revoked_by_store(&mut self, id: &SubjectDigest, stamp: u64) -> bool {
        match self.removed.get(id) {
            Some(removed) if removed.stamp > stamp => false,
            Some(_) | None => {
                self.removed.remove(id);
                true
            }
        }
    }

    /// The store says that the revocation was taken back. Without room for it, this replica cannot
    /// tell an empty store of it.
    pub(super) fn taken_back(&mut self, id: SubjectDigest, removed: Removed, most: usize) {
        let known = self.removed.get(&id).copied();
        let newer = known.is_none_or(|known| known.stamp <= removed.stamp);
        if newer && (known.is_some() || self.removed.len() < most) {
            self.removed.insert(id, removed);
        }
    }

    /// The revocations that were taken back and whose ids begin with this byte.
    pub(super) fn removed_of(
        &self,
        first: u8,
        now: u64,
    ) -> impl Iterator<Item = SetRecord> + use<'_> {
        let mut from = [0; 32];
        from[0] = first;
        let mut to = [u8::MAX; 32];
        to[0] = first;
        let live = self.removed.range(from..=to).filter(move |(_, known)| !known.end.is_over(now));
        live.map(move |(id, Removed { kind, stamp, end })| SetRecord {
            id: *id,
            kind: *kind as u8,
            value: 0,
            left: end.left(now),
            stamp: *stamp,
            removed: true,
        })
    }

    /// Drops what no replica can bring again.
    pub(super) fn drop_ended(&mut self, now: u64) {
        self.removed.retain(|_, removed| !removed.end.is_over(now));
    }
}
