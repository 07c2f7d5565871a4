//! A Rownd that fails, also half way: the codes, how often a request is sent, and callers with a short deadline.

use std::time::Duration;

use rownd_authz::grpc::pb::rownd::auth::v1::{
    CreateUserRequest, ListUsersRequest, UpdateUserRequest, User,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::{Value, json};
use tonic::{Code, Request};

use super::{Rig, create, data, keeper, list, read, rig, user_of};
use crate::{
    it::rownd_auth::{assert_field, said},
    support::{eventually, page, until},
};

fn update(id: &str, plan: &str) -> UpdateUserRequest {
    let user = user_of(json!({ "plan": plan })).map(|user| User { id: id.to_owned(), ..user });
    UpdateUserRequest { user, ..UpdateUserRequest::default() }
}

async fn write(rig: &Rig, plan: &str) -> Result<(), tonic::Status> {
    keeper(rig).update_user(update("bob", plan)).await.map(|_| ())
}

/// The page of a server in between.
fn page_of(status: u16) -> Fault {
    let fault = Fault::body(Endpoint::UserData, "<html><h1>nginx</h1></html>");
    Fault { status: Some(status), ..fault }
}

/// The question before a new user meets a bad server: nobody knows whether the user exists, so that
/// nothing is written over one who does. The same for a user who is created by an update.
#[tokio::test]
async fn a_user_who_exists_is_not_overwritten_where_the_question_is_not_answered() {
    let rig = rig().await;
    create(&rig, "bob", json!({ "plan": "gold" })).await;
    for status in [400, 401, 403, 404, 410] {
        for body in ["", "<html>nginx</html>", r#"{"error":"no route"}"#] {
            let fault = Fault::body(Endpoint::UserData, body);
            let fault = Fault { status: Some(status), ..fault };
            rig.controls.inject(fault.clone().times(1)).unwrap();
            let before = rig.hits(Endpoint::UserData);
            let request = CreateUserRequest {
                user_id: "bob".to_owned(),
                user: user_of(json!({ "email": "new@example.com" })),
                ..CreateUserRequest::default()
            };
            let answer = keeper(&rig).create_user(request).await;
            said(answer).is(Code::Unavailable, "ROWND_UNAVAILABLE");
            rig.controls.inject(fault.times(1)).unwrap();
            let request = UpdateUserRequest { allow_missing: true, ..update("bob", "tin") };
            let answer = keeper(&rig).update_user(request).await;
            said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
            assert_eq!(rig.hits(Endpoint::UserData), before + 2, "{status} {body}");
        }
    }
    let user = read(&rig, "bob").await.unwrap();
    assert_eq!(data(&user, "plan").as_deref(), Some("gold"));
}

/// Each answer of Rownd to a write, and the one request that was made.
#[tokio::test]
async fn a_write_is_sent_once_whatever_comes_of_it() {
    let of = |status| Fault::status(Endpoint::UserData, status);
    for (name, fault, code, reason) in [
        ("500", of(500), Code::Unavailable, "WRITE_OUTCOME_UNKNOWN"),
        ("503", of(503), Code::Unavailable, "WRITE_OUTCOME_UNKNOWN"),
        ("408", of(408), Code::Unavailable, "WRITE_OUTCOME_UNKNOWN"),
        ("no JSON", Fault::garbage(Endpoint::UserData), Code::Unavailable, "WRITE_OUTCOME_UNKNOWN"),
        (
            "another user",
            Fault::body(Endpoint::UserData, r#"{"data":{"user_id":"carl"},"state":"enabled"}"#),
            Code::Unavailable,
            "WRITE_OUTCOME_UNKNOWN",
        ),
        (
            "the answer is lost",
            Fault::status(Endpoint::UserData, 502).after(),
            Code::Unavailable,
            "WRITE_OUTCOME_UNKNOWN",
        ),
        ("429", of(429), Code::ResourceExhausted, "ROWND_RATE_LIMITED"),
        ("302", of(302), Code::Unavailable, "ISSUER_REDIRECTS"),
        ("401", of(401), Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED"),
        ("403", of(403), Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED"),
        ("402", of(402), Code::FailedPrecondition, "REQUEST_REFUSED"),
        ("412", of(412), Code::FailedPrecondition, "REQUEST_REFUSED"),
        ("404", of(404), Code::NotFound, "USER_NOT_FOUND"),
        ("a page with 404", page_of(404), Code::Unavailable, "WRITE_OUTCOME_UNKNOWN"),
        ("a page with 400", page_of(400), Code::Unavailable, "WRITE_OUTCOME_UNKNOWN"),
        ("a page with 401", page_of(401), Code::Unavailable, "WRITE_OUTCOME_UNKNOWN"),
        ("a page with 403", page_of(403), Code::Unavailable, "WRITE_OUTCOME_UNKNOWN"),
    ] {
        let rig = rig().await;
        create(&rig, "bob", json!({ "plan": "a" })).await;
        let before = rig.hits(Endpoint::UserData);
        rig.controls.inject(fault.times(1)).unwrap();
        println!("{name}");
        said(write(&rig, "b").await).is(code, reason);
        assert_eq!(rig.hits(Endpoint::UserData), before + 1, "{name}");
        // The next read asks Rownd in every case.
        read(&rig, "bob").await.unwrap();
        assert_eq!(rig.hits(Endpoint::UserData), before + 2, "{name}");
    }
}

/// Whichever call Rownd refuses the secret of, the status page and the metric say so, until
/// Rownd takes it again.
#[tokio::test]
async fn a_secret_that_a_call_is_refused_for_is_on_the_status_page() {
    let rig = rig().await;
    let told = async || {
        let page: Value = serde_json::from_str(&rig.app.page("/status").await.body).unwrap();
        let scrape = rig.app.page("/metrics").await.body;
        let counted = page::metric(&scrape, "rownd_authz_app_keys_refused", &[]);
        (page["issuers"][0]["app_errors"].get(0).is_some(), counted)
    };
    assert_eq!(told().await, (false, 0.0));
    rig.controls.inject(Fault::status(Endpoint::UserList, 401).times(1)).unwrap();
    let answer = list(&rig, ListUsersRequest::default()).await;
    said(answer).is(Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED");
    assert_eq!(told().await, (true, 1.0));
    list(&rig, ListUsersRequest::default()).await.unwrap();
    assert_eq!(told().await, (false, 0.0));
}

/// A read changes nothing, so that it may be sent again.
#[tokio::test]
async fn a_list_survives_one_bad_answer() {
    let rig = rig().await;
    rig.controls.inject(Fault::status(Endpoint::UserList, 503).times(1)).unwrap();
    list(&rig, ListUsersRequest::default()).await.unwrap();
    assert_eq!(rig.hits(Endpoint::UserList), 2);
    rig.controls.inject(Fault::status(Endpoint::UserList, 500)).unwrap();
    let answer = list(&rig, ListUsersRequest::default()).await;
    said(answer).is(Code::Unavailable, "ROWND_UNAVAILABLE");
}

/// A create whose outcome is unknown stays so for its request id: nothing is made twice.
#[tokio::test]
async fn an_unknown_outcome_is_kept_for_its_request_id() {
    let rig = rig().await;
    let request = CreateUserRequest {
        user: user_of(json!({ "plan": "a" })),
        request_id: "once".to_owned(),
        ..CreateUserRequest::default()
    };
    rig.controls.inject(Fault::status(Endpoint::UserData, 500).after().times(1)).unwrap();
    for _ in 0..3 {
        let answer = keeper(&rig).create_user(request.clone()).await;
        said(answer).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
    }
    assert_eq!(rig.hits(Endpoint::UserData), 1);
    let other = CreateUserRequest { user_id: "x".to_owned(), ..request };
    assert_field(keeper(&rig).create_user(other).await, "request_id");
}

#[tokio::test]
async fn a_caller_in_a_hurry_is_told_so_and_the_write_goes_on() {
    let rig = rig().await;
    create(&rig, "bob", json!({ "plan": "a" })).await;
    rig.controls
        .inject(Fault::delay(Endpoint::UserData, Duration::from_millis(400)).times(1))
        .unwrap();
    let mut request = Request::new(update("bob", "b"));
    request.set_timeout(Duration::from_millis(200));
    let before = rig.hits(Endpoint::UserData);
    let code = keeper(&rig).update_user(request).await.unwrap_err().code();
    // The clock of the stub may be the first to end.
    assert!(matches!(code, Code::DeadlineExceeded | Code::Cancelled), "{code:?}");
    let written = async || {
        let user = read(&rig, "bob").await.ok()?;
        data(&user, "plan").filter(|plan| plan == "b")
    };
    eventually("the end of the write", written).await;
    assert!(rig.hits(Endpoint::UserData) > before);
}

/// Two writes of one user at a time: nobody knows which one Rownd has made last, so that neither of
/// the answers is kept.
#[tokio::test]
async fn of_two_writes_at_a_time_no_answer_is_kept() {
    let rig = rig().await;
    create(&rig, "bob", json!({ "plan": "a" })).await;
    let before = rig.hits(Endpoint::UserData);
    rig.controls
        .inject(Fault::delay(Endpoint::UserData, Duration::from_millis(300)).times(1))
        .unwrap();
    let mut stub = keeper(&rig);
    let slow = tokio::spawn(async move { stub.update_user(update("bob", "slow")).await });
    until("the first write", || rig.hits(Endpoint::UserData) == before + 1).await;
    write(&rig, "fast").await.unwrap();
    slow.await.unwrap().unwrap();
    let user = read(&rig, "bob").await.unwrap();
    assert_eq!(rig.hits(Endpoint::UserData), before + 3, "Rownd was asked");
    assert_eq!(data(&user, "plan").as_deref(), Some("slow"), "the emulator has made it last");
}

/// Changes that fail again and again are paused, and reads of the same app go on.
#[tokio::test]
async fn changes_that_fail_stop_no_reads() {
    let rig = rig().await;
    rig.controls.inject(Fault::status(Endpoint::SignOut, 500)).unwrap();
    let sign_out = || rownd_authz::grpc::pb::rownd::auth::v1::SignOutUserRequest {
        user_id: "ann".to_owned(),
        ..Default::default()
    };
    let paused = async || {
        let before = rig.hits(Endpoint::SignOut);
        let answer = keeper(&rig).sign_out_user(sign_out()).await;
        let unsent = rig.hits(Endpoint::SignOut) == before;
        let reason = if unsent { "ROWND_UNAVAILABLE" } else { "WRITE_OUTCOME_UNKNOWN" };
        said(answer).is(Code::Unavailable, reason);
        unsent.then_some(())
    };
    eventually("a pause", paused).await;
    list(&rig, ListUsersRequest::default()).await.unwrap();
    read(&rig, "ann").await.unwrap();
    create(&rig, "carl", json!({})).await;
    rig.controls.clear_faults();
    let over = async || keeper(&rig).sign_out_user(sign_out()).await.ok();
    eventually("the end of the pause", over).await;
}
