//! Readiness waits for the first keys of an issuer: of its one store, or of the stores of all its
//! tenants.
//!
//! In: how each first fetch ended. Out: the latch is dropped once every store was asked for at least
//! once and one of them has keys. So one dead tenant holds up nobody for longer than its first
//! fetch, and an issuer that cannot be reached at all does.

use std::sync::{Arc, Mutex, PoisonError};

use crate::health::Latch;

#[derive(Debug)]
struct Waiting {
    latch: Option<Latch>,
    /// The stores whose first fetch has not ended.
    stores: usize,
    any_good: bool,
}

/// The stores of one issuer that readiness waits for.
#[derive(Debug, Clone)]
pub(super) struct FirstKeys(Arc<Mutex<Waiting>>);

impl FirstKeys {
    /// Waits by this latch.
    pub(super) fn new(latch: Latch) -> Self {
        Self(Arc::new(Mutex::new(Waiting { latch: Some(latch), stores: 0, any_good: false })))
    }

    /// The issuer has another store, which has keys or is waited for already.
    pub(super) fn one_is_known(&self) {
        self.change(|waiting| waiting.any_good = true);
    }

    /// One more store to wait for.
    pub(super) fn add(&self) -> FirstFetch {
        self.change(|waiting| waiting.stores += 1);
        FirstFetch { of: self.clone(), ended: false, good: false }
    }

    fn change(&self, edit: impl FnOnce(&mut Waiting)) {
        let done = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            edit(&mut waiting);
            let all = waiting.stores == 0 && waiting.any_good;
            if all { waiting.latch.take() } else { None }
        };
        drop(done);
    }
}

/// The first fetch of one store. Dropping it means that nobody waits for it any more.
#[derive(Debug)]
pub(super) struct FirstFetch {
    of: FirstKeys,
    ended: bool,
    good: bool,
}

impl FirstFetch {
    /// A fetch has ended, well or not. Returns whether these are the first keys.
    pub(super) fn note(&mut self, good: bool) -> bool {
        let (ends, comes) = (!self.ended, good && !self.good);
        self.ended = true;
        self.good |= good;
        if ends || comes {
            self.of.change(|waiting| {
                waiting.stores = waiting.stores.saturating_sub(usize::from(ends));
                waiting.any_good |= comes;
            });
        }
        comes
    }
}

impl Drop for FirstFetch {
    fn drop(&mut self) {
        if !self.ended {
            self.of.change(|waiting| waiting.stores = waiting.stores.saturating_sub(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FirstKeys;
    use crate::health::Readiness;

    /// The store whose fetch ends, how it ends, and whether the process is ready then.
    type Ends = &'static [(usize, bool, bool)];

    #[test]
    fn readiness_comes_when_every_store_was_asked_for_and_one_has_keys() {
        let cases: [(&str, Ends); 5] = [
            ("all good", &[(0, true, false), (1, true, true)]),
            ("one is dead", &[(0, false, false), (1, true, true)]),
            ("the dead one is last", &[(0, true, false), (1, false, true)]),
            ("all dead, one returns", &[(0, false, false), (1, false, false), (0, true, true)]),
            ("one good twice", &[(0, true, false), (0, true, false), (1, true, true)]),
        ];
        for (name, ends) in cases {
            let readiness = Readiness::new();
            let group = FirstKeys::new(readiness.latch("keys"));
            let mut stores = [group.add(), group.add()];
            for (store, good, ready) in ends {
                stores[*store].note(*good);
                assert_eq!(readiness.is_ready(), *ready, "{name}: {store} {good}");
            }
        }
    }

    #[test]
    fn a_store_that_is_gone_is_not_waited_for() {
        for (any_good, ready) in [(true, true), (false, false)] {
            let readiness = Readiness::new();
            let group = FirstKeys::new(readiness.latch("keys"));
            let (gone, mut dead) = (group.add(), group.add());
            if any_good {
                group.one_is_known();
            }
            dead.note(false);
            drop(gone);
            assert_eq!(readiness.is_ready(), ready, "{any_good}");
            drop((group, dead));
            assert!(readiness.is_ready(), "nobody is left to wait for");
        }
    }
}
