//! A sink of the configuration.

use crate::{config::EventSink, metrics::SinkLabel};

/// A sink with its number in the configuration.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamedSink<'a> {
    /// Its settings.
    pub(super) settings: &'a EventSink,
    /// Its number.
    pub(super) label: SinkLabel,
}
