//! How the plugin says yes and no.
//!
//! In: tokens, or a reason. Out: `status: OK` with the three token headers, or `status:
//! ERROR` with reason, stage and whether to try again.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{request::Refusal, users::ids};

/// A no of the plugin.
#[derive(Debug)]
pub(super) struct Failure {
    status: u16,
    reason: String,
    message: String,
    stage: &'static str,
    /// Guests are told with HTTP 200.
    hidden: bool,
}

impl Failure {
    pub(super) fn new(
        status: u16,
        reason: &str,
        message: impl Into<String>,
        stage: &'static str,
    ) -> Self {
        let (reason, message) = (reason.to_owned(), message.into());
        Self { status, reason, message, stage, hidden: false }
    }

    /// The token, or whose it is, will not do.
    pub(super) fn token(reason: &str, message: &str) -> Self {
        Self::new(401, reason, message, "token_validate")
    }

    /// There is no session, or not any more: clients then refresh.
    pub(super) fn no_session(message: &str) -> Self {
        Self::new(401, "UNAUTHORISED", message, "session")
    }

    /// The same with HTTP 200.
    pub(super) fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.status(), "REQUEST_REFUSED", refusal.message(), "request")
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({
            "status": "ERROR",
            "code": self.status,
            "reason": self.reason,
            "message": self.message,
            "retryable": self.status == 503,
            "stage": self.stage,
            "operationId": ids::uuid_v4(),
        });
        let status = if self.hidden { 200 } else { self.status };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(body)).into_response()
    }
}

/// The tokens of a session.
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
    /// What clients read without looking into the access token.
    pub(super) front: Value,
}

/// A yes with tokens: in headers, or in cookies for a client that asks for them.
pub(super) fn with_tokens(asked: &HeaderMap, tokens: &Tokens) -> Response {
    let front = STANDARD.encode(tokens.front.to_string());
    let by_cookie = asked.get("st-auth-mode").is_some_and(|mode| mode == "cookie");
    let headers = if by_cookie {
        let cookie = |name: &str, value: &str, path: &str| {
            format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax")
        };
        vec![
            ("set-cookie", cookie("sAccessToken", &tokens.access, "/")),
            ("set-cookie", cookie("sRefreshToken", &tokens.refresh, "/auth/session/refresh")),
            ("front-token", front),
        ]
    } else {
        vec![
            ("st-access-token", tokens.access.clone()),
            ("st-refresh-token", tokens.refresh.clone()),
            ("front-token", front),
        ]
    };
    let mut answer = Json(json!({ "status": "OK" })).into_response();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    answer
}
