//! The faults of parts in the background: a part that fails again and again is told on `/status` and
//! in a metric until it works again, as the log tells it.
//!
//! In: the end of each attempt of a part. Out: the parts that are at fault, since when, and why. None
//! of them makes the process not ready: a check needs none of them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

/// The most characters of a reason that are kept.
const MAX_REASON: usize = 300;

/// A kind of part that works in the background.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray, Serialize,
)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The receiver of an event sink, or its file.
    EventSink,
    /// The queue of an event sink on disk.
    EventQueue,
    /// The poll of a transmitter of security events.
    EventPoll,
    /// A service of the operator that is asked before something happens.
    Hook,
    /// A listener that cannot accept connections.
    Listener,
}

/// The parts of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Parts(Arc<Mutex<KnownFaults>>);

type PartName = (Part, String);

#[derive(Debug, Default)]
struct KnownFaults {
    faults: BTreeMap<PartName, Fault>,
    /// The number of reporters so far.
    reporters: u64,
}

/// A fault that lasts.
#[derive(Debug, Clone)]
struct Fault {
    since: SystemTime,
    began: Instant,
    failures: u64,
    last_error: String,
    waiting: Option<Waiting>,
    /// The number of the reporter that failed last.
    reporter: u64,
}

/// The events that wait for a part that is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Waiting {
    items: u64,
    bytes: Option<u64>,
}

/// A part that is at fault, for `/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartReport {
    /// The kind of part.
    pub part: Part,
    /// Its name in the configuration.
    pub name: String,
    /// Unix time of the first failure, seconds.
    pub since: u64,
    /// The time since then, in seconds.
    pub seconds: u64,
    /// The number of failures since then.
    pub failures: u64,
    /// The reason of the last one.
    pub last_error: String,
    /// The number of events that wait, of a part that has a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u64>,
    /// Their bytes on disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_bytes: Option<u64>,
}

impl Parts {
    /// The health of one part. A name is one of the configuration, so there are few.
    #[must_use]
    pub fn part(&self, part: Part, name: impl Into<String>) -> PartHealth {
        let mut known = self.lock();
        known.reporters += 1;
        PartHealth { parts: self.clone(), name: (part, name.into()), reporter: known.reporters }
    }

    /// The parts that are at fault, by kind and name.
    #[must_use]
    pub fn faults(&self) -> Vec<PartReport> {
        let report = |((part, name), fault): (&PartName, &Fault)| PartReport {
            part: *part,
            name: name.clone(),
            since: fault.since.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            seconds: fault.began.elapsed().as_secs(),
            failures: fault.failures,
            last_error: fault.last_error.clone(),
            waiting: fault.waiting.map(|waiting| waiting.items),
            waiting_bytes: fault.waiting.and_then(|waiting| waiting.bytes),
        };
        self.lock().faults.iter().map(report).collect()
    }

    fn lock(&self) -> MutexGuard<'_, KnownFaults> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The health of one part, which it reports itself. A part that is gone is not at fault.
#[derive(Debug)]
pub struct PartHealth {
    parts: Parts,
    name: PartName,
    /// After a reload there may be an old reporter and a new one.
    reporter: u64,
}

impl PartHealth {
    /// An attempt failed for this reason, which may be shown to operators.
    pub fn failed(&self, reason: &impl ToString) {
        let last_error: String = reason.to_string().chars().take(MAX_REASON).collect();
        let mut known = self.parts.lock();
        let fault = known.faults.entry(self.name.clone()).or_insert_with(|| Fault {
            since: SystemTime::now(),
            began: Instant::now(),
            failures: 0,
            last_error: String::new(),
            waiting: None,
            reporter: 0,
        });
        fault.failures = fault.failures.saturating_add(1);
        (fault.last_error, fault.reporter) = (last_error, self.reporter);
    }

    /// An attempt succeeded.
    pub fn works(&self) {
        self.parts.lock().faults.remove(&self.name);
    }

    /// So much waits for the part, in number and in bytes on disk. It is told while the part is at fault.
    pub fn waits(&self, items: u64, bytes: Option<u64>) {
        if let Some(fault) = self.parts.lock().faults.get_mut(&self.name) {
            fault.waiting = Some(Waiting { items, bytes });
        }
    }
}

impl Drop for PartHealth {
    fn drop(&mut self) {
        let mut known = self.parts.lock();
        if known.faults.get(&self.name).is_some_and(|fault| fault.reporter == self.reporter) {
            known.faults.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, Parts};

    #[test]
    fn a_fault_is_told_from_its_first_failure_until_the_part_works_or_is_gone() {
        let parts = Parts::default();
        let (sink, poll) = (parts.part(Part::EventSink, "audit"), parts.part(Part::EventPoll, "a"));
        sink.waits(1, None);
        assert_eq!(parts.faults(), [], "nothing has failed yet");
        sink.failed(&"the receiver answered 500");
        sink.failed(&"x".repeat(1000));
        sink.waits(3, Some(700));
        poll.failed(&"refused");
        let faults = parts.faults();
        let [first, second] = faults.as_slice() else { panic!("{faults:?}") };
        assert_eq!(
            (first.part, first.name.as_str(), first.failures),
            (Part::EventSink, "audit", 2)
        );
        assert_eq!((first.waiting, first.waiting_bytes), (Some(3), Some(700)));
        assert_eq!(first.last_error.len(), 300);
        assert!(first.since > 0);
        assert_eq!((second.part, second.last_error.as_str()), (Part::EventPoll, "refused"));
        sink.works();
        assert_eq!(parts.faults().len(), 1);
        let after_reload = parts.part(Part::EventPoll, "a");
        after_reload.failed(&"refused again");
        drop(poll);
        assert_eq!(parts.faults().len(), 1, "the fault is the new one's");
        drop(after_reload);
        assert_eq!(parts.faults(), [], "a part that a reload removed");
    }
}
