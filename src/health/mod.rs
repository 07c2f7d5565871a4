//! The health of the process: whether it is ready, and the faults of its parts in the background.
//!
//! In: latches of the things to wait for, and what each part in the background reports about itself.
//! Out: ready or not, and the faults that last.

mod parts;
mod readiness;

pub use parts::{Part, PartHealth, PartReport, Parts};
pub use readiness::{Degradation, Latch, Readiness};
