//! One attempt to send an event: signed, once, and what the answer means.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};

use super::delivery::{Answer, Courier};
use crate::{
    config::HttpSink,
    signed_posts::{MessageId, Post, PostKind, SignedPoster},
    upstream::{BodyKind, Client, HttpAnswer},
};

/// The longest time that a receiver may ask for.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// Sends events to the receiver of a sink.
#[derive(Debug)]
pub(in crate::events) struct SignedCourier {
    poster: SignedPoster,
    timeout: Duration,
}

impl SignedCourier {
    pub(in crate::events) fn new(settings: &HttpSink, upstream: &Client) -> Self {
        // Nothing of an answer counts but the status.
        let kind = PostKind { body: BodyKind::CloudEvent, max_answer_bytes: 0 };
        let poster = SignedPoster::new(upstream, &settings.target, kind);
        Self { poster, timeout: settings.timeout.get() }
    }
}

impl Courier for SignedCourier {
    fn post<'a>(&'a self, id: &'a str, body: Bytes) -> BoxFuture<'a, Answer> {
        async move {
            let Some(id) = MessageId::of(id) else {
                return Answer::Refused("its id cannot be sent".to_owned());
            };
            let post = Post { id: &id, body, timeout: self.timeout };
            match self.poster.post(post).await {
                Ok(answer) => meaning(&answer),
                Err(error) => Answer::Down(error.to_string(), None),
            }
        }
        .boxed()
    }
}

fn meaning(answer: &HttpAnswer) -> Answer {
    let said = || format!("the receiver answered {}", answer.status);
    match answer.status {
        200..=299 => Answer::Taken,
        408 | 425 | 429 | 500..=599 => {
            let wait = answer.header("retry-after").and_then(|wait| wait.trim().parse().ok());
            let wait = wait.map(|seconds| Duration::from_secs(seconds).min(MAX_WAIT));
            Answer::Down(said(), wait)
        }
        _ => Answer::Refused(said()),
    }
}
