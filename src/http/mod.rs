//! The HTTP doors beside gRPC: `ops`, the pages for operators; `control`, the commands; and
//! `public`, what other programs may read.

pub mod control;
mod gzip;
pub mod ops;
pub mod public;

use crate::metrics::{LabelValues, Labels};

/// Adds the labels of this room.
pub fn add_labels(labels: &mut Labels) {
    labels.commands = LabelValues::of::<control::ControlCommand>();
    labels.command_results = LabelValues::of::<control::CommandResult>();
    labels.reload_subjects = LabelValues::of::<ops::ReloadSubject>();
}
