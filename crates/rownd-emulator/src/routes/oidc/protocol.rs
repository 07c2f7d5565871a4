//! The parts of OAuth that the endpoints of the OpenID provider share: parameters, errors, answers.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{data::DataError, routes::request::ApiError};

/// The life of an access token and of an ID token, in seconds.
pub(super) const ACCESS_TTL: u64 = 3_600;

/// An error in OAuth's shape (RFC 6749 section 5.2).
#[derive(Debug)]
pub(super) struct OAuthError {
    status: StatusCode,
    /// The code of the error.
    pub(super) error: &'static str,
    /// The message for people.
    pub(super) description: String,
}

impl OAuthError {
    pub(super) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into() }
    }

    /// The credentials of the client, or the access token, are not valid: status 401.
    pub(super) fn unauthorized(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, ..Self::new(error, description) }
    }
}

impl From<ApiError> for OAuthError {
    fn from(error: ApiError) -> Self {
        Self::new("invalid_request", error.message())
    }
}

impl From<DataError> for OAuthError {
    fn from(error: DataError) -> Self {
        Self::new("invalid_request", error.to_string())
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.error, "error_description": self.description }));
        let mut answer = (self.status, [(header::CACHE_CONTROL, "no-store")], body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = if self.error == "invalid_token" { "Bearer" } else { "Basic" };
            let challenge = format!("{scheme} realm=\"emulator\", error=\"{}\"", self.error);
            if let Ok(challenge) = HeaderValue::from_str(&challenge) {
                answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
        }
        answer
    }
}

/// A response with JSON that no cache may keep.
pub(super) fn uncached(body: Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// The parameters of a query or a form, each at most once (RFC 6749 section 3.1).
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    fn parse(text: &[u8]) -> Result<Self, OAuthError> {
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            // A parameter without a value counts as left out.
            if value.is_empty() {
                continue;
            }
            if parameters.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(OAuthError::new("invalid_request", format!("`{name}` stands twice")));
            }
        }
        Ok(Self(parameters))
    }

    /// A parameter that has a value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter that has to be there.
    pub(super) fn require(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name)
            .ok_or_else(|| OAuthError::new("invalid_request", format!("`{name}` is missing")))
    }
}

impl<S: Send + Sync> FromRequest<S> for Parameters {
    type Rejection = OAuthError;

    /// From the query of a GET, the form of a POST.
    async fn from_request(request: Request, state: &S) -> Result<Self, OAuthError> {
        if request.method() == axum::http::Method::GET {
            return Self::parse(request.uri().query().unwrap_or_default().as_bytes());
        }
        let form = "application/x-www-form-urlencoded";
        let kind = request.headers().get(header::CONTENT_TYPE);
        let labelled = kind
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == form));
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| OAuthError::new("invalid_request", error.body_text()))?;
        if !labelled && !bytes.is_empty() {
            return Err(OAuthError::new("invalid_request", format!("the body is not {form}")));
        }
        Self::parse(&bytes)
    }
}
