//! Many connections, the end of the process, and a method that fails: no call is lost.

use std::time::Duration;

use rownd_authz::grpc::pb::rownd::auth::v1::VerifyRequest;
use rownd_emulator::{Endpoint, Fault};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::Code;

use super::{JSON, SERVICE, address, assert_error, bearer, call, start, with};
use crate::{
    it::{
        listener::places::hold,
        rownd_auth::{ADMIN, Rig},
    },
    support::{http::request, in_time, until},
};

/// The next answers about users come this late.
fn delay(rig: &Rig, delay: Duration) {
    rig.controls.inject(Fault::delay(Endpoint::UserData, delay)).unwrap();
}

/// A call that asks Rownd, in a task of its own.
fn ask(rig: &Rig, user: &str) -> tokio::task::JoinHandle<crate::support::http::Answer> {
    let (to, body) = (address(rig), json!({ "userId": user, "issuer": "rownd" }).to_string());
    let headers = format!("{JSON}{}", bearer(ADMIN));
    tokio::spawn(
        async move { request(to, &format!("POST {SERVICE}GetUser"), &headers, &body).await },
    )
}

#[tokio::test]
async fn a_connection_serves_one_call_after_another() {
    let rig = start().await;
    let mut stream = TcpStream::connect(address(&rig)).await.unwrap();
    let body = json!({ "token": "x" }).to_string();
    for _ in 0..20 {
        let request = format!(
            "POST {SERVICE}Verify HTTP/1.1\r\nhost: authz.test\r\n{JSON}{}content-length: {}\r\n\r\n{body}",
            bearer(ADMIN),
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"}}") {
            let mut part = [0; 4096];
            let read = in_time("an answer", stream.read(&mut part)).await.unwrap();
            assert!(read > 0, "the connection ended: {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&part[..read]);
        }
        assert!(seen.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&seen));
    }
}

/// A client that goes on using the connection of a refused request would lose its next one.
#[tokio::test]
async fn a_connection_whose_request_was_not_read_says_that_it_ends() {
    let rig = start().await;
    for (name, headers, ends) in [
        ("refused before its body", JSON.to_owned(), true),
        ("of another type", bearer(ADMIN), true),
        ("answered", format!("{JSON}{}", bearer(ADMIN)), false),
    ] {
        let mut stream = TcpStream::connect(address(&rig)).await.unwrap();
        let head = format!(
            "POST {SERVICE}Verify HTTP/1.1\r\nhost: authz.test\r\n{headers}content-length: 14\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        if !ends {
            stream.write_all(b"{\"token\": \"x\"}").await.unwrap();
        }
        let mut seen = [0; 4096];
        let read = in_time("an answer", stream.read(&mut seen)).await.unwrap();
        let answer = String::from_utf8_lossy(&seen[..read]).to_lowercase();
        assert_eq!(answer.contains("connection: close"), ends, "{name}: {answer}");
    }
}

#[tokio::test]
async fn a_call_that_is_under_way_at_the_end_is_answered() {
    let mut rig = start().await;
    delay(&rig, Duration::from_millis(1500));
    let before = rig.controls.hits(Endpoint::UserData);
    let asked = ask(&rig, "ann");
    until("the request at Rownd", || rig.controls.hits(Endpoint::UserData) > before).await;
    rig.app.stop();
    let answer = in_time("an answer", asked).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    rig.app.ended().await;
    assert!(TcpStream::connect(address(&rig)).await.is_err(), "the listener is closed");
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let rig = with(|settings| settings["listeners"]["http"]["max_connections"] = json!(8)).await;
    for said in [&b""[..], b"POST /", b"POST / HTTP/1.1\r\nhost: authz.test\r\nx: "] {
        let crowd = hold(address(&rig), said, 40);
        for _ in 0..5 {
            assert_eq!(call(&rig, "Verify", &json!({ "token": "x" })).await.status, 200);
        }
        drop(crowd);
    }
}

/// More calls at a time than connections: each is answered, and none is cut off.
#[tokio::test]
async fn a_call_is_not_cut_off_by_another_connection() {
    let rig = with(|settings| settings["listeners"]["http"]["max_connections"] = json!(2)).await;
    delay(&rig, Duration::from_millis(400));
    let asked: Vec<_> = (0..6).map(|_| ask(&rig, "ann")).collect();
    for one in asked {
        let answer = in_time("an answer", one).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test]
async fn calls_beyond_the_bound_are_refused_as_over_grpc() {
    let rig = with(|settings| settings["rownd_auth"]["max_in_flight"] = json!(1)).await;
    delay(&rig, Duration::from_secs(5));
    let before = rig.controls.hits(Endpoint::UserData);
    let _held = ask(&rig, "ann");
    until("the request at Rownd", || rig.controls.hits(Endpoint::UserData) > before).await;
    let answer = call(&rig, "Verify", &json!({ "token": rig.token("ann") })).await;
    assert_error("one too many", &answer, 503, "unavailable", "OVERLOADED");
    assert!(answer.header("retry-after").parse::<u64>().is_ok());
    let request = VerifyRequest { token: rig.token("ann"), ..VerifyRequest::default() };
    let refused = rig.known(ADMIN).verify(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "and over gRPC too");
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_answered() {
    let rig = with(|settings| settings["rownd_auth"]["timeout"] = json!("300ms")).await;
    delay(&rig, Duration::from_secs(60));
    let answer = in_time("an answer", ask(&rig, "ann")).await.unwrap();
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(answer.json()["code"], "unavailable");
}
