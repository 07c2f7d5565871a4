//! Users where the issuer is SuperTokens: read, changed, signed out and deleted in its core, and known
//! to the next check; and everything that SuperTokens has not.

use std::time::Duration;

use prost_types::FieldMask;
use rownd_authz::grpc::pb::rownd::auth::v1::{
    CreateUserRequest, DeleteUserRequest, DisableUserRequest, EnableUserRequest, GetUserRequest,
    ListUsersRequest, MigrationGrant, SessionRefreshGrant, SignOutUserRequest, Tokens,
    UpdateUserRequest, User, VerifyRequest, exchange_request::Grant, get_user_request::Subject,
    verify_response::Outcome,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::json;
use tonic::{Code, Status};

use super::{ADMIN, Rig, data, keeper, rig_with, structure, texts, user_of};
use crate::{
    it::rownd_auth::{assert_field, said},
    support::http::request,
};

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
    said(keeper(&rig).delete_user(with_etag).await).is(Code::Aborted, "ETAG_MISMATCH");
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
    let (issuer, user) = (SESSIONS.to_owned(), user_of(json!({ "plan": "pro" })));
    let request = CreateUserRequest { issuer, user, ..CreateUserRequest::default() };
    unsupported(keeper(&rig).create_user(request).await);
    assert_eq!(rig.hits(Endpoint::SupertokensCore), 0);

    let without = super::rig().await;
    unsupported(keeper(&without).sign_out_user(sign_out("ann")).await);
    unsupported(keeper(&without).delete_user(delete("ann")).await);
    unsupported(keeper(&without).update_user(update("ann", &json!({ "plan": "pro" }))).await);
    assert_field(by_id(&without, "ann").await, "issuer");
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
    // A page of a server in between says nothing about the key.
    for status in [400, 401, 403, 404] {
        for body in ["", "<h1>nginx", "Unauthorized"] {
            let fault = Fault::body(Endpoint::SupertokensCore, body);
            rig.controls.inject(Fault { status: Some(status), ..fault }).unwrap();
            let read = said(by_id(&rig, "ann").await);
            read.is(Code::Unavailable, "ROWND_UNAVAILABLE");
            let deleted = keeper(&rig).delete_user(delete("ann")).await;
            said(deleted).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
            rig.controls.clear_faults();
        }
    }
    // An answer about another user, from a cache on the way.
    let bob = json!({ "status": "OK", "user": { "id": "bob", "timeJoined": 1 } }).to_string();
    rig.controls.inject(Fault::body(Endpoint::SupertokensCore, bob).times(1)).unwrap();
    said(by_id(&rig, "ann").await).is(Code::Internal, "USER_MISMATCH");
}

fn update(user: &str, data: &serde_json::Value) -> UpdateUserRequest {
    let user = User { id: user.to_owned(), data: structure(data.clone()), ..User::default() };
    UpdateUserRequest { issuer: SESSIONS.to_owned(), user: Some(user), ..Default::default() }
}

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() })
}

/// The user in the core, as a backend reads it.
async fn by_id(rig: &Rig, user: &str) -> Result<User, Status> {
    let request = GetUserRequest {
        subject: Some(Subject::UserId(user.to_owned())),
        issuer: Some(SESSIONS.to_owned()),
        ..GetUserRequest::default()
    };
    Ok(rig.known(ADMIN).get_user(request).await?.into_inner().user.unwrap())
}

/// The user as the plugin shows it to a session.
async fn by_session(rig: &Rig, session: &Tokens) -> User {
    let subject = Some(Subject::Token(session.access_token.clone()));
    let request = GetUserRequest { subject, ..GetUserRequest::default() };
    rig.known(ADMIN).get_user(request).await.unwrap().into_inner().user.unwrap()
}

