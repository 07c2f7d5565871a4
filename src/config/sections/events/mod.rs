//! The section `events`: the events that are told to programs of others, and where this service hears
//! of events.

mod redis_stream;
mod sink;
mod sink_check;
mod source;

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{findings::Findings, post_target::OtherServer, section::Section};
pub use redis_stream::RedisStreamSink;
pub(in crate::config) use sink::WrittenEventSink;
pub use sink::{EventSink, FileSink, HttpSink, SinkKind, StdoutSink, StreamSink};
pub(in crate::config) use source::WrittenEventSource;
pub use source::{EventPoll, EventSource, EventSourceKind};

/// The `source` of events where none is written.
const SOURCE: &str = "/rownd-authz";
/// The longest name of a field of profiles.
const MAX_FIELD: usize = 128;

/// Events about tokens, users and this service, for programs of yours. See docs/events.md.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct WrittenEvents {
    /// The `source` of every event, a URI that tells this deployment from others:
    /// `https://auth.example.com`. Default: `/rownd-authz`.
    #[schemars(length(min = 1, max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The fields of profiles that `user.created` and `user.updated` tell, at most 32. Default: none.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profile_fields: Vec<String>,
    /// The sinks, at most 16: each gets the events of its types. Default: nobody is told anything.
    #[schemars(length(max = 16))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sinks: Vec<WrittenEventSink>,
    /// The servers that send events, such as Rownd's webhooks. Each is served at `/webhooks/NAME` of
    /// the listener `http`, group `webhooks`. At most 32.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<WrittenEventSource>,
}

/// The section, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Events {
    /// The `source` of every event.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The fields of profiles that events tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profile_fields: Vec<String>,
    /// The sinks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sinks: Vec<EventSink>,
    /// The servers that send events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<EventSource>,
    /// The numbers of the sinks in the file: one that has a problem is not among them.
    #[serde(skip)]
    pub sink_numbers: Vec<usize>,
}

impl Events {
    /// The receivers of sinks by HTTP.
    pub(in crate::config) fn servers(&self) -> impl Iterator<Item = OtherServer<'_>> {
        self.placed_sinks().filter_map(|(at, sink)| match &sink.kind {
            SinkKind::Http(http) => Some(http.target.server(format!("{at}/http"))),
            SinkKind::File(_)
            | SinkKind::Stdout(_)
            | SinkKind::Stream(_)
            | SinkKind::RedisStream(_) => None,
        })
    }

    /// The sinks that append to a Redis Stream, each with the JSON pointer of its settings.
    pub(in crate::config) fn redis_streams(
        &self,
    ) -> impl Iterator<Item = (String, &RedisStreamSink)> {
        self.placed_sinks().filter_map(|(at, sink)| match &sink.kind {
            SinkKind::RedisStream(stream) => Some((format!("{at}/redis_stream"), &**stream)),
            SinkKind::File(_) | SinkKind::Stdout(_) | SinkKind::Stream(_) | SinkKind::Http(_) => {
                None
            }
        })
    }

    /// The sinks with their JSON pointers.
    pub fn placed_sinks(&self) -> impl Iterator<Item = (String, &EventSink)> {
        let placed = self.sink_numbers.iter().zip(&self.sinks);
        placed.map(|(number, sink)| (format!("/events/sinks/{number}"), sink))
    }
}

impl Section for WrittenEvents {
    type Checked = Events;

    fn check(self, at: &str, found: &mut Findings) -> Events {
        self.check_texts(at, found);
        let source = match self.source {
            Some(source) => source,
            None if self.sinks.is_empty() => String::new(),
            None => SOURCE.to_owned(),
        };
        let heard = |(index, source): (usize, WrittenEventSource)| {
            source.check(&format!("{at}/sources/{index}"), found)
        };
        let sources = self.sources.into_iter().enumerate().map(heard).collect();
        let (sink_numbers, sinks) = sink_check::check(self.sinks, &format!("{at}/sinks"), found);
        Events { source, sources, profile_fields: self.profile_fields, sinks, sink_numbers }
    }
}

impl WrittenEvents {
    /// Whether nothing is written.
    pub(in crate::config) const fn is_empty(&self) -> bool {
        self.source.is_none()
            && self.profile_fields.is_empty()
            && self.sinks.is_empty()
            && self.sources.is_empty()
    }

    fn check_texts(&self, at: &str, found: &mut Findings) {
        const ALONE: &str = "has no effect without sinks; add some, or leave it out";
        if self.sinks.is_empty() {
            if self.source.is_some() {
                found.add(format!("{at}/source"), ALONE);
            }
            if !self.profile_fields.is_empty() {
                found.add(format!("{at}/profile_fields"), ALONE);
            }
        }
        let is_uri = |source: &String| source.bytes().all(|byte| byte.is_ascii_graphic());
        if self.source.as_ref().is_some_and(|source| !is_uri(source)) {
            let message = "is not a URI: it has blanks or characters other than visible ASCII; \
                           write https://auth.example.com";
            found.add(format!("{at}/source"), message);
        }
        let mut fields = HashSet::new();
        for (index, field) in self.profile_fields.iter().enumerate() {
            let at = format!("{at}/profile_fields/{index}");
            if field.is_empty() || field.len() > MAX_FIELD {
                found.add(at, "is not the name of a field; write a name such as email");
            } else if !fields.insert(field) {
                found.add(at, "is there twice; leave it out");
            }
        }
    }
}
