//! The HTTP doors beside gRPC: `ops`, the pages for operators; `control`, the commands; `public`,
//! the documents that other programs may read; and `inbound`, the requests of other servers.

pub mod control;
mod gzip;
pub mod inbound;
pub mod ops;
pub mod public;

use crate::metrics::{LabelValues, Labels};

/// Adds the labels of this room.
pub fn add_labels(labels: &mut Labels) {
    labels.commands = LabelValues::of::<control::ControlCommand>();
    labels.command_results = LabelValues::of::<control::CommandResult>();
    inbound::add_labels(labels);
    labels.reload_subjects = LabelValues::of::<ops::ReloadSubject>();
}
