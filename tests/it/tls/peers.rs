//! The clients that a listener with TLS accepts.

use rownd_authz::grpc::pb::rownd::auth::v1::{ExchangeRequest, rownd_auth_client::RowndAuthClient};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use tonic::Code;

use super::{Authority, Client, House, TLS12};
use crate::it::listener::places::hold;
use crate::support::{certs::SPIFFE, in_time, until};

#[tokio::test]
async fn tls_without_client_certificates_lets_everybody_ask() {
    let house = House::open(false, |_| {}).await;
    let answer = house.client(None).check(&house.good()).await.unwrap();
    answer.assert_allowed("TLS", "authenticated");
    assert_eq!(house.result("served"), 1.0);
    let status: serde_json::Value =
        serde_json::from_str(&house.app.page("/status").await.body).unwrap();
    assert_eq!(status["warnings"], json!([]));
    let end = house.app.metric("rownd_authz_certificate_not_after_timestamp_seconds", &[]);
    assert_eq!(end, 4_102_444_800.0, "the first of January 2100");
}

#[tokio::test]
async fn only_clients_of_the_authority_get_in() {
    let house = House::open(true, |_| {}).await;
    house.is_well("a good certificate").await;
    let stranger = Authority::new();
    let expired = house.clients.issue_until(2020);
    for (name, pair) in [
        ("no certificate", None),
        ("a stranger's", Some(stranger.issue())),
        ("the server's own authority", Some(house.servers.issue())),
        ("an expired one", Some(expired)),
    ] {
        let failed = house.result("tls_failed");
        let refused = house.client(pair.as_ref()).check(&house.good()).await;
        assert!(refused.is_err(), "{name}: {refused:?}");
        // A client may try again.
        until(name, || house.result("tls_failed") > failed).await;
        house.is_well(name).await;
    }
}

#[tokio::test]
async fn peers_that_speak_something_else_are_refused_and_counted() {
    let house = House::open(true, |settings| {
        settings["listeners"]["grpc"]["first_byte_timeout"] = json!("300ms");
        settings["listeners"]["grpc"]["tls"]["min_version"] = json!("tls1.3");
    })
    .await;
    let to = house.app.address();
    let pair = house.clients.issue();
    // Plain HTTP/2, plain HTTP/1, and the head of a handshake without its body.
    for (index, bytes) in
        [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02"]
            .into_iter()
            .enumerate()
    {
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut rest = Vec::new();
        let _ = in_time("the end", stream.read_to_end(&mut rest)).await;
        until("the count", || house.result("tls_failed") == index as f64 + 1.0).await;
    }
    // Silence, before and after the handshake.
    let mut silent = TcpStream::connect(to).await.unwrap();
    assert_eq!(in_time("the end", silent.read(&mut [0])).await.unwrap(), 0);
    until("the count", || house.result("tls_failed") == 4.0).await;
    let mut silent = house.client(Some(&pair)).dial().await.unwrap();
    let _ = in_time("the end", silent.read(&mut [0])).await;
    until("no preface", || house.result("no_preface") == 1.0).await;
    // An old version, and another protocol.
    let old = Client::speaking(&[&TLS12], to, &house.servers, Some(&pair));
    assert!(old.dial().await.is_err());
    let mut other = house.client(Some(&pair));
    other.config.alpn_protocols = vec![b"http/1.1".to_vec()];
    assert!(other.dial().await.is_err());
    until("the count", || house.result("tls_failed") == 6.0).await;
    house.is_well("after all of them").await;
}

#[tokio::test]
async fn a_peer_in_its_handshake_does_not_hold_up_the_end() {
    let mut house = House::open(true, |_| {}).await;
    let mut half = TcpStream::connect(house.app.address()).await.unwrap();
    half.write_all(b"\x16").await.unwrap();
    house.is_well("meanwhile").await;
    house.app.stop();
    house.app.ended().await;
}

#[tokio::test]
async fn a_certificate_says_which_caller_it_is() {
    for (name, uri, code) in [
        ("its own id", SPIFFE, Code::InvalidArgument),
        ("another's", "spiffe://cluster.local/ns/edge/sa/other", Code::PermissionDenied),
    ] {
        let house = House::open(true, |settings| {
            settings["rownd_auth"]["callers"] =
                json!([{ "name": "edge", "uris": [uri], "allow": ["exchange"] }]);
        })
        .await;
        let channel = house.client(Some(&house.clients.issue())).channel().await.unwrap();
        let request = ExchangeRequest::default();
        let status = RowndAuthClient::new(channel).exchange(request).await.unwrap_err();
        // Past the door, the call lacks a grant.
        assert_eq!(status.code(), code, "{name}");
    }
}

#[tokio::test]
async fn handshakes_that_stop_keep_nobody_out() {
    let house = House::open(true, |c| {
        c["listeners"]["grpc"]["max_connections"] = json!(16);
        c["listeners"]["grpc"]["first_byte_timeout"] = json!("60s");
    })
    .await;
    for (name, said) in [
        ("silent", &b""[..]),
        ("the head of a record", b"\x16\x03\x01\x02\x00"),
        ("half a greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        ("no TLS at all", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ] {
        let crowd = hold(house.app.address(), said, 40);
        for _ in 0..5 {
            house.is_well(name).await;
        }
        drop(crowd);
    }
}
