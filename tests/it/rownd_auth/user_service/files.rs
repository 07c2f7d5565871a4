//! `GetUserFile` and `UpdateUserFile`: images and documents, and what is none.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    GetUserFileRequest, GetUserFileResponse, ImagePreview, UpdateUserFileRequest,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::json;
use tonic::{Code, Status};

use super::{Rig, create, keeper, rig};
use crate::it::rownd_auth::{assert_field, said};

/// The most bytes of a file.
const MAX: usize = 5_000_000;

fn file(field: &str, content: Vec<u8>) -> UpdateUserFileRequest {
    UpdateUserFileRequest {
        user_id: "ann".to_owned(),
        field: field.to_owned(),
        content: content.into(),
        content_type: "image/png".to_owned(),
        ..UpdateUserFileRequest::default()
    }
}

fn asked(user_id: &str, field: &str) -> GetUserFileRequest {
    GetUserFileRequest {
        user_id: user_id.to_owned(),
        field: field.to_owned(),
        ..GetUserFileRequest::default()
    }
}

async fn read(rig: &Rig, request: GetUserFileRequest) -> Result<GetUserFileResponse, Status> {
    let mut stub = keeper(rig).max_decoding_message_size(6 << 20);
    Ok(stub.get_user_file(request).await?.into_inner())
}

async fn write(rig: &Rig, request: UpdateUserFileRequest) -> Result<(), Status> {
    keeper(rig).update_user_file(request).await.map(|_| ())
}

#[tokio::test]
async fn a_file_comes_back_as_it_was() {
    let rig = rig().await;
    let all: Vec<u8> = (0..=255).collect();
    let largest: Vec<u8> = (0..MAX).map(|number| number.to_le_bytes()[0]).collect();
    for (field, content_type, content) in [
        ("picture", "image/png", all.clone()),
        ("contract", "application/pdf", b"%PDF-1.7".to_vec()),
        ("picture", "image/svg+xml", vec![0]),
        ("picture", "image/jpeg", largest),
    ] {
        let request = UpdateUserFileRequest {
            content_type: content_type.to_owned(),
            ..file(field, content.clone())
        };
        write(&rig, request).await.unwrap();
        let found = read(&rig, asked("ann", field)).await.unwrap();
        assert!(found.content == content, "{content_type}");
        assert_eq!(found.content_type, content_type);
    }
    for preview in [ImagePreview::Small, ImagePreview::Medium, ImagePreview::Large] {
        let request = GetUserFileRequest { preview: preview.into(), ..asked("ann", "picture") };
        assert_eq!(read(&rig, request).await.unwrap().content_type, "image/jpeg");
    }
    let odd = GetUserFileRequest { preview: 9, ..asked("ann", "picture") };
    assert_field(read(&rig, odd).await, "preview");
}

#[tokio::test]
async fn a_field_without_a_file_says_which_of_the_two_it_is() {
    let rig = rig().await;
    for field in ["picture", "contract", "no_such_field"] {
        said(read(&rig, asked("ann", field)).await).is(Code::NotFound, "FILE_NOT_FOUND");
    }
    create(&rig, "bob", json!({ "plan": "pro", "picture": "https://cdn.test/bob.png" })).await;
    for field in ["plan", "picture"] {
        said(read(&rig, asked("bob", field)).await).is(Code::FailedPrecondition, "NOT_A_FILE");
    }
    said(read(&rig, asked("nobody", "picture")).await).is(Code::NotFound, "USER_NOT_FOUND");
    let request =
        UpdateUserFileRequest { user_id: "nobody".to_owned(), ..file("picture", vec![1]) };
    said(write(&rig, request).await).is(Code::NotFound, "USER_NOT_FOUND");
    said(write(&rig, file("no_such_field", vec![1])).await).is(Code::NotFound, "FILE_NOT_FOUND");
    let answer = said(write(&rig, file("score", vec![1])).await);
    answer.is(Code::InvalidArgument, "USER_DATA_REFUSED");
}

#[tokio::test]
async fn a_write_whose_answer_says_nothing_is_no_success() {
    let rig = rig().await;
    for body in [
        r#"{"keys": [<<<"#,
        "<!doctype html>",
        r#"{"error":"E_DOWN"}"#,
        r#"{"data":{"user_id":"greg"},"state":"enabled"}"#,
    ] {
        rig.controls.inject(Fault::body(Endpoint::UserData, body).times(1)).unwrap();
        let answer = write(&rig, file("picture", vec![1, 2, 3])).await;
        said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
        said(read(&rig, asked("ann", "picture")).await).is(Code::NotFound, "FILE_NOT_FOUND");
    }
    for body in ["", "{}", r#"{"value":"data:image/png;base64,AQID"}"#] {
        let fault = Fault::body(Endpoint::UserData, body).after().times(1);
        rig.controls.inject(fault).unwrap();
        write(&rig, file("picture", vec![1, 2, 3])).await.unwrap();
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_refused() {
    let rig = rig().await;
    let typed = |content_type: &str| UpdateUserFileRequest {
        content_type: content_type.to_owned(),
        ..file("picture", vec![1])
    };
    for (name, request, at) in [
        ("nothing", file("picture", vec![]), "content"),
        ("one byte more", file("picture", vec![0; MAX + 1]), "content"),
        ("no type", typed(""), "content_type"),
        ("half a type", typed("image/"), "content_type"),
        ("a parameter", typed("image/png;base64,AAAA"), "content_type"),
        ("a header", typed("image/png\r\nx: y"), "content_type"),
        ("no field", file("", vec![1]), "field"),
        ("another path", file("..", vec![1]), "field"),
        ("two segments", file("a/b", vec![1]), "field"),
        ("an encoded slash", file("a%2fb", vec![1]), "field"),
        ("a query", file("a?preview=small", vec![1]), "field"),
        ("a word of Rownd's API", file("__uuid__", vec![1]), "field"),
    ] {
        println!("{name}");
        assert_field(write(&rig, request).await, at);
    }
    for field in ["", ".", "a/b", "%2e%2e", "a b", "a\0"] {
        assert_field(read(&rig, asked("ann", field)).await, "field");
    }
    let much = keeper(&rig).update_user_file(file("picture", vec![0; MAX + (64 << 10)])).await;
    assert_eq!(much.unwrap_err().code(), Code::ResourceExhausted, "more than the message may have");
    assert_eq!(rig.hits(Endpoint::UserData), 0, "nothing was sent");
}

#[tokio::test]
async fn a_file_that_is_too_large_at_rownd_is_not_handed_out() {
    let rig = rig().await;
    for bytes in [MAX + 1, 9 << 20] {
        rig.controls.inject(Fault::body(Endpoint::UserData, "x".repeat(bytes)).times(1)).unwrap();
        let answer = read(&rig, asked("ann", "picture")).await;
        said(answer).is(Code::FailedPrecondition, "FILE_TOO_LARGE");
    }
    // JSON with more than the one member is a document, and no value of a field.
    let body = r#"{"value":"x","more":1}"#;
    rig.controls.inject(Fault::body(Endpoint::UserData, body).times(1)).unwrap();
    let found = read(&rig, asked("ann", "contract")).await.unwrap();
    assert_eq!(
        (&found.content[..], found.content_type.as_str()),
        (body.as_bytes(), "application/json")
    );
}
