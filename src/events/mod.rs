//! Events out: what has happened, as CloudEvents, to the sinks of the configuration.
//!
//! In: an [`Event`](crate::model::Event) of any room, by [`EventHub`], which neither waits nor fails.
//! Out: each event to each sink that wants its type, by a bounded queue of the sink and a task of its
//! own. A sink that is slow or down loses events of its own, counted, and holds up nothing else.

mod catalogue;
mod cloud_event;
mod hub;
mod named_sink;
#[cfg(any(test, feature = "dev"))]
mod reference;
mod sample;
mod schema;
mod send;
mod sinks;
#[cfg(test)]
mod tests;
mod ways;

pub use catalogue::{EventRow, FieldKind, FieldRow, row};
pub use cloud_event::Origin;
pub use hub::{EventHub, EventWork};
#[cfg(any(test, feature = "dev"))]
pub use reference::{page, schemas};
pub use sample::sample;
pub use schema::data_schema;
pub use send::send_sample;
pub use sinks::{Cursor, Missed, Reader, Ring, StreamedEvent};
pub use ways::Ways;

use crate::{
    metrics::{LabelValues, Labels},
    model::EventType,
};

/// Adds the labels of this room.
pub fn add_labels(labels: &mut Labels) {
    labels.event_types = LabelValues::of::<EventType>();
}
