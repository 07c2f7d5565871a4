//! The order of delivery: the events of one user one after the other, and other users meanwhile.
//!
//! In: events that wait, and the ends of attempts. Out: the event to try next, or the time at which
//! there may be one. Events about no user are in no order.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use tokio::time::Instant;

/// An event that waits on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Its number in the queue on disk.
    pub(super) number: u64,
    /// The user that it is about, as a digest; 0: no user.
    pub(super) user: u64,
    /// When it happened, in milliseconds of Unix time.
    pub(super) at: u64,
    /// The bytes that it takes on disk.
    pub(super) bytes: u64,
}

/// Names a lane: events of one lane are delivered in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Lane {
    User(u64),
    Alone(u64),
}

impl Waiting {
    const fn lane(&self) -> Lane {
        if self.user == 0 { Lane::Alone(self.number) } else { Lane::User(self.user) }
    }
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Waiting>,
    /// The failures of the first event.
    failures: u32,
}

/// An event that is to be tried now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) event: Waiting,
    /// The attempts before that failed.
    pub(super) failures: u32,
}

/// The events that wait, in the order in which they are tried.
#[derive(Debug, Default)]
pub(super) struct Order {
    lanes: HashMap<Lane, Queue>,
    ready: VecDeque<Lane>,
    paused: BTreeSet<(Instant, Lane)>,
    events: usize,
    bytes: u64,
}

impl Order {
    /// Another event waits. Those of one user have to come in their order.
    pub(super) fn push(&mut self, event: Waiting) {
        self.events += 1;
        self.bytes += event.bytes;
        let lane = event.lane();
        let queue = self.lanes.entry(lane).or_default();
        queue.events.push_back(event);
        if queue.events.len() == 1 {
            self.ready.push_back(lane);
        }
    }

    /// The event to try now. Its user's next event waits until this one has ended.
    pub(super) fn next(&mut self, now: Instant) -> Option<Attempt> {
        while let Some((_, lane)) = self.paused.first().copied().filter(|(due, _)| *due <= now) {
            self.paused.pop_first();
            self.ready.push_back(lane);
        }
        let lane = self.ready.pop_front()?;
        let queue = self.lanes.get(&lane)?;
        Some(Attempt { event: *queue.events.front()?, failures: queue.failures })
    }

