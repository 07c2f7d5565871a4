//! The answers of the plugin.
//!
//! In: tokens, or a reason. Out: `status: OK` with the three token headers, or `status: ERROR` with
//! the reason, the stage, and whether the request may be repeated.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    data::{DataError, ids},
    keys::rotation::KeyError,
    routes::request::ApiError,
};

/// An error of the plugin.
#[derive(Debug)]
pub(crate) struct PluginError {
    status: u16,
    reason: String,
    message: String,
    stage: &'static str,
    /// Whether the answer has HTTP status 200, as for guests.
    hidden: bool,
}

impl PluginError {
    pub(crate) fn new(
        status: u16,
        reason: &str,
        message: impl Into<String>,
        stage: &'static str,
    ) -> Self {
        let (reason, message) = (reason.to_owned(), message.into());
        Self { status, reason, message, stage, hidden: false }
    }

    /// The token is not accepted, or its user.
    pub(crate) fn token(reason: &str, message: &str) -> Self {
        Self::new(401, reason, message, "token_validate")
    }

    /// There is no session, or it has ended: clients then refresh.
    pub(crate) fn no_session(message: &str) -> Self {
        Self::new(401, "UNAUTHORISED", message, "session")
    }

    /// The same error with HTTP status 200.
    pub(crate) fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }
}

impl From<ApiError> for PluginError {
    fn from(error: ApiError) -> Self {
        Self::new(error.status(), "REQUEST_REFUSED", error.message(), "request")
    }
}

impl From<DataError> for PluginError {
    fn from(error: DataError) -> Self {
        ApiError::from(error).into()
    }
}

impl From<KeyError> for PluginError {
    fn from(error: KeyError) -> Self {
        Self::new(500, "INTERNAL_ERROR", error.to_string(), "session_create")
    }
}

impl IntoResponse for PluginError {
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
pub(crate) struct SessionTokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    /// The claims that clients read without parsing the access token.
    pub(crate) front: Value,
}

/// A success with tokens: in headers, or in cookies for a client that asks for them.
pub(crate) fn with_tokens(asked: &HeaderMap, tokens: &SessionTokens) -> Response {
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
