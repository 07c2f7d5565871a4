//! The translation between JSON and messages, beside the checks: a short text at once, a long one on the
//! threads for work that blocks, and few of those at a time.
//!
//! In: the JSON of a request, or the bytes of a response. Out: the other, or a status. A long text is
//! some megabytes, takes tens of milliseconds, and for as long a multiple of its bytes in memory.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use bytes::Bytes;
use prost_reflect::MessageDescriptor;
use tokio::sync::Semaphore;
use tonic::Status;

use super::json::{self, JsonFault};
use crate::{
    blocking::BlockingRunner,
    grpc::rownd_auth::{bad_request, internal_error},
};

/// A text of more bytes is a long one.
const LONG: usize = 32 << 10;
/// The most translations of long texts at a time.
const AT_A_TIME: usize = 4;

/// Translates. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Translator {
    blocking: BlockingRunner,
    turns: Arc<Semaphore>,
}

impl Translator {
    pub(super) fn new(blocking: BlockingRunner) -> Self {
        Self { blocking, turns: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// The message that this JSON is.
    ///
    /// # Errors
    ///
    /// Fails with the status for a text that is no such message.
    pub(super) async fn to_message(
        &self,
        of: MessageDescriptor,
        text: Bytes,
    ) -> Result<Vec<u8>, Status> {
        let translated = self.run(text.len(), move || json::to_message(&of, &text)).await?;
        translated.map_err(|JsonFault { field, why }| bad_request(&field, &why))
    }

    /// The JSON of this message.
    ///
    /// # Errors
    ///
    /// Fails where the message has no JSON form, which is a fault of this program.
    pub(super) async fn to_json(
        &self,
        of: MessageDescriptor,
        message: Bytes,
    ) -> Result<Vec<u8>, Status> {
        let name = of.full_name().to_owned();
        let translated = self.run(message.len(), move || json::to_json(&of, &message)).await?;
        translated.map_err(|error| {
            tracing::error!(message = name, error, "a response has no JSON form");
            internal_error()
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        length: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        if length <= LONG {
            let ended = panic::catch_unwind(AssertUnwindSafe(work));
            return ended.map_err(|_panic| internal_error());
        }
        // The turns are never closed.
        let _turn = self.turns.acquire().await.map_err(|_closed| internal_error())?;
        self.blocking.run(work).await.map_err(|_panic| internal_error())
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use tonic::Code;

    use super::{LONG, Translator};
    use crate::{
        blocking::BlockingRunner,
        grpc::{DESCRIPTORS, pb::rownd::auth::v1::VerifyRequest, web::schema::Schema},
    };

    #[tokio::test]
    async fn short_and_long_texts_are_translated_alike() {
        let schema = Schema::build(DESCRIPTORS).unwrap();
        let method = schema.method("/rownd.auth.v1.RowndAuth/Verify").unwrap();
        let translator = Translator::new(BlockingRunner::new());
        for length in [1, 2 * LONG] {
            let token = "x".repeat(length);
            let text = format!(r#"{{"token":"{token}"}}"#);
            let of = method.input.clone();
            let bytes = translator.to_message(of.clone(), text.clone().into()).await.unwrap();
            assert_eq!(VerifyRequest::decode(&*bytes).unwrap().token, token);
            let back = translator.to_json(of.clone(), bytes.into()).await.unwrap();
            assert_eq!(back, text.as_bytes());
            let spoilt = format!("{text}x");
            let refused = translator.to_message(of.clone(), spoilt.into()).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
            let broken = vec![0xff; length];
            let refused = translator.to_json(of, broken.into()).await.unwrap_err();
            assert_eq!(refused.code(), Code::Internal);
        }
    }
}
