//! The sender: signs a message and posts it once.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;

use super::{message_id::MessageId, signature::Signer};
use crate::{
    config::{PostTarget, WebAddress},
    upstream::{
        BodyKind, CallSpec, Client, Connection, HttpAnswer, HttpMethod, Repeat, Request,
        UpstreamError, UrlOrigin,
    },
};

/// The kind of messages that a target gets, and the size of its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostKind {
    /// The kind of the body, which decides `content-type`.
    pub body: BodyKind,
    /// The most bytes of a good answer. A longer answer is an error. 0: only the status counts.
    pub max_answer_bytes: usize,
}

/// One message.
#[derive(Debug, Clone)]
pub struct Post<'a> {
    /// Its id; the same where it is sent again.
    pub id: &'a MessageId,
    /// The body, as it is signed and sent.
    pub body: Bytes,
    /// The longest time until the whole answer is read.
    pub timeout: Duration,
}

/// Sends signed messages to one target. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SignedPoster {
    client: Client,
    url: Arc<WebAddress>,
    signer: Arc<Signer>,
    spec: CallSpec,
}

impl SignedPoster {
    /// A sender to this target.
    #[must_use]
    pub fn new(client: &Client, target: &PostTarget, kind: PostKind) -> Self {
        Self {
            client: client.for_target(target),
            url: Arc::new(target.url.clone()),
            signer: Arc::new(Signer::new(&target.secrets)),
            spec: CallSpec {
                method: HttpMethod::Post,
                body: kind.body,
                repeat: Repeat::Never,
                connection: Connection::Shared,
                max_answer_bytes: kind.max_answer_bytes,
            },
        }
    }

    /// Signs the message with the time of now, sends it once, and reads the answer, whatever status
    /// it has. A redirect is an answer.
    ///
    /// # Errors
    ///
    /// There is no answer, or a good one is too large.
    pub async fn post(&self, post: Post<'_>) -> Result<HttpAnswer, UpstreamError> {
        let Post { id, body, timeout } = post;
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let (signature, time) = (self.signer.sign(id, time, &body), time.to_string());
        let headers = [
            ("webhook-id", id.as_str()),
            ("webhook-timestamp", time.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        let (url, origin) = (self.url.url(), UrlOrigin::Operator);
        let (spec, headers) = (self.spec, headers.as_slice());
        self.client.call(Request { spec, url, origin, headers, body, timeout }).await
    }
}

#[cfg(test)]
mod tests;
