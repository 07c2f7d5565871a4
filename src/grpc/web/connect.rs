//! Calls in JSON, by Connect's protocol for unary calls (connectrpc.com, "Connect protocol
//! reference").
//!
//! In: a request with a body in JSON. Out: the response of the method in JSON, or its status in the
//! form of Connect. In between it is a gRPC call like any other.

use bytes::{Buf as _, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use tonic::{Code, Status, body::Body};
use tower::BoxError;

use super::{
    RpcCall,
    body::{self, Expected, JsonBounds},
    error, reply,
    schema::WebMethod,
};
use crate::grpc::{
    budget::CallSlot,
    call_label::{CallKind, CallRefusal},
    request_body::refusal_status,
    rownd_auth::{bad_request, internal_error},
};

static VERSION: HeaderName = HeaderName::from_static("connect-protocol-version");
static TIMEOUT: HeaderName = HeaderName::from_static("connect-timeout-ms");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
/// Bytes before a gRPC message: a flag, and the length.
const PREFIX: usize = 5;

/// Answers one call. `method` is `None` where there is none at its path.
pub(super) async fn answer<B>(
    call: &RpcCall<'_>,
    method: Option<&WebMethod>,
    request: Request<B>,
) -> Response<Body>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let pool = call.doors.schema.pool();
    match ask(call, method, request).await {
        Ok(response) => response,
        Err(status) => error::response(&status, pool),
    }
}

async fn ask<B>(
    call: &RpcCall<'_>,
    method: Option<&WebMethod>,
    request: Request<B>,
) -> Result<Response<Body>, Status>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let slot = CallSlot::take(call.connection, CallKind::Call);
    if slot.is_refused() {
        slot.refusal_written();
        return Err(refusal_status(CallKind::Call, CallRefusal::Streams));
    }
    let (parts, body) = request.into_parts();
    let headers = call_headers(&parts.headers)?;
    let expected = method.map(|method| Expected {
        message: method.input.clone(),
        bounds: JsonBounds { message: method.rpc.max_request_bytes, time: call.doors.body_time },
    });
    let mut request =
        Request::new(body::translated(body, expected, call.doors.translator.clone(), slot));
    *request.method_mut() = parts.method;
    *request.uri_mut() = parts.uri;
    *request.headers_mut() = headers;
    let answer = call.answer(method.map(|method| method.rpc), request).await;
    let message = message(answer).await?;
    match method {
        Some(method) => {
            let text = call.doors.translator.to_json(method.output.clone(), message).await?;
            Ok(reply::json(StatusCode::OK, text.into()))
        }
        None => Err(internal_error()),
    }
}

/// The headers of the gRPC call: of the client's own, only those that are read.
fn call_headers(sent: &HeaderMap) -> Result<HeaderMap, Status> {
    if sent.get_all(&VERSION).iter().any(|version| version != "1") {
        return Err(bad_request("connect-protocol-version", "is not 1, the only version"));
    }
    let mut headers = HeaderMap::with_capacity(6);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    // Two are enough to know that there is more than one.
    for secret in sent.get_all(header::AUTHORIZATION).iter().take(2) {
        headers.append(header::AUTHORIZATION, secret.clone());
    }
    if let Some(timeout) = sent.get(&TIMEOUT) {
        let timeout = grpc_timeout(timeout).ok_or_else(|| {
            bad_request("connect-timeout-ms", "is not a number of at most 10 digits")
        })?;
        headers.insert(GRPC_TIMEOUT, timeout);
    }
    if let Some(coding) = compression(sent) {
        headers.insert(GRPC_ENCODING, coding);
    }
    Ok(headers)
}

/// The coding of a body that is compressed, or may be.
pub(super) fn compression(sent: &HeaderMap) -> Option<HeaderValue> {
    let codings = sent.get_all(header::CONTENT_ENCODING).iter();
    codings.into_iter().find(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")).cloned()
}

/// Milliseconds as gRPC writes them, in at most eight digits.
fn grpc_timeout(value: &HeaderValue) -> Option<HeaderValue> {
    let digits = value.to_str().ok()?;
    if digits.is_empty() || digits.len() > 10 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let milliseconds = digits.parse::<u64>().ok()?.min(99_999_999);
    HeaderValue::try_from(format!("{milliseconds}m")).ok()
}

/// The message of a gRPC response, or its status.
async fn message(answer: Response<Body>) -> Result<Bytes, Status> {
    let (parts, body) = answer.into_parts();
    // A response without a message has its status in the headers.
    if let Some(status) = Status::from_header_map(&parts.headers)
        && status.code() != Code::Ok
    {
        return Err(status);
    }
    let read = body.collect().await?;
    let status = read.trailers().and_then(Status::from_header_map);
    if let Some(status) = status
        && status.code() != Code::Ok
    {
        return Err(status);
    }
    let mut bytes = read.to_bytes();
    if bytes.len() < PREFIX {
        return Err(internal_error());
    }
    bytes.advance(PREFIX);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{call_headers, grpc_timeout};

    #[test]
    fn a_timeout_is_milliseconds() {
        for (written, expected) in [
            ("0", Some("0m")),
            ("1", Some("1m")),
            ("0001500", Some("1500m")),
            ("9999999999", Some("99999999m")),
            ("99999999999", None),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("1s", None),
            ("+1", None),
        ] {
            let made = grpc_timeout(&HeaderValue::from_str(written).unwrap());
            let made = made.as_ref().map(|value| value.to_str().unwrap());
            assert_eq!(made, expected, "{written}");
        }
    }

    #[test]
    fn of_the_headers_of_a_client_few_reach_the_call() {
        let mut sent = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer one"),
            ("authorization", "Bearer two"),
            ("authorization", "Bearer three"),
            ("connect-timeout-ms", "250"),
            ("content-encoding", "gzip"),
            ("grpc-timeout", "1H"),
            ("grpc-encoding", "identity"),
            ("cookie", "a=b"),
            ("x-rownd-user-id", "somebody"),
            ("content-type", "application/json"),
        ] {
            sent.append(name, HeaderValue::from_static(value));
        }
        let made = call_headers(&sent).unwrap();
        let mut told: Vec<_> = made
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        told.sort();
        assert_eq!(
            told,
            [
                "authorization: Bearer one",
                "authorization: Bearer two",
                "content-type: application/grpc",
                "grpc-encoding: gzip",
                "grpc-timeout: 250m",
                "te: trailers",
            ]
        );
    }
}
