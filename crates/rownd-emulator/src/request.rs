//! What every handler needs: the parts of a request read with Rownd's answers for what
//! is wrong with them, and the one way to say no.
//!
//! In: requests. Out: path segments, query, JSON and forms as types, or a [`Refusal`].

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// The largest body that is read. Profiles are small, and what is kept is bounded by it.
pub(super) const MAX_BODY: usize = 256 * 1024;

/// A no in Rownd's error shape.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: Option<&'static str>,
    message: String,
    said: Said,
    field_errors: Option<Map<String, Value>>,
}

/// Where the words stand. Rownd is not of one mind about it, so no client may be either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// In `message` and in `messages`.
    Twice,
    /// In `message` alone: the refusal of a refresh token.
    Once,
    /// In `messages` alone: an intent that does not fit.
    Listed,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, code: Some(code), message, said: Said::Twice, field_errors: None }
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "E_UNAUTHORIZED", message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "E_FORBIDDEN", message)
    }

    pub(super) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// Nothing is at the path.
    pub(super) fn nothing_here() -> Self {
        Self::not_found("E_NOT_FOUND", "the emulator has nothing at this path")
    }

    pub(super) fn user_not_found() -> Self {
        Self::not_found("E_USER_NOT_FOUND", "there is no user with that id")
    }

    pub(super) fn group_not_found() -> Self {
        Self::not_found("E_GROUP_NOT_FOUND", "there is no such group, member or invite")
    }

    /// The emulator itself cannot go on, with a key that cannot be made for one.
    pub(super) fn broken(error: &dyn std::fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "E_INTERNAL", error.to_string())
    }

    /// What a refresh is refused with.
    pub(super) fn refresh(why: &str) -> Self {
        Self {
            code: None,
            said: Said::Once,
            ..Self::bad_request("", format!("Invalid refresh token: {why}"))
        }
    }

    /// What an intent that does not fit is refused with.
    pub(super) fn intent(code: &'static str, message: &str) -> Self {
        Self { said: Said::Listed, ..Self::bad_request(code, message) }
    }

    /// A write refused because of single fields.
    pub(super) fn fields(errors: Map<String, Value>) -> Self {
        Self {
            field_errors: Some(errors),
            ..Self::bad_request("E_USER_UPDATE_FAILED", "the user could not be written")
        }
    }

    pub(super) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The body of the answer, which a bulk write carries per entry.
    pub(super) fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("statusCode".to_owned(), json!(self.status.as_u16()));
        let error = self.status.canonical_reason().unwrap_or("Error");
        body.insert("error".to_owned(), json!(error));
        if let Some(code) = self.code {
            body.insert("code".to_owned(), json!(code));
        }
        if self.said != Said::Listed {
            body.insert("message".to_owned(), json!(self.message));
        }
        if self.said != Said::Once {
            body.insert("messages".to_owned(), json!(self.messages()));
        }
        if let Some(errors) = &self.field_errors {
            body.insert("field_errors".to_owned(), Value::Object(errors.clone()));
        }
        Value::Object(body)
    }

    fn messages(&self) -> Vec<String> {
        let Some(errors) = &self.field_errors else { return vec![self.message.clone()] };
        errors
            .iter()
            .flat_map(|(field, said)| {
                let said = said.as_array().into_iter().flatten();
                said.filter_map(Value::as_str).map(move |text| format!("{field} {text}"))
            })
            .collect()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}

/// What a handler answers with.
pub(super) type Answer = Result<Response, Refusal>;

/// 200 with JSON.
#[expect(clippy::unnecessary_wraps, reason = "handlers end with it")]
pub(super) fn ok(body: Value) -> Answer {
    Ok(Json(body).into_response())
}

/// 204.
#[expect(clippy::unnecessary_wraps, reason = "handlers end with it")]
pub(super) fn done() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The segments of the path, decoded.
pub(super) struct At<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(_) => Err(Refusal::nothing_here()),
        }
    }
}

/// The query.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => Err(Refusal::bad_request("E_BAD_REQUEST", error.body_text())),
        }
    }
}

/// A JSON body, labelled as JSON: that keeps web pages in the developer's browser from
/// posting orders here without a preflight.
pub(super) struct Sent<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(error) => Err(Refusal::bad_request("E_BAD_REQUEST", error.body_text())),
        }
    }
}
