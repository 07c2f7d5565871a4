//! Callers with a short deadline, callers that leave, and requests that fail: no other caller is
//! affected.

use std::time::Duration;

use rownd_authz::grpc::pb::rownd::auth::v1::{
    AuthLevel, ExchangeRequest, Freshness, GetUserRequest, GuestGrant, ThirdPartyTokenGrant,
    VerifyRequest, exchange_request::Grant, get_user_request::Subject,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::json;
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use super::{Rig, refresh::grant as refresh, said};
use crate::support::{eventually, until, wire::Wire};

const HURRY: Duration = Duration::from_millis(200);
/// How long a healthy Rownd takes.
const SLOW: Duration = Duration::from_millis(300);

fn in_a_hurry<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(HURRY);
    request
}

fn exchange(rig: &Rig, user: &str) -> ExchangeRequest {
    let token = rig.foreign(user, &format!("{user}@example.com"));
    let grant = ThirdPartyTokenGrant { token, ..ThirdPartyTokenGrant::default() };
    ExchangeRequest { grant: Some(Grant::ThirdPartyToken(grant)), ..ExchangeRequest::default() }
}

fn user() -> GetUserRequest {
    GetUserRequest {
        subject: Some(Subject::UserId("ann".to_owned())),
        max_age: Some(prost_types::Duration::default()),
        ..GetUserRequest::default()
    }
}

fn fresh(rig: &Rig) -> VerifyRequest {
    VerifyRequest {
        token: rig.token("ann"),
        freshness: Freshness::Profile.into(),
        ..VerifyRequest::default()
    }
}

/// Everything that others ask of Rownd goes on.
async fn others_go_on(rig: &Rig) {
    rig.tokens(refresh(&rig.mint(&Rig::order("ann").refresh()))).await;
    let guest = GuestGrant { auth_level: AuthLevel::Instant.into() };
    let request = ExchangeRequest {
        issuer: Some("rownd".to_owned()),
        grant: Some(Grant::Guest(guest)),
        ..ExchangeRequest::default()
    };
    rig.trade(request).await.unwrap();
    rig.admin().get_user(user()).await.unwrap();
    rig.stub().verify(fresh(rig)).await.unwrap();
}

#[tokio::test]
async fn callers_in_a_hurry_stop_nothing_for_anybody() {
    let rig = Rig::with(|settings| settings["profiles"] = json!({ "ttl": "0s" })).await;
    rig.controls.inject(Fault::delay(Endpoint::Token, SLOW)).unwrap();
    rig.controls.inject(Fault::delay(Endpoint::UserData, SLOW)).unwrap();
    for index in 0..6 {
        let request = in_a_hurry(exchange(&rig, &format!("user-{index}")));
        assert!(rig.admin().exchange(request).await.is_err(), "faster than the test thinks");
        // These may come just before the answer to the one before them.
        let _ = rig.admin().get_user(in_a_hurry(user())).await;
        let _ = rig.stub().verify(in_a_hurry(fresh(&rig))).await;
    }
    others_go_on(&rig).await;
    rig.admin().exchange(exchange(&rig, "patient")).await.unwrap();
}

#[tokio::test]
async fn a_deadline_of_the_callers_is_told_as_that() {
    let rig = Rig::with(|settings| settings["profiles"] = json!({ "ttl": "0s" })).await;
    rig.controls.inject(Fault::delay(Endpoint::Token, SLOW)).unwrap();
    rig.controls.inject(Fault::delay(Endpoint::UserData, SLOW)).unwrap();
    // A stub has a clock of its own, which may be the first to end on a busy machine; and the
    // answer to one call may come in time for the next.
    for method in ["exchange", "get_user", "verify"] {
        let ours = async || {
            let mut stub = rig.admin();
            let status = match method {
                "exchange" => stub.exchange(in_a_hurry(exchange(&rig, "hasty"))).await.err(),
                "get_user" => stub.get_user(in_a_hurry(user())).await.err(),
                _ => stub.verify(in_a_hurry(fresh(&rig))).await.err(),
            };
            status.filter(|status| status.get_error_details().error_info().is_some())
        };
        let status = eventually(method, ours).await;
        said::<()>(Err(status)).is(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    }
}

#[tokio::test]
async fn callers_who_leave_stop_nothing_for_anybody() {
    let rig = Rig::start().await;
    rig.controls.inject(Fault::delay(Endpoint::Token, Duration::from_secs(30))).unwrap();
    for index in 1..=6 {
        let (mut stub, request) = (rig.admin(), exchange(&rig, "leaves"));
        let call = tokio::spawn(async move { stub.exchange(request).await });
        until("the request at Rownd", || rig.hits(Endpoint::Token) == index).await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    }
    rig.controls.clear_faults();
    others_go_on(&rig).await;
    rig.admin().exchange(exchange(&rig, "patient")).await.unwrap();
}

#[tokio::test]
async fn exchanges_that_fail_stop_no_other_kind() {
    let rig = Rig::start().await;
    for (status, code, reason) in [
        (500, Code::Unavailable, "ROWND_UNAVAILABLE"),
        (429, Code::ResourceExhausted, "ROWND_RATE_LIMITED"),
    ] {
        rig.controls.inject(Fault::status(Endpoint::Token, status)).unwrap();
        let failed = async || {
            let before = rig.hits(Endpoint::Token);
            let answer = rig.admin().exchange(exchange(&rig, "fails")).await;
            said(answer).is(code, reason);
            // Left out by now?
            (rig.hits(Endpoint::Token) == before).then_some(())
        };
        eventually("a pause", failed).await;
        rig.controls.clear_faults();
        others_go_on(&rig).await;
        let over = async || rig.admin().exchange(exchange(&rig, "fails")).await.ok();
        eventually("the end of the pause", over).await;
    }
}

/// A place is for a call that can be answered. Those whose message never comes have none.
#[tokio::test]
async fn calls_whose_message_never_comes_take_nobodys_place() {
    let rig = Rig::with(|settings| settings["rownd_auth"]["max_in_flight"] = json!(4)).await;
    let wire = Wire::connect(rig.app.address()).await;
    let mut silent = Vec::new();
    for name in ["Verify", "Exchange", "GetUser", "Verify"] {
        for _ in 0..4 {
            let path = format!("/rownd.auth.v1.RowndAuth/{name}");
            silent.push(wire.begin(&path, &[]).await.expect("the connection takes calls"));
        }
    }
    // Each is known to have arrived: what came before it on the same connection has, too.
    wire.check(&[], bytes::Bytes::new()).await;
    for _ in 0..8 {
        let request = VerifyRequest { token: rig.token("ann"), ..VerifyRequest::default() };
        rig.stub().verify(request).await.expect("a place");
    }
    drop(silent);
}
