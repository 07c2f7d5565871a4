//! The callers that may call each method, for which apps and issuers.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    BatchDeleteUsersRequest, BatchUpsertUsersRequest, CreateSignInLinkRequest, CreateUserRequest,
    DeleteUserRequest, DisableUserRequest, EnableUserRequest, GetUserFileRequest, ListUsersRequest,
    SignOutUserRequest, UpdateUserFileRequest, UpdateUserRequest,
    user_service_client::UserServiceClient,
};
use serde_json::json;
use tonic::{Code, Status};

use super::{Stub, keeper, rig, rig_with, stub};
use crate::it::rownd_auth::{ADMIN, APP, BLOG, Rig, said};

/// Each method, and the right it takes.
pub(super) const METHODS: [(&str, &str); 12] = [
    ("ListUsers", "read_users"),
    ("CreateUser", "write_users"),
    ("UpdateUser", "write_users"),
    ("DeleteUser", "delete_users"),
    ("EnableUser", "write_users"),
    ("DisableUser", "write_users"),
    ("SignOutUser", "sign_out_users"),
    ("BatchUpsertUsers", "write_users"),
    ("BatchDeleteUsers", "delete_users"),
    ("GetUserFile", "read_users"),
    ("UpdateUserFile", "write_users"),
    ("CreateSignInLink", "create_sign_in_links"),
];
/// A right for each method that is not one of `UserService`.
const OTHERS: [&str; 5] = ["verify", "get_own_user", "get_user", "exchange", "create_guest"];

/// Sends an empty message for this issuer and app: it is refused for its content where the caller is
/// not.
pub(super) async fn call(
    stub: &mut Stub,
    method: &str,
    (issuer, app_id): (&str, &str),
) -> Result<(), Status> {
    macro_rules! send {
        ($method:ident, $request:ident) => {
            stub.$method($request {
                issuer: issuer.to_owned(),
                app_id: app_id.to_owned(),
                ..$request::default()
            })
            .await
            .map(|_| ())
        };
    }
    match method {
        "ListUsers" => send!(list_users, ListUsersRequest),
        "CreateUser" => send!(create_user, CreateUserRequest),
        "UpdateUser" => send!(update_user, UpdateUserRequest),
        "DeleteUser" => send!(delete_user, DeleteUserRequest),
        "EnableUser" => send!(enable_user, EnableUserRequest),
        "DisableUser" => send!(disable_user, DisableUserRequest),
        "SignOutUser" => send!(sign_out_user, SignOutUserRequest),
        "BatchUpsertUsers" => send!(batch_upsert_users, BatchUpsertUsersRequest),
        "BatchDeleteUsers" => send!(batch_delete_users, BatchDeleteUsersRequest),
        "GetUserFile" => send!(get_user_file, GetUserFileRequest),
        "UpdateUserFile" => send!(update_user_file, UpdateUserFileRequest),
        "CreateSignInLink" => send!(create_sign_in_link, CreateSignInLinkRequest),
        other => panic!("{other}"),
    }
}

fn is_refused(result: &Result<(), Status>) -> bool {
    result.as_ref().is_err_and(|status| status.code() == Code::PermissionDenied)
}

#[tokio::test]
async fn nobody_may_do_anything_without_the_right() {
    let rig = rig().await;
    let mut local = UserServiceClient::new(rig.app.channel());
    let answer = local.list_users(ListUsersRequest::default()).await;
    said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    let answer = local.sign_out_user(SignOutUserRequest::default()).await;
    said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    for (method, _) in METHODS {
        let mut admin = stub(&rig, ADMIN);
        let answer = call(&mut admin, method, ("", "")).await;
        said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
        let mut unknown = stub(&rig, "a-secret-that-nobody-has");
        let answer = call(&mut unknown, method, ("", "")).await;
        said(answer).is(Code::PermissionDenied, "CALLER_UNKNOWN");
    }
}