#[tokio::test]
async fn a_written_field_is_seen_by_backends_and_by_the_users_session() {
    let rig = rig(KEY).await;
    let session = session(&rig, "ann").await;
    let before = by_id(&rig, "ann").await.unwrap();
    assert_eq!(before.id, "ann");
    assert_eq!(data(&before, "email"), data(&by_session(&rig, &session).await, "email"));
    let fields = json!({ "plan": "pro", "first_name": "Änne\u{1f600}" });
    let answer = keeper(&rig).update_user(update("ann", &fields)).await.unwrap().into_inner();
    let user = answer.user.unwrap();
    for (name, seen) in [
        ("the answer", user.clone()),
        ("by id", by_id(&rig, "ann").await.unwrap()),
        ("by the session", by_session(&rig, &session).await),
    ] {
        assert_eq!(data(&seen, "plan").as_deref(), Some("pro"), "{name}");
        assert_eq!(data(&seen, "first_name").as_deref(), Some("Änne\u{1f600}"), "{name}");
        assert_eq!(data(&seen, "email"), data(&before, "email"), "{name}");
        assert_eq!(
            texts(seen.verified_data.as_ref()),
            texts(before.verified_data.as_ref()),
            "{name}"
        );
    }
    // A field in the mask that the request does not have is cleared.
    let clear = UpdateUserRequest {
        update_mask: mask(&["data.plan"]),
        ..update("ann", &json!({ "first_name": "is not in the mask" }))
    };
    keeper(&rig).update_user(clear).await.unwrap();
    for seen in [by_id(&rig, "ann").await.unwrap(), by_session(&rig, &session).await] {
        assert_eq!(data(&seen, "plan"), None);
        assert_eq!(data(&seen, "first_name").as_deref(), Some("Änne\u{1f600}"));
    }
    assert_eq!(rig.hits(Endpoint::UserData), 0, "Rownd is not asked");
    assert!(refreshed(&rig, &session).await, "the session goes on");
}

