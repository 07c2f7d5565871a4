//! Peers that say nothing, something else, or too much at once.

use std::io::ErrorKind;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::House;
use crate::support::{in_time, until, wire::frame_of};

/// Waits until the peer closes; what it said before that is of no interest.
async fn closed(mut stream: TcpStream) {
    let mut rest = Vec::new();
    // A reset is an end as well.
    let _ = in_time("the connection's end", stream.read_to_end(&mut rest)).await;
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_closed_in_time() {
    let house =
        House::open(|c| c["listeners"]["grpc"]["first_byte_timeout"] = json!("100ms")).await;
    for (count, said) in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"]
        .iter()
        .enumerate()
    {
        let mut stream = TcpStream::connect(house.app.address()).await.unwrap();
        stream.write_all(said).await.unwrap();
        closed(stream).await;
        until("it is counted", || house.result("no_preface") == count as f64 + 1.0).await;
    }
    house.is_well().await;
}

#[tokio::test]
async fn what_is_not_http_2_is_closed_at_once() {
    let house = House::open(|c| c["listeners"]["grpc"]["first_byte_timeout"] = json!("60s")).await;
    let rows: [&[u8]; 7] = [
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        b"PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0\0\0\0\0\0\0\0",
        b"SSH-2.0-x\r\n",
        b"pri * http/2.0\r\n\r\nsm\r\n\r\n",
    ];
    for (count, said) in rows.iter().enumerate() {
        let mut stream = TcpStream::connect(house.app.address()).await.unwrap();
        stream.write_all(said).await.unwrap();
        closed(stream).await;
        until("it is counted", || house.result("no_preface") == count as f64 + 1.0).await;
    }
    // Good so far, then frames that are none.
    let mut stream = TcpStream::connect(house.app.address()).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&[0xff; 64]).await.unwrap();
    closed(stream).await;
    house.is_well().await;
}

#[tokio::test]
async fn a_peer_that_stops_answering_is_closed() {
    let house = House::open(|c| {
        c["listeners"]["grpc"]["keepalive_interval"] = json!("1s");
        c["listeners"]["grpc"]["keepalive_timeout"] = json!("100ms");
    })
    .await;
    let mut stream = TcpStream::connect(house.app.address()).await.unwrap();
    // Preface and settings, then not even an answer to a ping.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    closed(stream).await;
    house.is_well().await;
}

#[tokio::test]
async fn the_cap_on_connections_holds_and_gives_way() {
    let house = House::open(|c| c["listeners"]["grpc"]["max_connections"] = json!(4)).await;
    let ask = frame_of(&house.good());
    let mut open = Vec::new();
    for _ in 0..4 {
        let wire = house.dial().await;
        wire.check(&[], ask.clone()).await.assert_allowed("one of four", "authenticated");
        open.push(wire);
    }
    // The kernel takes the fifth; the service does not.
    let mut fifth = TcpStream::connect(house.app.address()).await.unwrap();
    fifth.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    for _ in 0..25 {
        for wire in &open {
            wire.check(&[], ask.clone()).await.assert_allowed("one of four", "authenticated");
        }
        let silent = fifth.try_read(&mut [0; 64]).expect_err("nobody talks to the fifth");
        assert_eq!(silent.kind(), ErrorKind::WouldBlock);
        assert_eq!(house.app.metric("rownd_authz_connections", &[]), 4.0);
    }
    open.pop();
    in_time("the fifth's turn", fifth.readable()).await.unwrap();
    assert!(fifth.try_read(&mut [0; 64]).unwrap() > 0, "now it is served");
    drop((fifth, open));
    house.is_well().await;
    until("the others are forgotten", || house.app.metric("rownd_authz_connections", &[]) == 1.0)
        .await;
}
