//! The work that one evaluation may do.

use std::cell::Cell;

use super::fault::{Fault, FaultKind};

/// The steps of one evaluation: one for each part of the expression each time that it is asked, and
/// one for each item or few bytes that an operator or a function looks at or makes. This is about a
/// millisecond.
const STEPS: usize = 20_000;
/// The bytes of a text that cost one step.
const BYTES_OF_A_STEP: usize = 32;

/// The steps that are left.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

impl Budget {
    pub(super) const fn new() -> Self {
        Self(Cell::new(STEPS))
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
