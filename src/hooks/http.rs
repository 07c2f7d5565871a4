//! A hook that is asked by a signed POST request.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    answer::{self, HookVerdict},
    labels::HookResult,
    question::ExchangeQuestion,
};
use crate::{
    config::PostTarget,
    signed_posts::{MessageId, Post, PostKind, SignedPoster},
    upstream::{BodyKind, Client, HttpAnswer, UpstreamError},
};

/// The most bytes of an answer.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// A web server that is asked.
#[derive(Debug)]
pub(super) struct HttpHook(SignedPoster);

impl HttpHook {
    pub(super) fn new(client: &Client, target: &PostTarget) -> Self {
        let kind = PostKind { body: BodyKind::Json, max_answer_bytes: MAX_ANSWER_BYTES };
        Self(SignedPoster::new(client, target, kind))
    }

    /// Sends the question. A connection that an earlier one left open may be gone, so it is sent a
    /// second time where the connection broke: it changes nothing, and has the same id.
    async fn post(
        &self,
        id: &MessageId,
        body: Bytes,
        timeout: Duration,
    ) -> Result<HttpAnswer, UpstreamError> {
        let began = Instant::now();
        let first = self.0.post(Post { id, body: body.clone(), timeout }).await;
        let timeout = timeout.saturating_sub(began.elapsed());
        match first {
            Err(UpstreamError::Network(_)) if !timeout.is_zero() => {
                self.0.post(Post { id, body, timeout }).await
            }
            answer => answer,
        }
    }

    pub(super) async fn ask(
        &self,
        id: &MessageId,
        question: &ExchangeQuestion<'_>,
        timeout: Duration,
    ) -> Result<HookVerdict, (HookResult, String)> {
        let unwritable = || (HookResult::Unavailable, "the question cannot be written".to_owned());
        let body = question.body().ok_or_else(unwritable)?;
        let answer = self.post(id, body, timeout).await.map_err(|error| {
            let result = match &error {
                UpstreamError::Timeout | UpstreamError::UnreachedInTime => HookResult::Late,
                UpstreamError::TooLarge | UpstreamError::Packed(_) => HookResult::Unreadable,
                UpstreamError::Unreached(_)
                | UpstreamError::Network(_)
                | UpstreamError::Proxy(_)
                | UpstreamError::NoAuthorities(_)
                | UpstreamError::Status(_)
                | UpstreamError::RetryLater(..)
                | UpstreamError::Refused(_) => HookResult::Unavailable,
            };
            (result, error.to_string())
        })?;
        if answer.status != 200 {
            return Err((HookResult::Unavailable, answer.error().to_string()));
        }
        answer::of_json(&answer.body)
            .map_err(|result| (result, "the answer is no decision in JSON".to_owned()))
    }
}
