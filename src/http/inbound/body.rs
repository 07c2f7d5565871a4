//! The body of a request of another server: a JSON object of bounded size, within a bounded time.

use std::time::Duration;

use axum::extract::Request;
use bytes::Bytes;
use http::{StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::answer::Refusal;

/// The most bytes of a body.
const MAX_BODY: usize = 256 << 10;
/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(5);

/// The object in the body; empty where there is no body.
///
/// # Errors
///
/// Fails where the body is too large, too slow, of another type, or no JSON object.
pub(super) async fn object(request: Request) -> Result<Map<String, Value>, Refusal> {
    let is_json = has_type(&request, "application/json");
    let bytes = bytes(request).await?;
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    if !is_json {
        let message = "the body has to be application/json, not compressed";
        return Err(Refusal::Malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    serde_json::from_slice(&bytes).map_err(|_| {
        Refusal::Malformed(StatusCode::UNPROCESSABLE_ENTITY, "the body is not a JSON object")
    })
}

/// The body.
///
/// # Errors
///
/// Fails where the body is too large or too slow.
pub(super) async fn bytes(request: Request) -> Result<Bytes, Refusal> {
    let body = Limited::new(request.into_body(), MAX_BODY).collect();
    let body = timeout(BODY_TIME, body).await.map_err(|_late| {
        Refusal::Malformed(StatusCode::REQUEST_TIMEOUT, "the body did not come within 5 seconds")
    })?;
    let body = body.map_err(|_| {
        let message = "the body has more than 256 KiB, or was cut off";
        Refusal::Malformed(StatusCode::PAYLOAD_TOO_LARGE, message)
    })?;
    Ok(body.to_bytes())
}

/// The body is of this type, with whatever parameters, and not compressed.
pub(super) fn has_type(request: &Request, wanted: &str) -> bool {
    let headers = request.headers();
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return false };
    let essence = only.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let is_wanted = essence.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes());
    is_wanted && !headers.contains_key(header::CONTENT_ENCODING)
}
