//! Odd ids: an id that would ask for something else than one user is refused by every method that
//! takes one, and every other id is one user, whatever it is made of.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    CreateSignInLinkRequest, CreateUserRequest, DeleteUserRequest, DisableUserRequest,
    EnableUserRequest, GetUserFileRequest, SignOutUserRequest, UpdateUserFileRequest,
    UpdateUserRequest, User,
};
use serde_json::json;
use tonic::Status;

use super::{Rig, create, data, keeper, list, read, rig, user_of};
use crate::it::rownd_auth::assert_field;

/// Ids that lead to another path, are a word of the API, or are not text that is meant.
const REFUSED: [&str; 33] = [
    "",
    ".",
    "..",
    "%2e%2E",
    "%252e%25252e",
    "%%32%65.",
    "..;x",
    " .. ",
    "/",
    "ann/",
    "/ann",
    "ann/../bob",
    "ann%2f..%5Cbob",
    "a/b",
    "a\\b",
    "a%2fb",
    "a%255Cb",
    "__sample__",
    "__SAMPLE__",
    "__default__",
    "__uuid__",
    "__UUID__",
    "__objectid__",
    "__rowndid__",
    "__a word of tomorrow__",
    " __sample__",
    "%5f_sample_%255F",
    "__sample__;x",
    "ann\n",
    " ann",
    "ann%00",
    "ann\u{a0}",
    "a\tb",
];

/// Ids that are one user each.
const TAKEN: [&str; 15] = [
    "ann@example.com",
    "google-oauth2|1",
    "a b?c#d",
    "...",
    ".a",
    "a..b",
    "100%",
    "%zz",
    "\u{e9}",
    "e\u{301}",
    "\u{65e5}\u{672c}\u{1f600}",
    "__a",
    "_a_",
    "a;b&c=d",
    "'; drop table users; --",
];

/// Calls each method that takes an id of a user.
#[expect(clippy::too_many_lines, reason = "a table")]
async fn calls(rig: &Rig, id: &str) -> Vec<(&'static str, &'static str, Result<(), Status>)> {
    let user_id = || id.to_owned();
    let mut stub = keeper(rig);
    macro_rules! call {
        ($method:ident, $request:ident { $($field:ident: $value:expr),* $(,)? }) => {
            stub.$method($request { $($field: $value,)* ..$request::default() }).await.map(|_| ())
        };
    }
    let file = || vec![1u8].into();
    vec![
        ("DeleteUser", "user_id", call!(delete_user, DeleteUserRequest { user_id: user_id() })),
        ("EnableUser", "user_id", call!(enable_user, EnableUserRequest { user_id: user_id() })),
        ("DisableUser", "user_id", call!(disable_user, DisableUserRequest { user_id: user_id() })),
        ("SignOutUser", "user_id", call!(sign_out_user, SignOutUserRequest { user_id: user_id() })),
        (
            "UpdateUser",
            "user.id",
            call!(
                update_user,
                UpdateUserRequest {
                    user: user_of(json!({ "plan": "x" }))
                        .map(|user| User { id: user_id(), ..user }),
                    allow_missing: true,
                }
            ),
        ),
        (
            "GetUserFile",
            "user_id",
            call!(
                get_user_file,
                GetUserFileRequest { user_id: user_id(), field: "picture".to_owned() }
            ),
        ),
        (
            "UpdateUserFile",
            "user_id",
            call!(
                update_user_file,
                UpdateUserFileRequest {
                    user_id: user_id(),
                    field: "picture".to_owned(),
                    content: file(),
                    content_type: "image/png".to_owned(),
                }
            ),
        ),
        ("CreateUser", "user_id", call!(create_user, CreateUserRequest { user_id: user_id() })),
        (
            "CreateSignInLink",
            "user_id",
            call!(
                create_sign_in_link,
                CreateSignInLinkRequest {
                    user_id: user_id(),
                    redirect_url: "https://shop.test/".to_owned(),
                }
            ),
        ),
    ]
}

#[tokio::test]
async fn an_id_that_asks_for_something_else_is_refused_by_every_method() {
    let rig = rig().await;
    let long = "x".repeat(513);
    for id in REFUSED.into_iter().chain([long.as_str()]) {
        for (method, field, answer) in calls(&rig, id).await {
            // No id at all: a new user is made, and a link needs one or an address.
            if id.is_empty() && method == "CreateUser" {
                answer.unwrap();
                continue;
            }
            println!("{method} {id:?}");
            assert_field(answer, field);
        }
    }
    assert_eq!(rig.hits(rownd_emulator::Endpoint::UserData), 1, "the one user without an id");
    assert_eq!(rig.hits(rownd_emulator::Endpoint::SignOut), 0);
}

#[tokio::test]
async fn every_other_id_is_one_user() {
    let rig = rig().await;
    let plan = |id: &str| format!("of {id}");
    for id in TAKEN {
        create(&rig, id, json!({ "plan": plan(id) })).await;
    }
    for id in TAKEN {
        let user = read(&rig, id).await.unwrap();
        assert_eq!((user.id.as_str(), data(&user, "plan")), (id, Some(plan(id))), "{id:?}");
        let request = rownd_authz::grpc::pb::rownd::auth::v1::ListUsersRequest {
            user_ids: vec![id.to_owned()],
            ..Default::default()
        };
        assert_eq!(super::ids(&list(&rig, request).await.unwrap()), [id], "{id:?}");
        let request = SignOutUserRequest { user_id: id.to_owned(), ..Default::default() };
        keeper(&rig).sign_out_user(request).await.unwrap_or_else(|why| panic!("{id:?}: {why:?}"));
        let request = DeleteUserRequest { user_id: id.to_owned(), ..Default::default() };
        keeper(&rig).delete_user(request).await.unwrap_or_else(|why| panic!("{id:?}: {why:?}"));
    }
}
