//! `DeleteUser`, `EnableUser`, `DisableUser`, `SignOutUser`: at Rownd, and known to the next check.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rownd_authz::grpc::pb::rownd::auth::v1::{
    DeleteUserRequest, DisableUserRequest, EnableUserRequest, SignOutUserRequest, UserState,
    VerifyRequest, verify_response::Outcome,
};
use rownd_emulator::{Endpoint, Fault, TokenOrder};
use serde_json::{Value, json};
use tonic::Code;

use super::{Rig, create, keeper, read, rig, rig_with};
use crate::{
    it::rownd_auth::{APP, APP_KEY, APP_SECRET, BLOG, said},
    support::http,
};

/// The reason why this token is denied; `None`: it is taken.
async fn denied(rig: &Rig, token: &str) -> Option<String> {
    let request = VerifyRequest { token: token.to_owned(), ..VerifyRequest::default() };
    match rig.stub().verify(request).await.unwrap().into_inner().outcome.unwrap() {
        Outcome::Identity(_) => None,
        Outcome::Denial(denial) => Some(denial.reason),
    }
}

fn sign_out(user_id: &str) -> SignOutUserRequest {
    SignOutUserRequest { user_id: user_id.to_owned(), ..SignOutUserRequest::default() }
}

fn disable(user_id: &str) -> DisableUserRequest {
    DisableUserRequest { user_id: user_id.to_owned(), ..DisableUserRequest::default() }
}

fn delete(user_id: &str) -> DeleteUserRequest {
    DeleteUserRequest { user_id: user_id.to_owned(), ..DeleteUserRequest::default() }
}

#[tokio::test]
async fn a_sign_out_is_known_to_the_next_check() {
    let rig = rig().await;
    let (ann, greg) = (rig.token("ann"), rig.token("greg"));
    assert_eq!(denied(&rig, &ann).await, None);
    read(&rig, "ann").await.unwrap();
    let answer = keeper(&rig).sign_out_user(sign_out("ann")).await.unwrap().into_inner();
    assert_eq!(denied(&rig, &ann).await.as_deref(), Some("revoked"));
    assert_eq!(denied(&rig, &greg).await, None, "another user");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let since = u64::try_from(answer.tokens_valid_since.unwrap().seconds).unwrap();
    assert!(since <= now + 1 && since + 60 > now, "{since} {now}");
    // At Rownd as well: the profile that is read now has the time of it.
    assert_eq!(rig.hits(Endpoint::SignOut), 1);
    assert!(read(&rig, "ann").await.unwrap().tokens_valid_since.is_some());
    // A token of a later sign-in is taken.
    let later = rig.mint(&Rig::order("ann").issued(5));
    assert_eq!(denied(&rig, &later).await, None);
    said(keeper(&rig).sign_out_user(sign_out("nobody")).await).is(Code::NotFound, "USER_NOT_FOUND");
}

