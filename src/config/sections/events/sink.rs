//! The sinks of events as they are written, and as they hold after the check.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::redis_stream::{RedisStreamSink, WrittenRedisStreamSink};
use crate::{
    config::{
        post_target::PostTarget, secret::Secret, sections::OutboundTls, shown::without_secrets,
        span::Span,
    },
    model::EventType,
};

/// A sink as it is written. It has exactly one of `http`, `file`, `stdout`, `stream` and
/// `redis_stream`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenEventSink {
    /// The name of the sink in metrics and logs: lower case, digits, `-` and `_`, at most 63.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub name: String,
    /// The types of events that it gets. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<EventType>>,
    /// Of some types only one of so many events, chosen by count: `{ check.denied: 100 }`. It is for
    /// the types that clients cause as often as they like: `token.verified`, `token.refused`,
    /// `token.exchanged`, `token.refreshed` and `check.denied`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sample: BTreeMap<String, u32>,
    /// Sends each event by POST, signed by Standard Webhooks, until the receiver has taken it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<WrittenHttpSink>,
    /// Writes each event as a line of JSON to a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileSink>,
    /// Writes each event as a line of JSON to standard output: `stdout: {}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<StdoutSink>,
    /// Keeps the latest events in memory for `EventService.StreamEvents`: `stream: {}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamSink>,
    /// Appends each event to a Redis Stream, for readers with consumer groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis_stream: Option<WrittenRedisStreamSink>,
}

/// A receiver by HTTP, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenHttpSink {
    /// The URL of the receiver: `https://hooks.example.com/rownd`, or `http://` for this machine alone.
    /// Redirects are not followed.
    #[serde(serialize_with = "shown_url")]
    pub url: String,
    /// One or two secrets that sign each event by the rules of Standard Webhooks, each in place or
    /// `file:/path`: `whsec_` and 24 to 64 random bytes in base64. All of them sign. To rotate,
    /// write the new one beside the old one, give it to the receiver, and then leave out the old one.
    #[schemars(length(min = 1, max = 2))]
    pub secrets: Vec<Secret>,
    /// Allows `http://` to another machine. Everybody on the way can then read the events.
    #[serde(default)]
    pub allow_insecure_http: bool,
    /// TLS to the receiver. Default: that of `network.tls`.
    #[serde(default)]
    pub tls: OutboundTls,
    /// An absolute path. Events wait here until the receiver has taken them, also over a restart.
    /// The directory is for this sink and this process alone; it is made with mode 0700 if only its
    /// last part is missing.
    pub directory: String,
    /// The most bytes of all events that wait. When there is no room, new events are dropped and
    /// counted; those that clients cause as often as they like give way when half of it is used.
    #[serde(default = "queue_bytes")]
    #[schemars(range(min = 1_048_576, max = 17_179_869_184_u64))]
    pub max_queue_bytes: u64,
    /// The longest time of one request.
    #[serde(default = "timeout")]
    #[schemars(extend("x-duration-range" = ["100ms", "1m"]))]
    pub timeout: Span,
    /// An event that no attempt has delivered in this time is written to `dead-letters.jsonl` in the
    /// directory, and counted.
    #[serde(default = "give_up_after")]
    #[schemars(extend("x-duration-range" = ["1s", "30days"]))]
    pub give_up_after: Span,
}

/// A file of lines of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSink {
    /// An absolute path. If another program moves or removes the file, it is made again within a
    /// second.
    pub path: String,
    /// When the file has so many bytes it is renamed to `PATH.1`, and that to `PATH.2`. 0: never,
    /// because another program moves it.
    #[serde(default = "file_bytes")]
    #[schemars(range(max = 17_179_869_184_u64))]
    pub max_bytes: u64,
    /// The number of renamed files that are kept.
    #[serde(default = "keep")]
    #[schemars(range(min = 1, max = 100))]
    pub keep: u32,
    /// Waits after every batch until the disk has it, so that a loss of power loses no event that is
    /// counted as sent. Without it, only the end of the process itself loses none.
    #[serde(default)]
    pub fsync: bool,
}

/// Standard output, which has no settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StdoutSink {}

/// The events that `EventService.StreamEvents` sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamSink {
    /// The number of events that are kept in memory. A reader who is further behind is cut off.
    #[serde(default = "kept_events")]
    #[schemars(range(min = 16, max = 1_000_000))]
    pub keep_events: u32,
    /// The most bytes of the events that are kept.
    #[serde(default = "kept_bytes")]
    #[schemars(range(min = 65_536, max = 1_073_741_824))]
    pub keep_bytes: u64,
    /// The most calls of `StreamEvents` at the same time.
    #[serde(default = "readers")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_readers: u32,
}

/// A sink of events, after the check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventSink {
    /// The name of the sink.
    pub name: String,
    /// The types of events that it gets.
    pub types: Vec<EventType>,
    /// Of some types only one of so many events.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sample: BTreeMap<EventType, u32>,
    /// Where the events go.
    #[serde(flatten)]
    pub kind: SinkKind,
}

/// Where the events of a sink go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkKind {
    /// To a receiver by HTTP.
    Http(HttpSink),
    /// To a file.
    File(FileSink),
    /// To standard output.
    Stdout(StdoutSink),
    /// To the readers of `EventService.StreamEvents`.
    Stream(StreamSink),
    /// To a Redis Stream.
    RedisStream(Box<RedisStreamSink>),
}

/// A receiver by HTTP, after the check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HttpSink {
    /// The receiver.
    #[serde(flatten)]
    pub target: PostTarget,
    /// Where events wait.
    pub directory: String,
    /// The most bytes of all events that wait.
    pub max_queue_bytes: u64,
    /// The longest time of one request.
    pub timeout: Span,
    /// The age at which an event is given up.
    pub give_up_after: Span,
}

fn shown_url<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&without_secrets(url))
}

const fn queue_bytes() -> u64 {
    64 << 20
}

const fn timeout() -> Span {
    Span::from_secs(10)
}

const fn give_up_after() -> Span {
    Span::from_secs(86_400)
}

const fn file_bytes() -> u64 {
    64 << 20
}

const fn keep() -> u32 {
    3
}

const fn kept_events() -> u32 {
    10_000
}

const fn kept_bytes() -> u64 {
    16 << 20
}

const fn readers() -> u32 {
    32
}