/// Each right alone, with every other right of the service taken away.
#[tokio::test]
async fn each_right_allows_its_own_methods() {
    let rights: std::collections::BTreeSet<&str> =
        METHODS.iter().map(|(_, right)| *right).collect();
    let rig = rig_with(|settings| {
        let callers = settings["rownd_auth"]["callers"].as_array_mut().unwrap();
        for right in &rights {
            let allow: Vec<&str> = OTHERS.iter().chain([right]).copied().collect();
            let secret = format!("the-secret-of-{right}");
            callers.push(json!({ "name": right, "secret": secret, "allow": allow }));
        }
    })
    .await;
    for right in rights {
        for (method, needed) in METHODS {
            let mut stub = stub(&rig, &format!("the-secret-of-{right}"));
            let refused = is_refused(&call(&mut stub, method, ("", "")).await);
            assert_eq!(refused, right != needed, "{method} by {right}");
        }
    }
}

/// A caller who is bound to one app may do nothing with another, and is told nothing about it.
#[tokio::test]
async fn a_caller_stays_within_its_apps_and_issuers() {
    let rig = rig_with(|settings| {
        settings["issuers"][0]["apps"] = json!([
            { "id": APP, "key": "key_shop", "secret": "ras_shop" },
            { "id": BLOG, "key": "key_blog", "secret": "ras_blog" },
        ]);
        let callers = settings["rownd_auth"]["callers"].as_array_mut().unwrap();
        for (name, bound) in [
            ("blogger", json!({ "apps": [BLOG] })),
            ("elsewhere", json!({ "issuers": ["sessions"] })),
        ] {
            let mut caller = json!({ "name": name, "secret": format!("the-secret-of-{name}"),
                                     "allow": super::RIGHTS });
            caller.as_object_mut().unwrap().extend(bound.as_object().cloned().unwrap());
            callers.push(caller);
        }
    })
    .await;
    let mut blogger = stub(&rig, "the-secret-of-blogger");
    let own = ListUsersRequest { app_id: BLOG.to_owned(), ..ListUsersRequest::default() };
    let page = blogger.list_users(own).await.unwrap().into_inner();
    assert_eq!(super::ids(&page), ["ann"], "of its app alone");
    let page = blogger.list_users(ListUsersRequest::default()).await.unwrap().into_inner();
    assert_eq!(super::ids(&page), ["ann"], "the only app within its bounds");
    for app in [APP, "app_unknown"] {
        let other = ListUsersRequest { app_id: app.to_owned(), ..ListUsersRequest::default() };
        said(blogger.list_users(other).await).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
        let request = SignOutUserRequest {
            app_id: app.to_owned(),
            user_id: "ann".to_owned(),
            ..SignOutUserRequest::default()
        };
        said(blogger.sign_out_user(request).await).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    }
    let mut elsewhere = stub(&rig, "the-secret-of-elsewhere");
    let answer = elsewhere.list_users(ListUsersRequest::default()).await;
    said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    // Several apps, and none is named.
    let answer = keeper(&rig).list_users(ListUsersRequest::default()).await;
    crate::it::rownd_auth::assert_field(answer, "app_id");
}

/// An issuer whose API has no users to administer, by its name or because it is the only one.
#[tokio::test]
async fn an_issuer_without_such_an_api_is_named() {
    let rig = rig().await;
    for issuer in ["sessions", "provider"] {
        let request = ListUsersRequest { issuer: issuer.to_owned(), ..ListUsersRequest::default() };
        said(keeper(&rig).list_users(request).await)
            .is(Code::Unimplemented, "ISSUER_UNSUPPORTED")
            .tells("issuer", issuer);
    }
    let unknown = ListUsersRequest { issuer: "no".to_owned(), ..ListUsersRequest::default() };
    crate::it::rownd_auth::assert_field(keeper(&rig).list_users(unknown).await, "issuer");
    let rig = rig_with(|settings| {
        let issuers = settings["issuers"].as_array_mut().unwrap();
        issuers.remove(0);
    })
    .await;
    let answer = keeper(&rig).list_users(ListUsersRequest::default()).await;
    said(answer)
        .is(Code::Unimplemented, "ISSUER_UNSUPPORTED")
        .tells("issuer", "sessions, provider");
}

#[tokio::test]
async fn an_app_without_a_secret_has_no_users_to_administer() {
    let rig: Rig = rig_with(|settings| {
        settings["issuers"][0]["apps"] = json!([{ "id": APP, "key": "key_shop" }]);
    })
    .await;
    let answer = keeper(&rig).list_users(ListUsersRequest::default()).await;
    said(answer).is(Code::FailedPrecondition, "APP_SECRET_MISSING");
}
