//! Responses that hold no gRPC message.
//!
//! In: a status and a body. Out: the response. None may be kept by a cache, or be taken for another
//! type than it says.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use tonic::body::Body;

/// A response of this type.
pub(super) fn of(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A response in JSON.
pub(super) fn json(status: StatusCode, body: Bytes) -> Response<Body> {
    of(status, "application/json", body)
}

/// A refusal of HTTP itself, with the header that says how to do it.
pub(super) fn refusal(
    status: StatusCode,
    text: &'static str,
    told: Option<(HeaderName, &'static str)>,
) -> Response<Body> {
    let mut response = of(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()));
    if let Some((name, value)) = told {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
