//! A number of equal things, shared fairly by all connections.

use std::sync::atomic::{AtomicUsize, Ordering};

/// So much of one thing.
#[derive(Debug)]
pub(super) struct Pool {
    max: usize,
    /// Each connection may hold this much, however much the others hold.
    guaranteed: usize,
    held: AtomicUsize,
    /// Calls that got nothing and still wait for their refusal to be sent.
    pub(super) refused: AtomicUsize,
}

impl Pool {
    pub(super) const fn new(max: usize, guaranteed: usize) -> Self {
        Self { max, guaranteed, held: AtomicUsize::new(0), refused: AtomicUsize::new(0) }
    }

    /// Takes this much for the connection that holds `own`, if that is fair: what it held before is
    /// no more than what is left afterwards.
    pub(super) fn take(&self, own: &AtomicUsize, amount: usize) -> bool {
        let before = own.load(Ordering::Relaxed);
        let is_guaranteed = before.saturating_add(amount) <= self.guaranteed;
        let fair = |held: usize| {
            let held = held.checked_add(amount)?;
            let leaves_enough = held <= self.max && before <= self.max - held;
            (is_guaranteed || leaves_enough).then_some(held)
        };
        let taken = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fair).is_ok();
        if taken {
            own.fetch_add(amount, Ordering::Relaxed);
        }
        taken
    }

    pub(super) fn put_back(&self, own: &AtomicUsize, amount: usize) {
        own.fetch_sub(amount, Ordering::Relaxed);
        self.held.fetch_sub(amount, Ordering::Relaxed);
    }
}
