//! `SignOutUser` and `DeleteUser` where the issuer is SuperTokens: in its core, and known to the next
//! check; and everything that SuperTokens has not.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    DeleteUserRequest, DisableUserRequest, EnableUserRequest, ListUsersRequest, MigrationGrant,
    SessionRefreshGrant, SignOutUserRequest, Tokens, VerifyRequest, exchange_request::Grant,
    verify_response::Outcome,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::json;
use tonic::{Code, Status};

use super::{Rig, keeper, rig_with};
use crate::it::rownd_auth::{assert_field, said};

/// The issuer of kind `supertokens`.
const SESSIONS: &str = "sessions";

/// With a core, which takes this key.
async fn rig(key: &str) -> Rig {
    rig_with(|settings| {
        let base = settings["issuers"][0]["base_url"].as_str().unwrap();
        let core = json!({ "base_url": format!("{base}/supertokens-core"), "api_key": key });
        settings["issuers"][1]["core"] = core;
    })
    .await
}

/// The key of the emulator's core.
const KEY: &str = "ras_shop";

async fn session(rig: &Rig, user: &str) -> Tokens {
    rig.tokens(Grant::Migration(MigrationGrant { token: rig.token(user) })).await
}

async fn denied(rig: &Rig, token: &str) -> Option<String> {
    let request = VerifyRequest { token: token.to_owned(), ..VerifyRequest::default() };
    match rig.stub().verify(request).await.unwrap().into_inner().outcome.unwrap() {
        Outcome::Identity(_) => None,
        Outcome::Denial(denial) => Some(denial.reason),
    }
}

fn sign_out(user: &str) -> SignOutUserRequest {
    let issuer = SESSIONS.to_owned();
    SignOutUserRequest { issuer, user_id: user.to_owned(), ..SignOutUserRequest::default() }
}

fn delete(user: &str) -> DeleteUserRequest {
    let issuer = SESSIONS.to_owned();
    DeleteUserRequest { issuer, user_id: user.to_owned(), ..DeleteUserRequest::default() }
}

async fn refreshed(rig: &Rig, session: &Tokens) -> bool {
    let refresh_token = session.refresh_token.clone().unwrap();
    let grant = Grant::SessionRefresh(SessionRefreshGrant { refresh_token });
    rig.exchange(grant).await.is_ok()
}

#[tokio::test]
async fn a_sign_out_ends_the_sessions_at_the_core_and_here() {
    let rig = rig(KEY).await;
    let (ann, other) = (session(&rig, "ann").await, session(&rig, "greg").await);
    assert_eq!(denied(&rig, &ann.access_token).await, None);
    let answer = keeper(&rig).sign_out_user(sign_out("ann")).await.unwrap().into_inner();
    assert!(answer.tokens_valid_since.is_some());
    assert_eq!(denied(&rig, &ann.access_token).await.as_deref(), Some("revoked"));
    assert!(!refreshed(&rig, &ann).await, "the core has ended the session");
    assert_eq!(denied(&rig, &rig.token("ann")).await, None, "her token of Rownd");
    assert_eq!(denied(&rig, &other.access_token).await, None, "another user");
    assert!(refreshed(&rig, &other).await, "another user");
    assert_eq!(rig.hits(Endpoint::SupertokensCore), 2, "asked for the user, and told");
    assert_eq!(rig.hits(Endpoint::SignOut), 0, "Rownd is not asked");
}

#[tokio::test]
async fn a_deleted_user_is_gone_at_the_core() {
    let rig = rig(KEY).await;
    let ann = session(&rig, "ann").await;
    let with_etag = DeleteUserRequest { etag: "W/\"x\"".to_owned(), ..delete("ann") };
    assert_field(keeper(&rig).delete_user(with_etag).await, "etag");
    assert_eq!(denied(&rig, &ann.access_token).await, None);
    keeper(&rig).delete_user(delete("ann")).await.unwrap();
    assert_eq!(denied(&rig, &ann.access_token).await.as_deref(), Some("revoked"));
    assert!(!refreshed(&rig, &ann).await);
    for user in ["ann", "nobody", "x&userId=greg", "\u{65e5}#?"] {
        said(keeper(&rig).delete_user(delete(user)).await).is(Code::NotFound, "USER_NOT_FOUND");
        let gladly = DeleteUserRequest { allow_missing: true, ..delete(user) };
        keeper(&rig).delete_user(gladly).await.unwrap();
        said(keeper(&rig).sign_out_user(sign_out(user)).await).is(Code::NotFound, "USER_NOT_FOUND");
    }
}

fn unsupported<T: std::fmt::Debug>(result: Result<T, Status>) {
    said(result).is(Code::Unimplemented, "ISSUER_UNSUPPORTED").tells("issuer", SESSIONS);
}

#[tokio::test]
async fn a_call_that_supertokens_has_not_says_so_and_sends_nothing() {
    let rig = rig(KEY).await;
    let (issuer, user_id) = (SESSIONS.to_owned(), "ann".to_owned());
    let request = DisableUserRequest { issuer, user_id, ..DisableUserRequest::default() };
    unsupported(keeper(&rig).disable_user(request).await);
    let (issuer, user_id) = (SESSIONS.to_owned(), "ann".to_owned());
    let request = EnableUserRequest { issuer, user_id, ..EnableUserRequest::default() };
    unsupported(keeper(&rig).enable_user(request).await);
    let request = ListUsersRequest { issuer: SESSIONS.to_owned(), ..ListUsersRequest::default() };
    unsupported(keeper(&rig).list_users(request).await);
    assert_eq!(rig.hits(Endpoint::SupertokensCore), 0);

    let without = super::rig().await;
    unsupported(keeper(&without).sign_out_user(sign_out("ann")).await);
    unsupported(keeper(&without).delete_user(delete("ann")).await);
}

#[tokio::test]
async fn a_core_that_refuses_the_key_or_fails_is_told() {
    let wrong = rig("another-key").await;
    said(keeper(&wrong).sign_out_user(sign_out("ann")).await)
        .is(Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED")
        .tells("upstream_status", "401");
    let rig = rig(KEY).await;
    let ann = session(&rig, "ann").await;
    let other = SignOutUserRequest { app_id: "app_blog".to_owned(), ..sign_out("ann") };
    assert_field(keeper(&rig).sign_out_user(other).await, "app_id");
    assert_eq!(denied(&rig, &ann.access_token).await, None);
    rig.controls.inject(Fault::garbage(Endpoint::SupertokensCore)).unwrap();
    let said_so = said(keeper(&rig).sign_out_user(sign_out("ann")).await);
    assert!(["ROWND_ANSWER_INVALID", "WRITE_OUTCOME_UNKNOWN"].contains(&said_so.reason.as_str()));
    rig.controls.clear_faults();
}
