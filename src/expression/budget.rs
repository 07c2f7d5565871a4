//! The work that one evaluation may do.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::fault::{Fault, FaultKind};

/// The steps of one evaluation: one for each part of the expression each time that it is asked, and
/// one for each item or few bytes that an operator or a function looks at or makes. This is about a
/// millisecond.
const STEPS: usize = 20_000;
/// The bytes of a text that cost one step.
const BYTES_OF_A_STEP: usize = 32;

/// The steps that all expressions of one check may take together: a check asks each of them again for
/// each reading of its path.
const STEPS_OF_CHECK: usize = 3 * STEPS;
/// Those of the rules and guards in shadow, which decide nothing.
const STEPS_OF_SHADOWS: usize = STEPS / 2;

/// The work that is left for the expressions of one check.
#[derive(Debug)]
pub struct ExpressionWork(AtomicUsize);

impl ExpressionWork {
    /// The work of a check.
    #[must_use]
    pub const fn of_check() -> Self {
        Self(AtomicUsize::new(STEPS_OF_CHECK))
    }

    /// The work of the rules and guards in shadow of a check.
    #[must_use]
    pub const fn of_shadows() -> Self {
        Self(AtomicUsize::new(STEPS_OF_SHADOWS))
    }

    /// The budget of the next evaluation.
    pub(super) fn budget(&self) -> Budget {
        Budget(Cell::new(self.0.load(Ordering::Relaxed).min(STEPS)))
    }

    /// An evaluation has ended that began with this budget and has this left.
    pub(super) fn spend(&self, began: usize, left: usize) {
        let spent = began.saturating_sub(left);
        // One check is judged by one task, so nothing is lost between the two.
        let all = self.0.load(Ordering::Relaxed);
        self.0.store(all.saturating_sub(spent), Ordering::Relaxed);
    }
}

/// The steps that are left.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

impl Budget {
    pub(super) const fn new() -> Self {
        Self(Cell::new(STEPS))
    }

    /// The steps that are left.
    pub(super) const fn left(&self) -> usize {
        self.0.get()
    }

    /// Takes steps for `items`, before the work is done.
    ///
    /// # Errors
    ///
    /// [`FaultKind::TooMuchWork`], if that is more than what is left.
    pub(super) fn take(&self, items: usize) -> Result<(), Fault> {
        let Some(left) = self.0.get().checked_sub(items) else {
            self.0.set(0);
            return Err(Fault::new(FaultKind::TooMuchWork, "the expression"));
        };
        self.0.set(left);
        Ok(())
    }

    /// Takes the steps for a text of this many bytes.
    ///
    /// # Errors
    ///
    /// [`FaultKind::TooMuchWork`], if that is more than what is left.
    pub(super) fn take_text(&self, bytes: usize) -> Result<(), Fault> {
        self.take(1 + bytes / BYTES_OF_A_STEP)
    }
}
