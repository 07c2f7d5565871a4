//! Fields that are files: `GET` and `PUT` of
//! `/applications/{app}/users/{user}/data/fields/{field}`.
//!
//! In: a file to write, or a field to read. Out: the file. Rownd keeps a file as its content with a
//! type, or as a `data:` URL (RFC 2397) in JSON; both are read, and the latter is written.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{AppRequest, path_of};
use crate::{
    issuer_api::{
        administration::users::{FieldContent, FieldOfUser, PreviewSize, UserFile},
        api::{self, done},
        error::ApiError,
        grants::AppCredentials,
        operation::Operation,
        rejection::Rejection,
        rownd::{client::RowndClient, user::read_profile_of, user_id::segment},
    },
    upstream::HttpAnswer,
};

/// The member of an answer in JSON that has the value of the field.
const VALUE: &str = "value";
/// The type of a file that comes without one (RFC 2046 section 4.5.1).
const UNKNOWN_TYPE: &str = "application/octet-stream";
/// The type of a `data:` URL without one (RFC 2397 section 2).
const PLAIN: &str = "text/plain";

impl RowndClient {
    pub(super) async fn user_file(
        &self,
        app: AppCredentials<'_>,
        place: FieldOfUser<'_>,
        preview: Option<PreviewSize>,
        timeout: Duration,
    ) -> Result<FieldContent, ApiError> {
        let mut path = path_of_field(app, place)?;
        if let Some(size) = preview {
            path.push_str("?preview=");
            path.push_str(size.as_str());
        }
        let (operation, body) = (Operation::RowndFileRead, Bytes::new());
        let request = AppRequest { operation, app, path: &path, body, timeout };
        match self.send_as_app(request, content_of).await {
            Err(ApiError::Rejected(why)) if is_about_field(&why) => Ok(FieldContent::Nothing),
            answer => answer.map_err(ApiError::of_user),
        }
    }

    pub(super) async fn write_user_file(
        &self,
        app: AppCredentials<'_>,
        place: FieldOfUser<'_>,
        file: &UserFile,
        timeout: Duration,
    ) -> Result<(), ApiError> {
        let path = path_of_field(app, place)?;
        let url = format!("data:{};base64,{}", file.content_type, STANDARD.encode(&file.content));
        let body = api::json(&json!({ VALUE: url }))?;
        let operation = Operation::RowndFileWrite;
        let request = AppRequest { operation, app, path: &path, body, timeout };
        match self.send_as_app(request, |answer| written(place.user, answer)).await {
            Err(ApiError::Rejected(why)) if is_about_field(&why) => Err(ApiError::Rejected(why)),
            answer => answer.map_err(ApiError::of_user),
        }
    }
}

fn path_of_field(app: AppCredentials<'_>, place: FieldOfUser<'_>) -> Result<String, ApiError> {
    path_of(app, place.user, &format!("data/fields/{}", segment(place.field)?))
}

/// Whether a 404 says that there is no such field, and not that there is no such user.
fn is_about_field(why: &Rejection) -> bool {
    let code = why.code.as_deref().map(str::to_ascii_uppercase);
    why.status == 404 && code.is_some_and(|code| code.contains("FIELD"))
}

/// The answer to a write: the profile of the user, or any that says that it was done.
fn written(user: &str, answer: &HttpAnswer) -> Result<(), ApiError> {
    done(answer)?;
    match read_profile_of(user, &answer.body) {
        Err(ApiError::OtherUser) => Err(ApiError::OtherUser),
        _ => Ok(()),
    }
}

/// The content of the field. JSON with the one member `value` is the field's value; every other body
/// is the file itself, which may be a JSON document.
fn content_of(answer: &HttpAnswer) -> Result<FieldContent, ApiError> {
    let content_type = answer.header("content-type").unwrap_or(UNKNOWN_TYPE);
    let is_json = content_type.to_ascii_lowercase().starts_with("application/json");
    let wrapped = is_json.then(|| serde_json::from_slice::<Map<String, Value>>(&answer.body));
    match wrapped {
        Some(Ok(mut map)) if map.len() == 1 && map.contains_key(VALUE) => {
            Ok(content_of_value(map.remove(VALUE)))
        }
        _ if answer.body.is_empty() => Ok(FieldContent::Nothing),
        _ => Ok(FieldContent::File(UserFile {
            content_type: content_type.to_owned(),
            content: answer.body.clone(),
        })),
    }
}

fn content_of_value(value: Option<Value>) -> FieldContent {
    match value {
        None | Some(Value::Null) => FieldContent::Nothing,
        Some(Value::String(text)) if text.is_empty() => FieldContent::Nothing,
        Some(Value::String(text)) => {
            file_of_url(&text).map_or(FieldContent::NoFile, FieldContent::File)
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            FieldContent::NoFile
        }
    }
}

/// The file in a `data:` URL with base64.
fn file_of_url(url: &str) -> Option<UserFile> {
    let (kind, encoded) = url.strip_prefix("data:")?.split_once(";base64,")?;
    let content = STANDARD.decode(encoded).ok()?.into();
    let content_type = if kind.is_empty() { PLAIN } else { kind };
    Some(UserFile { content_type: content_type.to_owned(), content })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{FieldContent, UserFile, content_of_value};

    #[test]
    fn a_value_is_a_file_where_it_is_a_data_url() {
        let file = |kind: &str, content: &[u8]| {
            FieldContent::File(UserFile {
                content_type: kind.to_owned(),
                content: content.to_vec().into(),
            })
        };
        let value = |value: Value| content_of_value(Some(value));
        for (name, found, expected) in [
            ("no member", content_of_value(None), FieldContent::Nothing),
            ("null", value(json!(null)), FieldContent::Nothing),
            ("an empty text", value(json!("")), FieldContent::Nothing),
            ("a file", value(json!("data:image/png;base64,AAEC")), file("image/png", &[0, 1, 2])),
            ("an empty file", value(json!("data:image/png;base64,")), file("image/png", &[])),
            ("without a type", value(json!("data:;base64,YQ==")), file("text/plain", b"a")),
            ("bad base64", value(json!("data:image/png;base64,A")), FieldContent::NoFile),
            ("not base64", value(json!("data:text/plain,a")), FieldContent::NoFile),
            ("a web address", value(json!("https://cdn.test/a.png")), FieldContent::NoFile),
            ("a number", value(json!(1)), FieldContent::NoFile),
            ("an object", value(json!({ "value": "data:" })), FieldContent::NoFile),
        ] {
            assert!(found == expected, "{name}");
        }
    }
}
