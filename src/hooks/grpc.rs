//! A hook that is asked by gRPC.

use std::{error::Error, sync::OnceLock, time::Duration};

use tokio::time::timeout as limited;
use tonic::{Code, Request, Status, metadata::AsciiMetadataValue, transport::Channel};

use super::{
    answer::{self, HookVerdict},
    labels::HookResult,
    question::ExchangeQuestion,
};
use crate::{
    config::HookService,
    signed_posts::MessageId,
    upstream::{Client, GrpcTarget, UpstreamError},
};
use pb::{
    BeforeExchangeRequest, before_exchange_response::Decision,
    exchange_hook_service_client::ExchangeHookServiceClient,
};

/// The most bytes of an answer.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// The messages of `rownd.auth.v1.ExchangeHookService`, which others serve.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::missing_errors_doc,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "generated code"
)]
pub mod pb {
    include!(concat!(env!("OUT_DIR"), "/hooks/rownd.auth.v1.rs"));
}

/// A gRPC server that is asked.
#[derive(Debug)]
pub(super) struct GrpcHook {
    target: GrpcTarget,
    secret: Option<AsciiMetadataValue>,
    /// Made by the first question: a channel needs a runtime.
    channel: OnceLock<Channel>,
}

impl GrpcHook {
    pub(super) fn new(client: &Client, settings: &HookService) -> Self {
        let secret = settings.secret.as_ref().and_then(|secret| {
            let mut value: AsciiMetadataValue =
                format!("Bearer {}", secret.expose()).parse().ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        let target = client.grpc_target(&settings.url, settings.tls.ca_file.as_deref());
        Self { target, secret, channel: OnceLock::new() }
    }

    fn channel(&self) -> Result<Channel, UpstreamError> {
        if let Some(channel) = self.channel.get() {
            return Ok(channel.clone());
        }
        let made = self.target.channel()?;
        Ok(self.channel.get_or_init(|| made).clone())
    }

    pub(super) async fn ask(
        &self,
        id: &MessageId,
        question: &ExchangeQuestion<'_>,
        timeout: Duration,
    ) -> Result<HookVerdict, (HookResult, String)> {
        let mut request = Request::new(wire(id, question));
        request.set_timeout(timeout);
        if let Some(secret) = &self.secret {
            request.metadata_mut().insert("authorization", secret.clone());
        }
        let channel =
            self.channel().map_err(|error| (HookResult::Unavailable, error.to_string()))?;
        let mut client =
            ExchangeHookServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES);
        let answer = match limited(timeout, client.before_exchange(request)).await {
            Ok(Ok(answer)) => answer.into_inner(),
            Ok(Err(status)) => return Err(failure(&status)),
            Err(_late) => return Err((HookResult::Late, "timed out".to_owned())),
        };
        match Decision::try_from(answer.decision) {
            Ok(Decision::Allow) => Ok(HookVerdict::Allow),
            Ok(Decision::Deny) => Ok(answer::denial(&answer.reason)),
            Ok(Decision::Unspecified) | Err(_) => {
                Err((HookResult::Unreadable, "the answer is no decision".to_owned()))
            }
        }
    }
}

/// The failure that a status stands for. The text of a status is the other side's, and is not
/// repeated; where there is none, because nobody was reached, the cause is told.
fn failure(status: &Status) -> (HookResult, String) {
    let late = matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled);
    let result = if late { HookResult::Late } else { HookResult::Unavailable };
    let mut cause: Option<&dyn Error> = status.source();
    while let Some(inner) = cause.and_then(Error::source) {
        cause = Some(inner);
    }
    let cause =
        cause.map_or_else(|| format!("gRPC status {:?}", status.code()), ToString::to_string);
    (result, cause)
}

fn wire(id: &MessageId, question: &ExchangeQuestion<'_>) -> BeforeExchangeRequest {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    BeforeExchangeRequest {
        request_id: id.as_str().to_owned(),
        issuer: question.issuer.to_owned(),
        app_id: owned(question.app_id),
        grant: question.grant.as_str().to_owned(),
        user_id: owned(question.user_id),
        auth_level: owned(question.auth_level),
        user_type: owned(question.user_type),
        caller: question.caller.to_owned(),
    }
}