#[tokio::test]
async fn a_users_own_write_is_seen_by_backends() {
    let rig = rig(KEY).await;
    let session = session(&rig, "ann").await;
    keeper(&rig).update_user(update("ann", &json!({ "plan": "pro" }))).await.unwrap();
    let headers = format!(
        "content-type: application/json\r\nauthorization: Bearer {}\r\n",
        session.access_token
    );
    let line = "PUT /auth/plugin/rownd/user";
    let body = json!({ "data": { "plan": "team" } }).to_string();
    let answer = request(rig.emulator, line, &headers, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let seen = by_id(&rig, "ann").await.unwrap();
    assert_eq!(data(&seen, "plan").as_deref(), Some("team"));
}

#[tokio::test]
async fn an_etag_keeps_a_writer_from_undoing_the_work_of_another() {
    let rig = rig(KEY).await;
    let read = by_id(&rig, "ann").await.unwrap();
    let with = |etag: &str, plan: &str| {
        let mut request = update("ann", &json!({ "plan": plan }));
        request.user.as_mut().unwrap().etag = etag.to_owned();
        request
    };
    let written = keeper(&rig).update_user(with(&read.etag, "one")).await.unwrap().into_inner();
    let late = keeper(&rig).update_user(with(&read.etag, "two")).await;
    said(late).is(Code::Aborted, "ETAG_MISMATCH");
    let written = written.user.unwrap();
    assert_ne!(written.etag, read.etag);
    assert_eq!(by_id(&rig, "ann").await.unwrap().etag, written.etag);
    keeper(&rig).update_user(with(&written.etag, "three")).await.unwrap();
    let gone = DeleteUserRequest { etag: written.etag, ..delete("ann") };
    said(keeper(&rig).delete_user(gone).await).is(Code::Aborted, "ETAG_MISMATCH");
}

#[tokio::test]
async fn what_no_backend_can_write_there_is_refused_before_anything_is_sent() {
    let rig = rig(KEY).await;
    let plan = || update("ann", &json!({ "plan": "pro" }));
    let with_attributes = {
        let mut request = plan();
        request.user.as_mut().unwrap().attributes = structure(json!({ "shop:tags": ["vip"] }));
        request
    };
    for (name, request, field) in [
        ("an address", update("ann", &json!({ "email": "a@b.test" })), "user.data"),
        ("a phone", update("ann", &json!({ "plan": 1, "phone_number": "+1" })), "user.data"),
        ("an account", update("ann", &json!({ "google_id": "1" })), "user.data"),
        ("the import", update("ann", &json!({ "original_rownd_user": {} })), "user.data"),
        ("the plugin's", update("ann", &json!({ "rownd_migration_complete": true })), "user.data"),
        ("SuperTokens' own", update("ann", &json!({ "_supertokens": {} })), "user.data"),
        (
            "clearing an address",
            UpdateUserRequest { update_mask: mask(&["data.email"]), ..plan() },
            "user.data",
        ),
        ("attributes", with_attributes, "user.attributes"),
        (
            "clearing an attribute",
            UpdateUserRequest { update_mask: mask(&["attributes.a:b"]), ..plan() },
            "user.attributes",
        ),
        ("a new user", UpdateUserRequest { allow_missing: true, ..plan() }, "allow_missing"),
        (
            "integrations",
            UpdateUserRequest { write_to_integrations: true, ..plan() },
            "write_to_integrations",
        ),
        ("an app", UpdateUserRequest { app_id: "app_blog".to_owned(), ..plan() }, "app_id"),
        ("all", UpdateUserRequest { update_mask: mask(&["*"]), ..plan() }, "update_mask"),
        ("nothing", update("ann", &json!({})), "user"),
    ] {
        let said = said(keeper(&rig).update_user(request).await);
        assert_eq!(said.reason, "BAD_REQUEST", "{name}");
        assert_eq!(said.field.as_deref(), Some(field), "{name}");
    }
    assert_eq!(rig.hits(Endpoint::SupertokensCore), 0);
}

#[tokio::test]
async fn ids_are_one_value_of_a_query_whatever_they_hold() {
    let rig = rig(KEY).await;
    for user in ["nobody", "x&userId=ann", "ann#", "ann?x=1", "\u{65e5}\u{672c}", "a+b", "%61nn"] {
        said(by_id(&rig, user).await).is(Code::NotFound, "USER_NOT_FOUND");
        let request = update(user, &json!({ "plan": "team" }));
        said(keeper(&rig).update_user(request).await).is(Code::NotFound, "USER_NOT_FOUND");
    }
    assert_eq!(data(&by_id(&rig, "ann").await.unwrap(), "plan").as_deref(), Some("pro"));
}

#[tokio::test]
async fn a_core_that_fails_at_a_write_leaves_the_outcome_open() {
    let rig = rig(KEY).await;
    let wrong = self::rig("another-key").await;
    said(by_id(&wrong, "ann").await).is(Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED");
    let request = update("ann", &json!({ "plan": "pro" }));
    said(keeper(&wrong).update_user(request.clone()).await)
        .is(Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED");
    // Three answers about the user come; the one to the write is lost.
    let core = Endpoint::SupertokensCore;
    rig.controls.inject(Fault::delay(core, Duration::ZERO).times(3)).unwrap();
    rig.controls.inject(Fault::garbage(core).after()).unwrap();
    said(keeper(&rig).update_user(request).await).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
    rig.controls.clear_faults();
    assert_eq!(data(&by_id(&rig, "ann").await.unwrap(), "plan").as_deref(), Some("pro"));
}

#[tokio::test]
async fn a_caller_without_the_right_changes_and_reads_nothing() {
    let rig = rig(KEY).await;
    let request = update("ann", &json!({ "plan": "pro" }));
    let reader = super::stub(&rig, ADMIN).update_user(request).await;
    said(reader).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    let asked = GetUserRequest {
        subject: Some(Subject::UserId("ann".to_owned())),
        issuer: Some(SESSIONS.to_owned()),
        ..GetUserRequest::default()
    };
    said(rig.known(super::KEEPER).get_user(asked).await)
        .is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
    assert_eq!(rig.hits(Endpoint::SupertokensCore), 0);
}
