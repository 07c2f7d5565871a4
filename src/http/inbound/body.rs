//! The body of a request of another server: of bounded size, within a bounded time.
//!
//! In: a request that has passed its gate. Out: its bytes, or the JSON object that they are.

use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Limited};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::{
    answer::Refusal,
    gate::{MAX_BODY, UnderWay},
};
use crate::verify::strict_object;

/// A request that has passed its gate.
pub(super) struct AdmittedRequest<'a> {
    pub(super) request: Request,
    pub(super) under_way: &'a mut UnderWay,
}

impl AdmittedRequest<'_> {
    pub(super) fn method(&self) -> &Method {
        self.request.method()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    /// The JSON object in the body; empty where there is no body.
    ///
    /// # Errors
    ///
    /// Fails where the body is too large, too slow, of another type, or no JSON object.
    pub(super) async fn object(self) -> Result<Map<String, Value>, Refusal> {
        let is_json = self.has_type("application/json");
        let bytes = self.bytes().await?;
        if bytes.is_empty() {
            return Ok(Map::new());
        }
        if !is_json {
            let message = "the body has to be application/json, not compressed";
            return Err(Refusal::Malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
        strict_object(&bytes).ok_or_else(|| {
            let message = "the body is not a JSON object, or has a member twice";
            Refusal::Malformed(StatusCode::UNPROCESSABLE_ENTITY, message)
        })
    }

    /// The body of a POST request, and whether it is of this type.
    ///
    /// # Errors
    ///
    /// Fails where the method is another one, or the body is too large or too slow.
    pub(super) async fn posted(self, wanted: &str) -> Result<(bool, Bytes), Refusal> {
        if self.method() != Method::POST {
            return Err(Refusal::Malformed(StatusCode::METHOD_NOT_ALLOWED, "only POST"));
        }
        let is_wanted = self.has_type(wanted);
        Ok((is_wanted, self.bytes().await?))
    }

    async fn bytes(self) -> Result<Bytes, Refusal> {
        let too_large = || {
            let message = "the body has more than 256 KiB, or was cut off";
            Refusal::Malformed(StatusCode::PAYLOAD_TOO_LARGE, message)
        };
        let body = self.request.into_body();
        // One that says so beforehand is not waited for.
        if body.size_hint().lower() > MAX_BODY as u64 {
            return Err(too_large());
        }
        let body = timeout(self.under_way.body_time, Limited::new(body, MAX_BODY).collect()).await;
        let body = body.map_err(|_late| {
            Refusal::Malformed(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")
        })?;
        let bytes = body.map_err(|_cut| too_large())?.to_bytes();
        self.under_way.has_body(bytes.len());
        Ok(bytes)
    }

    /// The body is of this type, with whatever parameters, and not compressed.
    fn has_type(&self, wanted: &str) -> bool {
        let headers = self.headers();
        let mut types = headers.get_all(header::CONTENT_TYPE).iter();
        let (Some(only), None) = (types.next(), types.next()) else { return false };
        let essence = only.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        let is_wanted = essence.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes());
        is_wanted && !headers.contains_key(header::CONTENT_ENCODING)
    }
}
