//! A sink that appends events to a Redis Stream.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{
    findings::Findings,
    owner::check_directory,
    secret::Secret,
    sections::{
        OutboundTls,
        redis_access::{RedisAccess, WrittenAccess, WrittenCluster, WrittenSentinel},
    },
    span::Span,
};

/// A Redis Stream, as it is written. Without `url`, `sentinel` and `cluster` it is in the Redis of the
/// section `shared`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenRedisStreamSink {
    /// The key of the stream: `rownd-authz:events`. Each event is an entry with the fields `id`, `type`
    /// and `event`, its JSON.
    #[schemars(length(min = 1, max = 256))]
    pub key: String,
    /// The number of entries that the stream keeps, about (`MAXLEN ~`): Redis removes older ones,
    /// whether they were read or not.
    #[serde(default = "max_length")]
    #[schemars(range(min = 1, max = 1_000_000_000_u64))]
    pub max_length: u64,
    /// An absolute path. Events wait here until Redis has taken them, also over a restart. The
    /// directory is for this sink and this process alone; it is made with mode 0700 if only its last
    /// part is missing.
    pub directory: String,
    /// One server: `rediss://redis.example.com:6380`, as in `shared.url`. Default: the Redis of
    /// `shared`, with its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A master that Sentinels watch, as in `shared.sentinel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentinel: Option<WrittenSentinel>,
    /// A cluster, as in `shared.cluster`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<WrittenCluster>,
    /// Allows `redis://` to another machine. Everybody on the way can then read the events, and the
    /// password.
    #[serde(default)]
    pub allow_insecure: bool,
    /// The user of the access control list, in place or `file:/path`. Needs a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Secret>,
    /// The password, in place or `file:/path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// TLS to Redis, and to the Sentinels, by `rediss://`.
    #[serde(default)]
    pub tls: OutboundTls,
    /// The longest time that one answer of Redis may take, and the longest time until a connection
    /// is there.
    #[serde(default = "timeout")]
    #[schemars(extend("x-duration-range" = ["20ms", "1m"]))]
    pub timeout: Span,
    /// The most bytes of all events that wait. When there is no room, new events are dropped and
    /// counted; those that clients cause as often as they like give way when half of it is used.
    #[serde(default = "queue_bytes")]
    #[schemars(range(min = 1_048_576, max = 17_179_869_184_u64))]
    pub max_queue_bytes: u64,
    /// An event that no attempt has delivered in this time is written to `dead-letters.jsonl` in the
    /// directory, and counted.
    #[serde(default = "give_up_after")]
    #[schemars(extend("x-duration-range" = ["1s", "30days"]))]
    pub give_up_after: Span,
}

/// A Redis Stream, after the check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RedisStreamSink {
    /// The key of the stream.
    pub key: String,
    /// The number of entries that the stream keeps, about.
    pub max_length: u64,
    /// Where events wait.
    pub directory: String,
    /// The way to Redis; `None`: that of the section `shared`.
    #[serde(flatten)]
    pub redis: Option<RedisAccess>,
    /// The longest time of one answer.
    #[serde(skip)]
    pub timeout: Span,
    /// The most bytes of all events that wait.
    pub max_queue_bytes: u64,
    /// The age at which an event is given up.
    pub give_up_after: Span,
}

impl WrittenRedisStreamSink {
    /// Checks the settings at this JSON pointer.
    pub(super) fn check(self, at: &str, found: &mut Findings) -> Option<RedisStreamSink> {
        if self.key.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
            let message = "has blanks or control characters; write rownd-authz:events";
            found.add(format!("{at}/key"), message);
        }
        let directory = Path::new(&self.directory);
        let place = format!("{at}/directory");
        if !directory.is_absolute() {
            let message = "is not an absolute path; write /var/lib/rownd-authz/events";
            found.add(place, message);
        } else {
            found.keep(place, check_directory(directory));
        }
        if self.give_up_after.get() < self.timeout.get() {
            let message = "is shorter than `timeout`, so that no attempt could end; write a longer \
                           time, such as 24h";
            found.add(format!("{at}/give_up_after"), message);
        }
        let access = WrittenAccess {
            url: self.url,
            sentinel: self.sentinel,
            cluster: self.cluster,
            allow_insecure: self.allow_insecure,
            username: self.username,
            password: self.password,
            tls: self.tls,
        };
        let redis = if access.names_a_place() {
            Some(access.check(self.timeout, at, found)?)
        } else {
            if let Some(setting) = access.first_setting() {
                let message = "has no effect: without `url`, `sentinel` or `cluster` the Redis and \
                               the user of the section `shared` are used; write one of them, or \
                               leave this out";
                found.add(format!("{at}/{setting}"), message);
            }
            None
        };
        Some(RedisStreamSink {
            key: self.key,
            max_length: self.max_length,
            directory: self.directory,
            redis,
            timeout: self.timeout,
            max_queue_bytes: self.max_queue_bytes,
            give_up_after: self.give_up_after,
        })
    }
}

const fn max_length() -> u64 {
    100_000
}

const fn timeout() -> Span {
    Span::from_secs(5)
}

const fn queue_bytes() -> u64 {
    64 << 20
}

const fn give_up_after() -> Span {
    Span::from_secs(86_400)
}
