//! One attempt to append an event to a Redis Stream, and what its end means.

use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use serde::Deserialize;

use super::delivery::{Answer, Courier};
use crate::{
    config::{RedisAccess, RedisStreamSink},
    shared::{RedisStream, SharedError},
};

/// Appends events to the stream of a sink.
#[derive(Debug)]
pub(in crate::events) struct StreamCourier {
    stream: RedisStream,
}

/// The part of an event that is a field of its own.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type")]
    word: &'a str,
}

impl StreamCourier {
    /// The stream of these settings, in their Redis or in the `shared` one.
    ///
    /// # Errors
    ///
    /// The reason: there is no Redis, or its authorities cannot be read.
    pub(in crate::events) fn build(
        settings: &RedisStreamSink,
        shared: Option<&RedisAccess>,
    ) -> Result<Self, String> {
        let access = settings.redis.as_ref().or(shared);
        let access = access.ok_or("without `url` the section `shared` is needed")?;
        let access = RedisAccess { timeout: settings.timeout, ..access.clone() };
        let stream = RedisStream::build(&access, &settings.key, settings.max_length)?;
        Ok(Self { stream })
    }
}

impl Courier for StreamCourier {
    fn post<'a>(&'a self, id: &'a str, body: Bytes) -> BoxFuture<'a, Answer> {
        async move {
            let kind = serde_json::from_slice::<Kind<'_>>(&body).map_or("", |kind| kind.word);
            let fields =
                [("id", id.as_bytes()), ("type", kind.as_bytes()), ("event", body.as_ref())];
            match self.stream.append(&fields).await {
                Ok(()) => Answer::Taken,
                // Redis refuses no event for what it says: the next one would fail as well.
                Err(error) => Answer::Down(told(error), None),
            }
        }
        .boxed()
    }
}

fn told(error: SharedError) -> String {
    match error {
        SharedError::Unreachable(text) => format!("no connection to Redis: {text}"),
        SharedError::Late => "Redis did not answer in time".to_owned(),
        SharedError::Full(text) => format!("Redis is full: {text}"),
        SharedError::Refused(text) => format!("Redis refuses: {text}"),
    }
}