#[tokio::test]
async fn a_disabled_user_has_no_valid_token() {
    let rig = rig().await;
    let token = rig.token("ann");
    read(&rig, "ann").await.unwrap();
    let user = keeper(&rig).disable_user(disable("ann")).await.unwrap().into_inner().user.unwrap();
    assert_eq!((user.id.as_str(), user.state()), ("ann", UserState::Disabled));
    assert_eq!(denied(&rig, &token).await.as_deref(), Some("revoked"));
    let before = rig.hits(Endpoint::UserData);
    assert_eq!(read(&rig, "ann").await.unwrap().state(), UserState::Disabled);
    assert_eq!(rig.hits(Endpoint::UserData), before, "the answer is the cached profile");
    let request = EnableUserRequest { user_id: "ann".to_owned(), ..EnableUserRequest::default() };
    let user = keeper(&rig).enable_user(request).await.unwrap().into_inner().user.unwrap();
    assert_eq!(user.state(), UserState::Enabled);
    assert_eq!(read(&rig, "ann").await.unwrap().state(), UserState::Enabled);
    assert_eq!(denied(&rig, &token).await.as_deref(), Some("revoked"), "the old one stays dead");
    assert_eq!(denied(&rig, &rig.mint(&Rig::order("ann").issued(5))).await, None);
    for id in ["nobody", "\u{65e5}"] {
        said(keeper(&rig).disable_user(disable(id)).await).is(Code::NotFound, "USER_NOT_FOUND");
        let request = EnableUserRequest { user_id: id.to_owned(), ..EnableUserRequest::default() };
        said(keeper(&rig).enable_user(request).await).is(Code::NotFound, "USER_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_deleted_user_is_gone_for_the_next_check() {
    let rig = rig().await;
    let token = rig.token("ann");
    let etag = read(&rig, "ann").await.unwrap().etag;
    let stale = DeleteUserRequest { etag: "W/\"other\"".to_owned(), ..delete("ann") };
    said(keeper(&rig).delete_user(stale).await).is(Code::Aborted, "ETAG_MISMATCH");
    assert_eq!(denied(&rig, &token).await, None);
    keeper(&rig).delete_user(DeleteUserRequest { etag, ..delete("ann") }).await.unwrap();
    assert_eq!(denied(&rig, &token).await.as_deref(), Some("revoked"));
    said(read(&rig, "ann").await).is(Code::NotFound, "USER_NOT_FOUND");
    said(keeper(&rig).delete_user(delete("ann")).await).is(Code::NotFound, "USER_NOT_FOUND");
    let gladly = DeleteUserRequest { allow_missing: true, ..delete("ann") };
    keeper(&rig).delete_user(gladly.clone()).await.unwrap();
    let etag = "W/\"other\"".to_owned();
    keeper(&rig).delete_user(DeleteUserRequest { etag, ..gladly }).await.unwrap();
}

/// A user who is gone at Rownd, deleted by somebody else or by a call whose answer was lost: the tokens
/// end here as well.
#[tokio::test]
async fn the_tokens_of_a_user_who_is_gone_already_end_too() {
    for etag in ["", "W/\"other\""] {
        let rig = rig().await;
        let token = rig.token("ann");
        let headers = format!("x-rownd-app-key: {APP_KEY}\r\nx-rownd-app-secret: {APP_SECRET}\r\n");
        let line = format!("DELETE /applications/{APP}/users/ann/data");
        assert_eq!(http::request(rig.emulator, &line, &headers, "").await.status, 204);
        assert_eq!(denied(&rig, &token).await, None, "nothing has been told here yet");
        let request =
            DeleteUserRequest { allow_missing: true, etag: etag.to_owned(), ..delete("ann") };
        keeper(&rig).delete_user(request).await.unwrap();
        assert_eq!(denied(&rig, &token).await.as_deref(), Some("revoked"), "{etag}");
    }
}

/// The answer of Rownd is lost: nobody knows whether the user is signed out there, and the caller
/// wants the tokens to end.
#[tokio::test]
async fn tokens_end_here_even_where_the_outcome_at_rownd_is_unknown() {
    for (name, endpoint) in [
        ("SignOutUser", Endpoint::SignOut),
        ("DisableUser", Endpoint::UserState),
        ("DeleteUser", Endpoint::UserData),
    ] {
        let rig = rig().await;
        create(&rig, "bob", json!({})).await;
        let token = rig.token("bob");
        let call = async || match name {
            "SignOutUser" => keeper(&rig).sign_out_user(sign_out("bob")).await.map(|_| ()),
            "DisableUser" => keeper(&rig).disable_user(disable("bob")).await.map(|_| ()),
            _ => keeper(&rig).delete_user(delete("bob")).await.map(|_| ()),
        };
        // A refusal changes nothing.
        rig.controls.inject(Fault::status(endpoint, 402).times(1)).unwrap();
        said(call().await).is(Code::FailedPrecondition, "REQUEST_REFUSED");
        assert_eq!(denied(&rig, &token).await, None, "{name}");
        rig.controls.inject(Fault::status(endpoint, 503).after().times(1)).unwrap();
        let before = rig.hits(endpoint);
        said(call().await).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
        assert_eq!(rig.hits(endpoint), before + 1, "{name} is sent once");
        assert_eq!(denied(&rig, &token).await.as_deref(), Some("revoked"), "{name}");
    }
}

/// A page of a server in between, with status 200: nobody knows whether Rownd has heard of it.
#[tokio::test]
async fn an_answer_that_says_nothing_is_no_success() {
    let page = "<!doctype html><title>Sign in to the network</title>";
    for (name, endpoint) in [("SignOutUser", Endpoint::SignOut), ("DeleteUser", Endpoint::UserData)]
    {
        let rig = rig().await;
        let call = async |user: &str| match name {
            "SignOutUser" => keeper(&rig).sign_out_user(sign_out(user)).await.map(|_| ()),
            _ => keeper(&rig).delete_user(delete(user)).await.map(|_| ()),
        };
        for (number, fault) in [
            Fault::garbage(endpoint),
            Fault::body(endpoint, page),
            Fault::body(endpoint, r#"{"statusCode":502,"error":"Bad Gateway"}"#),
        ]
        .into_iter()
        .enumerate()
        {
            let user = format!("u{number}");
            create(&rig, &user, json!({})).await;
            let token = rig.token(&user);
            rig.controls.inject(fault.times(1)).unwrap();
            said(call(&user).await).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
            assert_eq!(denied(&rig, &token).await.as_deref(), Some("revoked"), "{name}");
            assert!(read(&rig, &user).await.is_ok(), "{name}: nothing was done");
        }
        // An answer as Rownd documents it, or one that says less.
        for (number, body) in ["", "{}", r#"{"ok":true}"#].into_iter().enumerate() {
            let user = format!("v{number}");
            create(&rig, &user, json!({})).await;
            rig.controls.inject(Fault::body(endpoint, body).after().times(1)).unwrap();
            call(&user).await.unwrap_or_else(|status| panic!("{name} {body:?}: {status:?}"));
        }
    }
}

/// A 404 of anybody but Rownd: the user is there still.
#[tokio::test]
async fn a_user_is_gone_only_where_rownd_says_so() {
    for body in ["", "<html><h1>404 Not Found</h1></html>", r#"{"path":"/x","error":"no route"}"#] {
        for (name, endpoint) in [
            ("DeleteUser", Endpoint::UserData),
            ("SignOutUser", Endpoint::SignOut),
            ("DisableUser", Endpoint::UserState),
        ] {
            let rig = rig().await;
            create(&rig, "zed", json!({})).await;
            let fault = Fault { status: Some(404), ..Fault::body(endpoint, body) };
            rig.controls.inject(fault.times(1)).unwrap();
            let gladly = DeleteUserRequest { allow_missing: true, ..delete("zed") };
            let answer = match name {
                "DeleteUser" => keeper(&rig).delete_user(gladly).await.map(drop),
                "SignOutUser" => keeper(&rig).sign_out_user(sign_out("zed")).await.map(drop),
                _ => keeper(&rig).disable_user(disable("zed")).await.map(drop),
            };
            said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
            assert!(read(&rig, "zed").await.is_ok(), "{name} {body:?}");
        }
    }
}

/// The answer shows the other state: the caller must not believe that the account is closed.
#[tokio::test]
async fn a_state_that_did_not_change_is_no_success() {
    let rig = rig().await;
    create(&rig, "bob", json!({})).await;
    let shown = |state: &str| {
        let profile = json!({ "data": { "user_id": "bob" }, "state": state });
        Fault::body(Endpoint::UserState, profile.to_string()).times(1)
    };
    let token = rig.token("bob");
    rig.controls.inject(shown("enabled")).unwrap();
    let answer = keeper(&rig).disable_user(disable("bob")).await;
    said(answer).is(Code::FailedPrecondition, "STATE_NOT_CHANGED");
    assert_eq!(denied(&rig, &token).await.as_deref(), Some("revoked"), "the tokens end here");
    let enable = || EnableUserRequest { user_id: "bob".to_owned(), ..Default::default() };
    rig.controls.inject(shown("disabled")).unwrap();
    let answer = keeper(&rig).enable_user(enable()).await;
    said(answer).is(Code::FailedPrecondition, "STATE_NOT_CHANGED");
    // An answer without a state: the user is read.
    let silent = json!({ "data": { "user_id": "bob" } }).to_string();
    for (after, reason) in [(true, None), (false, Some("STATE_NOT_CHANGED"))] {
        keeper(&rig).enable_user(enable()).await.unwrap();
        let fault = Fault::body(Endpoint::UserState, silent.as_str()).times(1);
        rig.controls.inject(if after { fault.after() } else { fault }).unwrap();
        let answer = keeper(&rig).disable_user(disable("bob")).await;
        match reason {
            None => {
                let user = answer.unwrap().into_inner().user.unwrap();
                assert_eq!(user.state(), UserState::Disabled);
            }
            Some(reason) => drop(said(answer).is(Code::FailedPrecondition, reason)),
        }
    }
    rig.controls.inject(Fault::body(Endpoint::UserState, silent).times(1)).unwrap();
    rig.controls.inject(Fault::status(Endpoint::UserData, 400)).unwrap();
    let answer = keeper(&rig).disable_user(disable("bob")).await;
    said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
}

/// Two users of one id, each of an app of its own.
#[tokio::test]
async fn a_user_of_another_app_stays_signed_in() {
    let rig = rig_with(|settings| {
        settings["issuers"][0]["apps"] = json!([
            { "id": APP, "key": "key_shop", "secret": "ras_shop" },
            { "id": BLOG, "key": "key_blog", "secret": "ras_blog" },
        ]);
    })
    .await;
    let of = |app: &str| TokenOrder { app: Some(app.to_owned()), ..TokenOrder::of("ann") };
    let (shop, blog) = (rig.mint(&of(APP)), rig.mint(&of(BLOG)));
    assert_eq!([denied(&rig, &shop).await, denied(&rig, &blog).await], [None, None]);
    let request = SignOutUserRequest { app_id: BLOG.to_owned(), ..sign_out("ann") };
    keeper(&rig).sign_out_user(request).await.unwrap();
    assert_eq!(denied(&rig, &blog).await.as_deref(), Some("revoked"));
    assert_eq!(denied(&rig, &shop).await, None, "another user");
    let request = DisableUserRequest { app_id: APP.to_owned(), ..disable("ann") };
    keeper(&rig).disable_user(request).await.unwrap();
    assert_eq!(denied(&rig, &shop).await.as_deref(), Some("revoked"));
}

#[tokio::test]
async fn a_full_list_of_revocations_says_so() {
    let rig = rig_with(|settings| settings["revocation"] = json!({ "max_entries": 1 })).await;
    keeper(&rig).sign_out_user(sign_out("greg")).await.unwrap();
    let answer = keeper(&rig).sign_out_user(sign_out("ann")).await;
    said(answer).is(Code::FailedPrecondition, "REVOCATIONS_FULL");
    assert_eq!(rig.hits(Endpoint::SignOut), 2, "it was signed out at Rownd");
    keeper(&rig).sign_out_user(sign_out("greg")).await.expect("an entry that is there already");
}

/// A caller who leaves does not stop a change, and a configuration that comes into force meanwhile
/// knows of it.
#[tokio::test]
async fn a_change_goes_on_without_its_caller() {
    let rig = rig().await;
    let token = rig.token("ann");
    rig.controls.inject(Fault::delay(Endpoint::SignOut, Duration::from_millis(300))).unwrap();
    let mut stub = keeper(&rig);
    let call = tokio::spawn(async move { stub.sign_out_user(sign_out("ann")).await });
    crate::support::until("the request at Rownd", || rig.hits(Endpoint::SignOut) == 1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let known = async || denied(&rig, &token).await.filter(|reason| reason == "revoked");
    crate::support::eventually("the end of the change", known).await;
    assert_eq!(rig.hits(Endpoint::SignOut), 1);
}

/// The profile is read with `max_age` zero only on request, so that a cached one would show.
#[tokio::test]
async fn an_answer_without_every_part_is_not_kept() {
    let rig = rig().await;
    let parts: [(&str, Value); 2] = [
        (
            "no groups",
            json!({ "state": "disabled", "data": { "user_id": "ann" }, "meta": { "created": "x" } }),
        ),
        ("no meta", json!({ "state": "disabled", "data": { "user_id": "ann" }, "groups": [] })),
    ];
    for (name, body) in parts {
        read(&rig, "ann").await.unwrap();
        let before = rig.hits(Endpoint::UserData);
        let fault = Fault::body(Endpoint::UserState, body.to_string()).times(1);
        rig.controls.inject(fault).unwrap();
        keeper(&rig).disable_user(disable("ann")).await.unwrap();
        assert_eq!(read(&rig, "ann").await.unwrap().memberships.len(), 1, "{name}");
        assert_eq!(rig.hits(Endpoint::UserData), before + 1, "{name}: Rownd is asked again");
    }
}
