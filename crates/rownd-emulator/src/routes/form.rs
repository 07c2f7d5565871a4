//! The body of a profile write: JSON, a form with files (`multipart/form-data`), or one file as it is.
//!
//! In: a request. Out: the write, in which a file is a `data:` URL (RFC 2397). Rownd does not
//! document the names of the parts: a field is `NAME`, `data[NAME]` or `data.NAME`; `data` and
//! `attributes` are JSON objects. A text part is read by the kind of its field.

use std::convert::Infallible;

use axum::{
    body::Bytes,
    extract::{FromRequest, Multipart, Request, multipart::MultipartError},
    http::{HeaderValue, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::request::{ApiError, JsonBody, bad_request};
use crate::data::{
    apps::{App, FieldType},
    profile::{FieldWrite, ProfileWrite},
};

/// A part of a form.
pub(crate) struct Part {
    name: String,
    content: Content,
}

enum Content {
    Text(String),
    /// A `data:` URL.
    File(String),
}

/// A body in one of three forms.
pub(crate) enum Written<T> {
    Json(T),
    Form(Vec<Part>),
    /// The `data:` URL of a file that is the whole body.
    File(String),
}

/// The body of a write, which the handler reads after the credentials.
pub(crate) struct JsonOrForm<T>(Result<Written<T>, ApiError>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonOrForm<T> {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default().trim().to_owned();
        match BodyForm::of(&kind) {
            BodyForm::Form => {
                return Ok(Self(parts(request, state).await.map(Written::Form)));
            }
            BodyForm::File => {
                let bytes = Bytes::from_request(request, state).await;
                let bytes = bytes.map_err(|rejection| bad_request(rejection.body_text()));
                return Ok(Self(bytes.map(|bytes| Written::File(data_url(&kind, &bytes)))));
            }
            BodyForm::Json => {}
        }
        let Ok(body) = JsonBody::from_request(request, state).await;
        Ok(Self(body.read().map(Written::Json)))
    }
}

/// The form of a body, by its content type.
enum BodyForm {
    Json,
    Form,
    File,
}

impl BodyForm {
    fn of(kind: &str) -> Self {
        let kind = kind.split(';').next().unwrap_or_default().trim_end().to_ascii_lowercase();
        match kind.as_str() {
            "multipart/form-data" => Self::Form,
            // A web form is no file; nor is a body that says nothing of itself.
            "" | "application/x-www-form-urlencoded" => Self::Json,
            kind if kind.ends_with("/json") || kind.ends_with("+json") => Self::Json,
            _ => Self::File,
        }
    }
}

fn data_url(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", STANDARD.encode(bytes))
}

async fn parts<S: Send + Sync>(request: Request, state: &S) -> Result<Vec<Part>, ApiError> {
    let wrong = |error: MultipartError| bad_request(error.body_text());
    let mut form = Multipart::from_request(request, state)
        .await
        .map_err(|rejection| bad_request(rejection.body_text()))?;
    let mut parts = Vec::new();
    while let Some(field) = form.next_field().await.map_err(wrong)? {
        let name = field.name().unwrap_or_default().to_owned();
        let kind = field.content_type().map(str::to_owned);
        let text = field.file_name().is_none()
            && kind.as_deref().is_none_or(|kind| {
                kind.starts_with("text/plain") || kind.starts_with("application/json")
            });
        let content = if text {
            Content::Text(field.text().await.map_err(wrong)?)
        } else {
            let kind = kind.unwrap_or_else(|| "application/octet-stream".to_owned());
            let bytes = field.bytes().await.map_err(wrong)?;
            Content::File(data_url(&kind, &bytes))
        };
        parts.push(Part { name, content });
    }
    Ok(parts)
}

impl JsonOrForm<ProfileWrite> {
    /// The write of a profile, or a 400.
    pub(crate) fn read(self, app: &App) -> Result<ProfileWrite, ApiError> {
        let parts = match self.0? {
            Written::Json(written) => return Ok(written),
            Written::Form(parts) => parts,
            Written::File(_) => {
                return Err(bad_request(
                    "a profile is JSON or a form; a file is the value of a field",
                ));
            }
        };
        let mut written = ProfileWrite { data: Map::new(), attributes: Map::new() };
        for Part { name, content } in parts {
            match (name.as_str(), content) {
                ("data", Content::Text(text)) => written.data.extend(object(&name, &text)?),
                ("attributes", Content::Text(text)) => {
                    written.attributes.extend(object(&name, &text)?);
                }
                (_, content) => {
                    let field = field_name(&name);
                    let value = value(app, field, content);
                    written.data.insert(field.to_owned(), value);
                }
            }
        }
        Ok(written)
    }
}

impl JsonOrForm<FieldWrite> {
    /// The new value of one field, or a 400.
    pub(crate) fn read(self, app: &App, field: &str) -> Result<FieldWrite, ApiError> {
        let parts = match self.0? {
            Written::Json(written) => return Ok(written),
            Written::Form(parts) => parts,
            Written::File(url) if holds_files(app, field) => {
                return Ok(FieldWrite { value: Value::String(url) });
            }
            Written::File(_) => {
                return Err(bad_request("only a field of type image or document takes a file"));
            }
        };
        let part = parts.into_iter().find(|part| part.name == "value");
        let part = part.ok_or_else(|| bad_request("the form has no part `value`"))?;
        Ok(FieldWrite { value: value(app, field, part.content) })
    }
}

/// The field of a part: `NAME`, `data[NAME]` or `data.NAME`.
fn field_name(part: &str) -> &str {
    let bracketed = part.strip_prefix("data[").and_then(|rest| rest.strip_suffix(']'));
    bracketed.or_else(|| part.strip_prefix("data.")).unwrap_or(part)
}

fn object(name: &str, text: &str) -> Result<Map<String, Value>, ApiError> {
    serde_json::from_str(text)
        .map_err(|error| bad_request(format!("the part `{name}` is not a JSON object: {error}")))
}

/// The value of a part by the kind of its field. A text that does not fit stays a text, so that the
/// check of the schema names the field.
fn value(app: &App, field: &str, content: Content) -> Value {
    let text = match content {
        Content::Text(text) => text,
        Content::File(url) => return Value::String(url),
    };
    let kind = app.schema.get(field).map_or(FieldType::String, |spec| spec.kind);
    match kind {
        FieldType::String | FieldType::Image | FieldType::Document => Value::String(text),
        FieldType::Number
        | FieldType::Boolean
        | FieldType::Array
        | FieldType::Object
        | FieldType::Any => serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

/// Whether the field is for files.
fn holds_files(app: &App, field: &str) -> bool {
    app.schema.get(field).is_some_and(|spec| match spec.kind {
        FieldType::Image | FieldType::Document => true,
        FieldType::String
        | FieldType::Number
        | FieldType::Boolean
        | FieldType::Array
        | FieldType::Object
        | FieldType::Any => false,
    })
}

/// The content type and the bytes of a field that is a file.
pub(crate) fn file_of(app: &App, field: &str, value: &Value) -> Option<(HeaderValue, Vec<u8>)> {
    if !holds_files(app, field) {
        return None;
    }
    let (kind, encoded) = value.as_str()?.strip_prefix("data:")?.split_once(";base64,")?;
    Some((HeaderValue::from_str(kind).ok()?, STANDARD.decode(encoded).ok()?))
}
