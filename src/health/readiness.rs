//! Readiness: a set of latches. Each part that the process has to wait for holds one, and drops it
//! when it is done. The process is ready when no latch is left and it is not draining.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::parts::Parts;

/// The readiness of the process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Readiness {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pending: Mutex<Pending>,
    ready: watch::Sender<bool>,
    parts: Parts,
}

#[derive(Debug, Default)]
struct Pending {
    /// The number of latches of each name: after a reload there may be an old one and a new one.
    names: BTreeMap<String, usize>,
    /// The number of marks of each text.
    degraded: BTreeMap<String, usize>,
    draining: bool,
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    /// Without latches, so it is ready at once.
    #[must_use]
    pub fn new() -> Self {
        let pending = Mutex::new(Pending::default());
        let (ready, parts) = (watch::Sender::new(true), Parts::default());
        Self { inner: Arc::new(Inner { pending, ready, parts }) }
    }

    /// One more thing to wait for, until the latch is dropped.
    #[must_use]
    pub fn latch(&self, name: &str) -> Latch {
        self.change(|pending| {
            *pending.names.entry(name.to_owned()).or_default() += 1;
        });
        Latch { name: name.to_owned(), readiness: self.clone() }
    }

    /// Until the mark is dropped, the process serves with less than it should: the text says what
    /// is missing. It stays ready.
    #[must_use]
    pub fn degrade(&self, why: &str) -> Degradation {
        *self.lock().degraded.entry(why.to_owned()).or_default() += 1;
        Degradation { why: why.to_owned(), readiness: self.clone() }
    }

    /// The things that are missing, although the process may be ready.
    #[must_use]
    pub fn degraded_by(&self) -> Vec<String> {
        self.lock().degraded.keys().cloned().collect()
    }

    /// The parts in the background, whose faults do not make the process unready.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.inner.parts
    }

    /// From now on the process is not ready, whatever latches there are.
    pub fn drain(&self) {
        self.change(|pending| pending.draining = true);
    }

    /// The process is ready to serve.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self.inner.ready.borrow()
    }

    /// The names of what is still waited for.
    #[must_use]
    pub fn waiting_for(&self) -> Vec<String> {
        let pending = self.lock();
        let mut names: Vec<String> = pending.names.keys().cloned().collect();
        if pending.draining {
            names.push("the end: the process is draining".to_owned());
        }
        names
    }

    /// Follows the readiness as it changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.inner.ready.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.inner.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, edit: impl FnOnce(&mut Pending)) {
        let mut pending = self.lock();
        edit(&mut pending);
        let ready = pending.names.is_empty() && !pending.draining;
        self.inner.ready.send_if_modified(|now| std::mem::replace(now, ready) != ready);
    }
}

/// One thing that the process waits for before it is ready. Dropping it means done.
#[derive(Debug)]
pub struct Latch {
    name: String,
    readiness: Readiness,
}

impl Drop for Latch {
    fn drop(&mut self) {
        self.readiness.change(|pending| {
            if let Some(waiting) = pending.names.get_mut(&self.name) {
                *waiting -= 1;
                if *waiting == 0 {
                    pending.names.remove(&self.name);
                }
            }
        });
    }
}

/// Something that the process serves without. Dropping it means that it is there again.
#[derive(Debug)]
pub struct Degradation {
    why: String,
    readiness: Readiness,
}

impl Drop for Degradation {
    fn drop(&mut self) {
        let mut pending = self.readiness.lock();
        if let Some(marks) = pending.degraded.get_mut(&self.why) {
            *marks -= 1;
            if *marks == 0 {
                pending.degraded.remove(&self.why);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Readiness;

    #[test]
    fn dropping_the_last_latch_is_ready_and_draining_ends_it() {
        let readiness = Readiness::new();
        let (a, b) = (readiness.latch("a"), readiness.latch("b"));
        assert!(!readiness.is_ready());
        drop(a);
        assert_eq!(readiness.waiting_for(), ["b"]);
        drop(b);
        assert!(readiness.is_ready());
        readiness.drain();
        assert!(!readiness.is_ready());
    }

    #[test]
    fn a_name_is_waited_for_until_its_last_latch_is_dropped() {
        let readiness = Readiness::new();
        let (old, new) = (readiness.latch("keys"), readiness.latch("keys"));
        drop(old);
        assert_eq!(readiness.waiting_for(), ["keys"]);
        drop(new);
        assert!(readiness.is_ready());
    }

    #[test]
    fn a_degraded_process_stays_ready_and_says_why() {
        let readiness = Readiness::new();
        let (one, same) = (readiness.degrade("no store"), readiness.degrade("no store"));
        let other = readiness.degrade("a full list");
        assert!(readiness.is_ready());
        drop(one);
        assert_eq!(readiness.degraded_by(), ["a full list", "no store"]);
        drop((same, other));
        assert_eq!(readiness.degraded_by(), [""; 0]);
    }
}
