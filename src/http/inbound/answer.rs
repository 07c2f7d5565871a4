//! The response to a request of another server.

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::labels::InboundResult;
use crate::model::{Denial, DenialClass, DenyReason};

/// The wait that is told where nothing better is known.
const SOON: Duration = Duration::from_secs(1);

/// Why a request is not obeyed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The caller has not proved itself.
    Caller,
    /// The page that sends the request may not.
    Page,
    /// The caller sends more than it may, for this long.
    TooOften(Duration),
    /// The request does not have the documented form, in this way: a status and a message.
    Malformed(StatusCode, &'static str),
    /// The request holds no token that can be answered for.
    Token(DenyReason),
    /// It cannot be obeyed now, for this reason, in a word and in a sentence; try again after this time.
    NotObeyed((&'static str, &'static str), Duration),
    /// It cannot be decided now; try again after this time.
    Undecided(DenyReason, Duration),
}

impl Refusal {
    /// Of a token whose claims are not those of its kind.
    pub(super) const CLAIMS: Self = Self::Token(DenyReason::ClaimsInvalid);

    /// Of a token that was judged. Rownd ends an exchange where it is told 400, and only a bad token
    /// may do that.
    pub(super) fn of_denial(denial: &Denial) -> Self {
        let reason = denial.reason();
        if is_undecided(reason) {
            Self::Undecided(reason, denial.retry_after().unwrap_or(SOON))
        } else {
            Self::Token(reason)
        }
    }

    pub(super) const fn result(&self) -> InboundResult {
        match self {
            Self::Caller | Self::Page => InboundResult::CallerRefused,
            Self::TooOften(_) => InboundResult::TooOften,
            Self::Malformed(..) => InboundResult::Malformed,
            Self::Token(_) => InboundResult::TokenRefused,
            Self::NotObeyed(..) | Self::Undecided(..) => InboundResult::Undecided,
        }
    }

    pub(super) fn response(&self) -> Response {
        let body = |error: &str, message: &str| json!({ "error": error, "message": message });
        match self {
            Self::Caller => {
                let message = "the caller has not proved who it is";
                plain_json(StatusCode::FORBIDDEN, &body("caller_refused", message))
            }
            Self::Page => {
                let message = "pages of this origin may not call: see listeners.http.cors";
                plain_json(StatusCode::FORBIDDEN, &body("origin_refused", message))
            }
            Self::TooOften(wait) => {
                let message = "more requests than per_second allows";
                let response =
                    plain_json(StatusCode::TOO_MANY_REQUESTS, &body("too_often", message));
                later(response, *wait)
            }
            Self::Malformed(status, message) => {
                plain_json(*status, &body("invalid_request", message))
            }
            Self::Token(reason) => {
                let body = json!({
                    "error": "invalid_token", "reason": reason.code(), "message": reason.message(),
                });
                plain_json(StatusCode::BAD_REQUEST, &body)
            }
            Self::NotObeyed((reason, message), wait) => {
                let body = json!({
                    "error": "temporarily_unavailable", "reason": reason, "message": message,
                });
                later(plain_json(StatusCode::SERVICE_UNAVAILABLE, &body), *wait)
            }
            Self::Undecided(reason, wait) => {
                let body = json!({
                    "error": "temporarily_unavailable",
                    "reason": reason.code(),
                    "message": reason.message(),
                });
                later(plain_json(StatusCode::SERVICE_UNAVAILABLE, &body), *wait)
            }
        }
    }
}

/// The token could not be judged, which is not its fault.
pub(super) const fn is_undecided(reason: DenyReason) -> bool {
    match reason.class() {
        DenialClass::Pending | DenialClass::Unavailable => true,
        DenialClass::Anonymous
        | DenialClass::BadCredential
        | DenialClass::Conflict
        | DenialClass::BadRequest
        | DenialClass::Forbidden
        | DenialClass::StepUp => false,
    }
}

/// A response without a body that nobody keeps.
pub(super) fn empty(status: StatusCode) -> Response {
    (status, [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response()
}

/// A response in JSON that nobody keeps.
pub(super) fn plain_json(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, Json(body)).into_response()
}

/// The same, with the time after which to try again, in whole seconds.
fn later(mut response: Response, wait: Duration) -> Response {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response.headers_mut().insert(header::RETRY_AFTER, seconds.max(1).into());
    response
}
