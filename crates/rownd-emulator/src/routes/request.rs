//! The parts of a request as types, and the error of Rownd's API.
//!
//! In: requests. Out: path parameters, query and JSON body, or an [`ApiError`] in Rownd's shape.

use std::convert::Infallible;

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{data::DataError, keys::rotation::KeyError};

/// The most bytes of a body. It bounds what the emulator keeps, too; profiles are small.
pub(crate) const MAX_BODY: usize = 256 * 1024;

/// The most bytes of a body that may hold a file: a picture of 5 MiB, also as base64.
pub(crate) const MAX_FILE_BODY: usize = 8 * 1024 * 1024;

/// An error in Rownd's shape.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: Option<&'static str>,
    message: String,
    message_form: MessageForm,
    field_errors: Option<Map<String, Value>>,
}

/// The members that hold the message. Rownd's endpoints differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MessageForm {
    /// In `message` and in `messages`.
    Both,
    /// In `message` alone: errors about refresh tokens.
    Message,
    /// In `messages` alone: errors about the intent.
    Messages,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code: Some(code),
            message,
            message_form: MessageForm::Both,
            field_errors: None,
        }
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "E_UNAUTHORIZED", message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "E_FORBIDDEN", message)
    }

    pub(crate) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// No endpoint has this path.
    pub(crate) fn unknown_path() -> Self {
        Self::not_found("E_NOT_FOUND", "the emulator has nothing at this path")
    }

    /// The emulator itself failed: it cannot make a key, for example.
    pub(crate) fn internal(error: &dyn std::fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "E_INTERNAL", error.to_string())
    }

    /// A refresh token that is not accepted.
    pub(crate) fn refresh(why: &str) -> Self {
        Self {
            code: None,
            message_form: MessageForm::Message,
            ..Self::bad_request("", format!("Invalid refresh token: {why}"))
        }
    }

    /// An intent that contradicts what the app knows of the user.
    pub(crate) fn intent(code: &'static str, message: &str) -> Self {
        Self { message_form: MessageForm::Messages, ..Self::bad_request(code, message) }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The message for people.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The body of the answer; a bulk write has one for each entry that failed.
    pub(crate) fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("statusCode".to_owned(), json!(self.status.as_u16()));
        let error = self.status.canonical_reason().unwrap_or("Error");
        body.insert("error".to_owned(), json!(error));
        if let Some(code) = self.code {
            body.insert("code".to_owned(), json!(code));
        }
        if self.message_form != MessageForm::Messages {
            body.insert("message".to_owned(), json!(self.message));
        }
        if self.message_form != MessageForm::Message {
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

impl From<DataError> for ApiError {
    fn from(error: DataError) -> Self {
        let message = error.to_string();
        let bad_request = |message| Self::bad_request("E_BAD_REQUEST", message);
        match error {
            DataError::NoSuchApp => Self::not_found("E_APP_NOT_FOUND", message),
            DataError::NoSuchUser => Self::not_found("E_USER_NOT_FOUND", message),
            DataError::NoSuchGroup => Self::not_found("E_GROUP_NOT_FOUND", message),
            DataError::NoSuchLink => Self::not_found("E_LINK_NOT_FOUND", message),
            DataError::NoSuchField => Self::not_found("E_FIELD_NOT_FOUND", message),
            DataError::Fields(errors) => Self {
                field_errors: Some(errors),
                ..Self::bad_request("E_USER_UPDATE_FAILED", message)
            },
            DataError::TooManyUsers(_) => Self::bad_request("E_USER_UPDATE_FAILED", message),
            DataError::AlreadyMember => Self::bad_request("E_ALREADY_MEMBER", message),
            DataError::LastOwner => Self::bad_request("E_LAST_OWNER", message),
            DataError::InviteNeeded | DataError::InviteForAnotherUser => Self::forbidden(message),
            DataError::NoSuchClient => Self::not_found("E_OIDC_CLIENT_NOT_FOUND", message),
            DataError::NoSuchLogo => Self::not_found("E_LOGO_NOT_FOUND", message),
            DataError::BadClient(_)
            | DataError::TooManyClients(_)
            | DataError::TooManyBytes(_)
            | DataError::BadUserId
            | DataError::TooManyGroups(_)
            | DataError::TooManyInvites(_) => bad_request(message),
            DataError::InviteUsed => Self::bad_request("E_INVITE_USED", message),
            DataError::LinkExpired => Self::bad_request("E_LINK_EXPIRED", message),
        }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}

/// The result of a handler.
pub(crate) type ApiResult = Result<Response, ApiError>;

/// A response with status 200 and a JSON body.
#[expect(clippy::unnecessary_wraps, reason = "handlers end with it")]
pub(crate) fn ok(body: Value) -> ApiResult {
    Ok(Json(body).into_response())
}

/// A response with status 204.
#[expect(clippy::unnecessary_wraps, reason = "handlers end with it")]
pub(crate) fn no_content() -> ApiResult {
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The parameters of the path, decoded.
pub(crate) struct PathParams<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathParams<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(_) => Err(ApiError::unknown_path()),
        }
    }
}

/// The parameters of the query. The handler reads them after the credentials.
pub(crate) struct QueryParams<T>(Result<T, ApiError>);

impl<T> QueryParams<T> {
    /// The parameters, or a 400.
    pub(crate) fn read(self) -> Result<T, ApiError> {
        self.0
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let query = Query::from_request_parts(parts, state).await;
        Ok(Self(query.map(|Query(query)| query).map_err(|error| bad_request(error.body_text()))))
    }
}

/// A JSON body with the content type of JSON. A web page in the developer's browser cannot send
/// that without a preflight. The handler reads it after the credentials: without credentials any
/// body is a 401.
pub(crate) struct JsonBody<T>(Result<T, ApiError>);

impl<T> JsonBody<T> {
    /// The body, or a 400.
    pub(crate) fn read(self) -> Result<T, ApiError> {
        self.0
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let body = Json::from_request(request, state).await;
        Ok(Self(body.map(|Json(body)| body).map_err(|error| bad_request(error.body_text()))))
    }
}

/// A request whose body, query or path says something that the endpoint does not take.
pub(crate) fn bad_request(why: impl Into<String>) -> ApiError {
    ApiError::bad_request("E_BAD_REQUEST", why)
}
