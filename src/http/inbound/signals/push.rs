//! Security event tokens that a transmitter pushes (RFC 8935).
//!
//! In: a POST with one token for a body. Out: 202 where it is taken, 400 with an error code where it
//! never will be, 503 where it is to be sent again.

use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::{
    replays::Replays,
    set::{self, SetRefusal, Taken},
};
use crate::{
    config::EventSource,
    http::inbound::{
        answer::{empty, plain_json},
        body::AdmittedRequest,
        effect::Effects,
        labels::InboundResult,
    },
};

const MEDIA_TYPE: &str = "application/secevent+jwt";

/// Takes the token of a request.
pub(in crate::http::inbound) async fn answer(
    effects: &Effects,
    source: &EventSource,
    replays: &Replays,
    request: AdmittedRequest<'_>,
) -> (InboundResult, Response) {
    let (is_typed, bytes) = match request.posted(MEDIA_TYPE).await {
        Ok(posted) => posted,
        Err(refusal) => return (refusal.result(), refusal.response()),
    };
    if !is_typed {
        return refused("invalid_request", "the body has to be application/secevent+jwt");
    }
    let token = Bytes::copy_from_slice(bytes.trim_ascii());
    match set::take(effects, source, replays, &token).await {
        Ok(taken) => (result(taken), empty(StatusCode::ACCEPTED)),
        Err(SetRefusal::Never(code, description)) => refused(code, description),
        Err(SetRefusal::Now(refusal)) => (refusal.result(), refusal.response()),
    }
}

/// The result in the metric.
pub(super) const fn result(taken: Taken) -> InboundResult {
    match taken {
        Taken::Obeyed => InboundResult::Ok,
        Taken::Before => InboundResult::Duplicate,
        Taken::WithoutEffect => InboundResult::WithoutEffect,
    }
}

/// The answer to a transmitter that has not proved itself (RFC 8935 section 2.4).
pub(in crate::http::inbound) fn not_authenticated() -> Response {
    refused("authentication_failed", "the transmitter has not proved who it is").1
}

fn refused(code: &str, description: &str) -> (InboundResult, Response) {
    let body = json!({ "err": code, "description": description });
    let mut response = plain_json(StatusCode::BAD_REQUEST, &body).into_response();
    // Of the description (RFC 8935 section 2.3).
    response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static("en"));
    (InboundResult::TokenRefused, response)
}

#[cfg(test)]
mod tests {
    use super::refused;

    #[test]
    fn a_refusal_says_the_language_of_its_description() {
        let (_, response) = refused("invalid_request", "the token is none");
        assert_eq!(response.headers()["content-language"], "en");
    }
}
