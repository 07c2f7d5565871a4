//! The section `events`: where this service hears of events.

mod source;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{findings::Findings, section::Section};
pub(in crate::config) use source::WrittenEventSource;
pub use source::{EventPoll, EventSource, EventSourceKind};

/// The events that come from other servers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct WrittenEvents {
    /// The servers that send events, such as Rownd's webhooks. Each is served at `/webhooks/NAME` of
    /// the listener `http`, group `webhooks`. At most 32.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<WrittenEventSource>,
}

/// The section, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Events {
    /// The servers that send events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<EventSource>,
}

impl Section for WrittenEvents {
    type Checked = Events;

    fn check(self, at: &str, found: &mut Findings) -> Events {
        let source = |(index, source): (usize, WrittenEventSource)| {
            source.check(&format!("{at}/sources/{index}"), found)
        };
        Events { sources: self.sources.into_iter().enumerate().map(source).collect() }
    }
}

impl WrittenEvents {
    /// Whether nothing is written.
    pub(in crate::config) const fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }
}
