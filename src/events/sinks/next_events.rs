//! The next events of a delivery, in memory as well as on the disk, so that the disk is not read for
//! each of them.
//!
//! In: events that were put on the disk or read from it, by number. Out: each of them once. The memory
//! is bounded: what finds no room is read from the disk when its turn comes.

use std::collections::HashMap;

use super::disk_queue::KeptEvent;

/// The most bytes of them.
const MAX_BYTES: u64 = 2 << 20;

/// Events in memory.
#[derive(Debug, Default)]
pub(super) struct NextEvents {
    events: HashMap<u64, KeptEvent>,
    bytes: u64,
}

impl NextEvents {
    /// Adds an event, if there is room.
    pub(super) fn add(&mut self, number: u64, event: KeptEvent) {
        let bytes = self.bytes + event.bytes();
        if bytes <= MAX_BYTES && self.events.insert(number, event).is_none() {
            self.bytes = bytes;
        }
    }

    /// Drops all, and adds these. Those that were delivered in another order would stay otherwise.
    pub(super) fn replace(&mut self, events: Vec<(u64, KeptEvent)>) {
        *self = Self::default();
        events.into_iter().for_each(|(number, event)| self.add(number, event));
    }

    /// The event of this number, if it is here. It is not here afterwards.
    pub(super) fn take(&mut self, number: u64) -> Option<KeptEvent> {
        let event = self.events.remove(&number)?;
        self.bytes -= event.bytes();
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{KeptEvent, MAX_BYTES, NextEvents};

    fn event(bytes: usize) -> KeptEvent {
        KeptEvent { user: 0, at: 0, id: "e-1".to_owned(), json: Bytes::from(vec![b' '; bytes]) }
    }

    #[test]
    fn an_event_is_there_once_and_only_where_there_is_room() {
        let mut next = NextEvents::default();
        for number in 0..10 {
            next.add(number, event(256 << 10));
            assert!(next.bytes <= MAX_BYTES, "{number}");
        }
        assert_eq!(next.take(0), Some(event(256 << 10)));
        assert_eq!(next.take(0), None);
        assert_eq!(next.take(9), None, "there was no room");
        next.add(9, event(1));
        assert_eq!(next.take(9), Some(event(1)));
        next.replace(vec![(20, event(2)), (21, event(3))]);
        assert_eq!(next.take(1), None, "dropped");
        assert_eq!([next.take(20), next.take(21)], [Some(event(2)), Some(event(3))]);
        assert_eq!(next.bytes, 0);
    }
}
