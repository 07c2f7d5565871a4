//! Answers that an authorizer may give, short enough to read in a table.

use envoy_types::pb::{
    envoy::{
        config::core::v3::{
            HeaderValue, HeaderValueOption, QueryParameter, header_value_option::HeaderAppendAction,
        },
        service::auth::v3::{
            CheckResponse, DeniedHttpResponse, OkHttpResponse, check_response::HttpResponse,
        },
        r#type::v3::HttpStatus,
    },
    google::{
        protobuf::{BoolValue, Struct, Value, value::Kind},
        rpc::Status,
    },
};

use crate::support::scripted::Script;

impl From<CheckResponse> for Script {
    fn from(answer: CheckResponse) -> Self {
        Self::Answer(Box::new(answer))
    }
}

/// An answer with this outer code (or none) and this body (or none).
pub(super) fn answer(code: Option<i32>, body: Option<HttpResponse>) -> CheckResponse {
    CheckResponse {
        status: code.map(|code| Status { code, ..Status::default() }),
        http_response: body,
        dynamic_metadata: None,
    }
}

/// Allowed with these mutations.
pub(super) fn allow(ok: OkHttpResponse) -> CheckResponse {
    answer(Some(0), Some(HttpResponse::OkResponse(ok)))
}

/// Allowed with these headers for the service behind.
pub(super) fn allow_with(headers: impl IntoIterator<Item = HeaderValueOption>) -> CheckResponse {
    allow(OkHttpResponse { headers: headers.into_iter().collect(), ..OkHttpResponse::default() })
}

/// Allowed with these headers for the client.
pub(super) fn allow_answering(
    headers: impl IntoIterator<Item = HeaderValueOption>,
) -> CheckResponse {
    allow(OkHttpResponse {
        response_headers_to_add: headers.into_iter().collect(),
        ..OkHttpResponse::default()
    })
}

/// Denied, outer code 16, with this HTTP status, body and headers.
pub(super) fn deny(
    status: i32,
    body: &str,
    headers: impl IntoIterator<Item = HeaderValueOption>,
) -> CheckResponse {
    answer(Some(16), Some(HttpResponse::DeniedResponse(local(status, body, headers))))
}

/// The body of a denial or an error; status 0 is none.
pub(super) fn local(
    status: i32,
    body: &str,
    headers: impl IntoIterator<Item = HeaderValueOption>,
) -> DeniedHttpResponse {
    DeniedHttpResponse {
        status: (status != 0).then_some(HttpStatus { code: status }),
        headers: headers.into_iter().collect(),
        body: body.to_owned(),
    }
}

/// A header with neither `append` nor an action.
pub(super) fn bare(key: &str, value: &str) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue {
            key: key.to_owned(),
            value: value.to_owned(),
            raw_value: Vec::new(),
        }),
        ..HeaderValueOption::default()
    }
}

/// A header with `append`.
#[expect(deprecated, reason = "Envoy 1.40 obeys this field and not its successor")]
pub(super) fn append(key: &str, value: &str, append: bool) -> HeaderValueOption {
    HeaderValueOption { append: Some(BoolValue { value: append }), ..bare(key, value) }
}

/// A header with an append action only.
pub(super) fn action(key: &str, value: &str, action: HeaderAppendAction) -> HeaderValueOption {
    HeaderValueOption { append_action: action.into(), ..bare(key, value) }
}

/// The encoding that is right on every release: both fields say "overwrite".
pub(super) fn set(key: &str, value: &str) -> HeaderValueOption {
    HeaderValueOption {
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        ..append(key, value, false)
    }
}

/// A header whose value stands in `raw_value`.
pub(super) fn raw_value(key: &str, value: &[u8]) -> HeaderValueOption {
    let mut option = set(key, "");
    if let Some(header) = &mut option.header {
        header.raw_value = value.to_vec();
    }
    option
}

/// A query parameter.
pub(super) fn query(key: &str, value: &str) -> QueryParameter {
    QueryParameter { key: key.to_owned(), value: value.to_owned() }
}

/// Dynamic metadata with one string.
pub(super) fn metadata(key: &str, value: &str) -> Struct {
    let value = Value { kind: Some(Kind::StringValue(value.to_owned())) };
    Struct { fields: std::iter::once((key.to_owned(), value)).collect() }
}
