//! `GetUserFile` and `UpdateUserFile`: fields of a profile that are images or documents.

use std::sync::Arc;

use tonic::Status;

use super::{
    change::UserChange,
    target::{UsersOfApp, change_fault, read_fault},
    told::UserChanged,
};
use crate::{
    authz::Authorizer,
    config::Right,
    grpc::{
        pb::rownd::auth::v1::{
            GetUserFileRequest, GetUserFileResponse, ImagePreview, UpdateUserFileRequest,
            UpdateUserFileResponse,
        },
        rownd_auth::{
            call::ServiceCall, fault::Fault, reason::ErrorReason, text_fields::user_id,
            writes::Write,
        },
    },
    issuer_api::{
        ApiError, Rejection,
        administration::users::{FieldContent, FieldOfUser, PreviewSize, UserFile},
        user_id_problem,
    },
};

/// The most bytes of a file.
const MAX_FILE: usize = 5_000_000;
/// The longest name of a field, and the longest content type, in bytes.
const MAX_FIELD: usize = 128;
const MAX_TYPE: usize = 127;

/// Reads a file.
///
/// # Errors
///
/// Fails where there is no such user or file, where the field is no file, where it is too large, and
/// where the issuer gives no usable answer.
pub(super) async fn get_user_file(
    call: &ServiceCall,
    request: GetUserFileRequest,
) -> Result<GetUserFileResponse, Fault> {
    user_id("user_id", &request.user_id)?;
    check_field(&request.field)?;
    let preview = match ImagePreview::try_from(request.preview) {
        Ok(ImagePreview::Unspecified) => None,
        Ok(ImagePreview::Small) => Some(PreviewSize::Small),
        Ok(ImagePreview::Medium) => Some(PreviewSize::Medium),
        Ok(ImagePreview::Large) => Some(PreviewSize::Large),
        Err(_) => return Err(Fault::field("preview", "is not a size of a preview")),
    };
    let of = UsersOfApp::of(call, Right::ReadUsers, &request.issuer, &request.app_id)?;
    let place = FieldOfUser { user: &request.user_id, field: &request.field };
    let found = of.api.file(of.credentials(), place, preview, of.timeout).await;
    match found {
        Err(error) if error.is_too_large() => Err(TOO_LARGE),
        Err(error) => Err(read_fault(error)),
        Ok(FieldContent::Nothing) => Err(Fault::Unsupported(
            ErrorReason::FileNotFound,
            "the field has no file, or there is no such field",
        )),
        Ok(FieldContent::NoFile) => Err(Fault::Unsupported(
            ErrorReason::NotAFile,
            "the field has a value that is not a file: read it by GetUser",
        )),
        Ok(FieldContent::File(file)) if file.content.len() > MAX_FILE => Err(TOO_LARGE),
        Ok(FieldContent::File(UserFile { content_type, content })) => {
            Ok(GetUserFileResponse { content, content_type })
        }
    }
}

const TOO_LARGE: Fault = Fault::Unsupported(
    ErrorReason::FileTooLarge,
    "the file has more than 5 000 000 bytes: ask for a preview, if it is an image",
);

/// Writes a file.
///
/// # Errors
///
/// Fails for a file or a type that cannot be written, where there is no such user, and where the
/// issuer refuses it or gives no usable answer.
pub(super) async fn update_user_file(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: UpdateUserFileRequest,
) -> Result<UpdateUserFileResponse, Status> {
    user_id("user_id", &request.user_id)?;
    check_field(&request.field)?;
    check_type(&request.content_type)?;
    match request.content.len() {
        0 => return Err(Fault::field("content", "is empty").into()),
        bytes if bytes > MAX_FILE => {
            let why = format!("has more than {MAX_FILE} bytes");
            return Err(Fault::field("content", why).into());
        }
        _ => {}
    }
    let of = UsersOfApp::of(call, Right::WriteUsers, &request.issuer, &request.app_id)?;
    let (authorizer, id, field) =
        (authorizer.clone(), request.user_id.clone(), request.field.clone());
    let file =
        UserFile { content_type: request.content_type.clone(), content: request.content.clone() };
    let asked = Write {
        method: "UpdateUserFile",
        subject: format!("user {id}, field {field}"),
        request_id: "",
        request: &request,
    };
    call.write(asked, async move {
        // The answer may hold the file, so that it is not kept as the profile.
        let _change = UserChange::begin(&authorizer, &of, &id);
        let place = FieldOfUser { user: &id, field: &field };
        let written = of.api.write_file(of.credentials(), place, &file, of.timeout).await;
        written.map_err(|error| match error {
            // A 404 about the user is another error.
            ApiError::Rejected(Rejection { status: 404, .. }) => {
                Fault::Unsupported(ErrorReason::FileNotFound, "there is no such field")
            }
            other => change_fault(other),
        })?;
        of.tell(&authorizer, &id, UserChanged::File);
        Ok(UpdateUserFileResponse {})
    })
    .await
}

/// Checks the name of a field, which becomes a segment of a path.
fn check_field(field: &str) -> Result<(), Fault> {
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    let is_name = !field.is_empty() && field.len() <= MAX_FIELD && field.chars().all(plain);
    if is_name && user_id_problem(field).is_none() {
        return Ok(());
    }
    let why = format!(
        "is not the name of a field: 1 to {MAX_FIELD} letters, digits, `_` and `-`, and no word of \
         Rownd's API such as `__uuid__`"
    );
    Err(Fault::field("field", why))
}

/// Checks a content type (RFC 9110 section 8.3.1), which has no parameters here.
fn check_type(content_type: &str) -> Result<(), Fault> {
    let is_token = |text: &str| {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        !text.is_empty() && text.bytes().all(letter)
    };
    let good = content_type.len() <= MAX_TYPE
        && content_type.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub));
    if good {
        return Ok(());
    }
    Err(Fault::field("content_type", "is not a content type without parameters, as image/png"))
}

#[cfg(test)]
mod tests {
    use super::{check_field, check_type};

    #[test]
    fn a_field_is_a_plain_name() {
        let (long, longer) = ("x".repeat(128), "x".repeat(129));
        for (field, good) in [
            ("picture", true),
            ("id_card-2", true),
            ("bild_\u{e4}", true),
            (&long, true),
            (&longer, false),
            ("", false),
            (".", false),
            ("..", false),
            ("a/b", false),
            ("a%2fb", false),
            ("a?b", false),
            ("a b", false),
            ("a\0", false),
        ] {
            assert_eq!(check_field(field).is_ok(), good, "{field:?}");
        }
    }

    #[test]
    fn a_content_type_has_two_parts_and_no_parameters() {
        for (content_type, good) in [
            ("image/png", true),
            ("image/svg+xml", true),
            ("application/vnd.ms-excel", true),
            ("", false),
            ("image", false),
            ("image/", false),
            ("/png", false),
            ("image/png; charset=x", false),
            ("image/png;base64,AAAA", false),
            ("image/png,", false),
            ("image/p ng", false),
            ("image/png\r\nx: y", false),
            ("a/b/c", false),
        ] {
            assert_eq!(check_type(content_type).is_ok(), good, "{content_type:?}");
        }
    }
}