    /// The time at which the first paused event is to be tried again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.paused.first().map(|(due, _)| *due)
    }

    /// There is an event to try now.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The event was delivered, or given up.
    pub(super) fn ended(&mut self, event: &Waiting) {
        let lane = event.lane();
        let Some(queue) = self.lanes.get_mut(&lane) else { return };
        if queue.events.pop_front().is_some() {
            self.events -= 1;
            self.bytes = self.bytes.saturating_sub(event.bytes);
        }
        queue.failures = 0;
        if queue.events.is_empty() {
            self.lanes.remove(&lane);
        } else {
            self.ready.push_back(lane);
        }
    }

    /// The events that happened up to this time, in milliseconds of Unix time, but those that are being
    /// tried.
    pub(super) fn older(&self, than: u64) -> Vec<Attempt> {
        let idle: HashSet<Lane> =
            self.ready.iter().copied().chain(self.paused.iter().map(|(_, lane)| *lane)).collect();
        let mut found = Vec::new();
        for (lane, queue) in &self.lanes {
            let first = usize::from(!idle.contains(lane));
            let each = queue.events.iter().enumerate().skip(first);
            found.extend(each.filter(|(_, event)| event.at <= than).map(|(place, event)| {
                Attempt { event: *event, failures: if place == 0 { queue.failures } else { 0 } }
            }));
        }
        found.sort_by_key(|attempt| attempt.event.number);
        found
    }

    /// These events, which were not being tried, were given up.
    pub(super) fn given_up(&mut self, events: &[Attempt]) {
        let numbers: HashSet<u64> = events.iter().map(|attempt| attempt.event.number).collect();
        let lanes: BTreeSet<Lane> = events.iter().map(|attempt| attempt.event.lane()).collect();
        let mut has_other_first = HashSet::new();
        for lane in lanes {
            let Some(queue) = self.lanes.get_mut(&lane) else { continue };
            let first = queue.events.front().map(|event| event.number);
            queue.events.retain(|event| !numbers.contains(&event.number));
            if queue.events.front().map(|event| event.number) != first {
                queue.failures = 0;
                has_other_first.insert(lane);
            }
            if queue.events.is_empty() {
                self.lanes.remove(&lane);
            }
        }
        self.ready.retain(|lane| self.lanes.contains_key(lane));
        // The pause was that of the event before.
        let (over, paused) =
            self.paused.iter().copied().partition(|(_, lane)| has_other_first.contains(lane));
        self.paused = paused;
        let over: BTreeSet<(Instant, Lane)> = over;
        let next = over.into_iter().map(|(_, lane)| lane);
        self.ready.extend(next.filter(|lane| self.lanes.contains_key(lane)));
        self.events -= events.len();
        let bytes = events.iter().map(|attempt| attempt.event.bytes).sum();
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// The attempt failed; the next one is not before this time.
    pub(super) fn failed(&mut self, event: &Waiting, again: Instant) {
        let lane = event.lane();
        if let Some(queue) = self.lanes.get_mut(&lane) {
            queue.failures = queue.failures.saturating_add(1);
            self.paused.insert((again, lane));
        }
    }

    /// The number of events that wait, those that are being tried included.
    pub(super) const fn events(&self) -> usize {
        self.events
    }

    /// Their bytes on disk.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Order, Waiting};

    const SECOND: Duration = Duration::from_secs(1);

    fn event(number: u64, user: u64) -> Waiting {
        Waiting { number, user, at: 0, bytes: 10 }
    }

    fn tried(order: &mut Order, now: Instant) -> Option<u64> {
        order.next(now).map(|attempt| attempt.event.number)
    }

    #[test]
    fn a_user_waits_for_the_event_before_and_others_do_not() {
        let (mut order, now) = (Order::default(), Instant::now());
        for (number, user) in [(1, 7), (2, 7), (3, 8), (4, 0), (5, 0), (6, 7)] {
            order.push(event(number, user));
        }
        let all: Vec<_> = std::iter::from_fn(|| tried(&mut order, now)).collect();
        assert_eq!(all, [1, 3, 4, 5], "one of each user, and all about nobody");
        order.failed(&event(1, 7), now + SECOND);
        order.ended(&event(3, 8));
        assert_eq!(tried(&mut order, now), None);
        assert_eq!(order.next_due(), Some(now + SECOND));
        let again = order.next(now + SECOND).unwrap();
        assert_eq!((again.event.number, again.failures), (1, 1));
        assert_eq!(tried(&mut order, now + 9 * SECOND), None, "it is being tried");
        order.ended(&event(1, 7));
        let second = order.next(now).unwrap();
        assert_eq!(
            (second.event.number, second.failures),
            (2, 0),
            "failures are those of one event"
        );
        order.ended(&event(2, 7));
        assert_eq!(tried(&mut order, now), Some(6));
        order.ended(&event(6, 7));
        order.ended(&event(4, 0));
        order.ended(&event(5, 0));
        assert_eq!((order.events(), order.bytes(), order.lanes.len()), (0, 0, 0));
        assert!(!order.has_ready() && order.next_due().is_none());
    }

    #[test]
    fn an_event_that_comes_while_its_user_is_paused_does_not_overtake() {
        let (mut order, now) = (Order::default(), Instant::now());
        order.push(event(1, 7));
        assert_eq!(tried(&mut order, now), Some(1));
        order.push(event(2, 7));
        assert_eq!(tried(&mut order, now), None);
        order.failed(&event(1, 7), now + SECOND);
        order.push(event(3, 7));
        assert_eq!(tried(&mut order, now), None);
        assert_eq!(tried(&mut order, now + SECOND), Some(1));
        assert_eq!((order.events(), order.bytes()), (3, 30));
    }

    #[test]
    fn old_events_are_given_up_but_for_those_that_are_being_tried() {
        let (mut order, now) = (Order::default(), Instant::now());
        let at = |number, user, at| Waiting { at, ..event(number, user) };
        for (number, user, when) in
            [(1, 7, 10), (2, 7, 20), (3, 7, 90), (4, 8, 10), (5, 8, 90), (6, 0, 10), (7, 9, 20)]
        {
            order.push(at(number, user, when));
        }
        // 1 fails and waits, 4 and 6 are being tried, 7 is ready.
        assert_eq!([1, 4, 6].map(|_| tried(&mut order, now)), [Some(1), Some(4), Some(6)]);
        order.failed(&at(1, 7, 10), now + SECOND);
        let old = order.older(20);
        let found: Vec<_> = old.iter().map(|old| (old.event.number, old.failures)).collect();
        assert_eq!(found, [(1, 1), (2, 0), (7, 0)]);
        order.given_up(&old);
        assert_eq!((order.events(), order.bytes()), (4, 40));
        assert!(order.older(20).is_empty());
        // The next one of that user has no failures of its own, and no pause.
        assert_eq!(order.next_due(), None);
        let next = order.next(now).unwrap();
        assert_eq!((next.event.number, next.failures), (3, 0));
        for ended in [at(4, 8, 10), at(6, 0, 10), at(3, 7, 90)] {
            order.ended(&ended);
        }
        assert_eq!(tried(&mut order, now), Some(5));
        order.ended(&at(5, 8, 90));
        assert_eq!((order.events(), order.bytes(), order.lanes.len()), (0, 0, 0));
    }
}
