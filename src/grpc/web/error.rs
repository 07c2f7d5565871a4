//! A gRPC status in the form of Connect (Connect protocol, "Error end-stream" and "HTTP to error
//! code").
//!
//! In: a status with its details. Out: an HTTP response whose body says code, message and details.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use http::{HeaderValue, Response, StatusCode, header};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt as _;

use super::reply;

/// Before the name of a message in a detail.
const TYPE_URL: &str = "type.googleapis.com/";

/// The word and the HTTP status of a code (Connect protocol, "Error codes").
fn code(code: Code) -> (&'static str, StatusCode) {
    match code {
        // RFC 9110 has no name for it.
        Code::Cancelled => {
            ("canceled", StatusCode::from_u16(499).unwrap_or(StatusCode::REQUEST_TIMEOUT))
        }
        Code::Ok | Code::Unknown => ("unknown", StatusCode::INTERNAL_SERVER_ERROR),
        Code::InvalidArgument => ("invalid_argument", StatusCode::BAD_REQUEST),
        Code::DeadlineExceeded => ("deadline_exceeded", StatusCode::GATEWAY_TIMEOUT),
        Code::NotFound => ("not_found", StatusCode::NOT_FOUND),
        Code::AlreadyExists => ("already_exists", StatusCode::CONFLICT),
        Code::PermissionDenied => ("permission_denied", StatusCode::FORBIDDEN),
        Code::ResourceExhausted => ("resource_exhausted", StatusCode::TOO_MANY_REQUESTS),
        Code::FailedPrecondition => ("failed_precondition", StatusCode::BAD_REQUEST),
        Code::Aborted => ("aborted", StatusCode::CONFLICT),
        Code::OutOfRange => ("out_of_range", StatusCode::BAD_REQUEST),
        Code::Unimplemented => ("unimplemented", StatusCode::NOT_IMPLEMENTED),
        Code::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR),
        Code::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE),
        Code::DataLoss => ("data_loss", StatusCode::INTERNAL_SERVER_ERROR),
        Code::Unauthenticated => ("unauthenticated", StatusCode::UNAUTHORIZED),
    }
}

/// The words of all codes.
pub(super) fn words() -> Vec<&'static str> {
    (1..=16).map(|number| code(Code::from_i32(number)).0).collect()
}

/// The response for a status. `pool` describes the messages of its details.
pub(super) fn response(status: &Status, pool: &DescriptorPool) -> Response<Body> {
    let (word, http) = code(status.code());
    let mut body = json!({ "code": word, "message": status.message() });
    let details = details(status, pool);
    if let Some(body) = body.as_object_mut()
        && !details.is_empty()
    {
        body.insert("details".to_owned(), Value::Array(details));
    }
    let mut response = reply::json(http, body.to_string().into());
    if let Some(wait) = retry_after(status) {
        response.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    response
}

/// When to try again, in whole seconds (RFC 9110 section 10.2.3).
fn retry_after(status: &Status) -> Option<HeaderValue> {
    let wait = status.get_details_retry_info()?.retry_delay?;
    let more = u64::from(wait.subsec_nanos() > 0);
    Some(wait.as_secs().saturating_add(more).into())
}

fn details(status: &Status, pool: &DescriptorPool) -> Vec<Value> {
    let Ok(status) = tonic_types::pb::Status::decode(status.details()) else { return Vec::new() };
    let one = |detail: prost_types::Any| {
        let name = detail.type_url.strip_prefix(TYPE_URL).unwrap_or(&detail.type_url);
        let value = STANDARD_NO_PAD.encode(&detail.value);
        let mut told = json!({ "type": name, "value": value });
        // The same in words, for people (Connect protocol, `debug`).
        if let Some(debug) = readable(name, &detail.value, pool)
            && let Some(told) = told.as_object_mut()
        {
            told.insert("debug".to_owned(), debug);
        }
        told
    };
    status.details.into_iter().map(one).collect()
}

fn readable(name: &str, value: &[u8], pool: &DescriptorPool) -> Option<Value> {
    let of = pool.get_message_by_name(name)?;
    serde_json::to_value(DynamicMessage::decode(of, value).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;
    use prost::Message as _;
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::{response, words};
    use crate::grpc::{DESCRIPTORS, web::schema::Schema};

    #[tokio::test]
    async fn a_status_keeps_its_code_message_and_details() {
        let schema = Schema::build(DESCRIPTORS).unwrap();
        let mut details = ErrorDetails::with_error_info("OVERLOADED", "rownd-authz", []);
        details.set_retry_info(Some(Duration::from_millis(1500)));
        let status = Status::with_error_details(Code::Unavailable, "too many", details);
        let answer = response(&status, schema.pool());
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()["retry-after"], "2");
        assert_eq!(answer.headers()["content-type"], "application/json");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["code"], &body["message"]), (&"unavailable".into(), &"too many".into()));
        let all = body["details"].as_array().unwrap();
        let info = all.iter().find(|one| one["type"] == "google.rpc.ErrorInfo").unwrap();
        assert_eq!(info["debug"]["reason"], "OVERLOADED");
        use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
        let value = STANDARD_NO_PAD.decode(info["value"].as_str().unwrap()).unwrap();
        let info = tonic_types::pb::ErrorInfo::decode(&*value).unwrap();
        assert_eq!((&*info.reason, &*info.domain), ("OVERLOADED", "rownd-authz"));
    }

    #[test]
    fn every_code_has_a_word_of_its_own() {
        let mut all = words();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 16);
    }

    #[tokio::test]
    async fn a_status_without_details_has_none() {
        let schema = Schema::build(DESCRIPTORS).unwrap();
        let answer = response(&Status::not_found("no"), schema.pool());
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&*body, br#"{"code":"not_found","message":"no"}"#);
    }
}
