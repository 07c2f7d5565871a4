//! Messages with holes, bytes that are none, too many bytes, and bytes that never come.

use bytes::Bytes;
use prost::Message as _;
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use rownd_authz::{
    grpc::{
        ext_authz::PATH,
        pb::{
            AttributeContext, CheckRequest,
            attribute_context::{HttpRequest, Request},
            authorization_client::AuthorizationClient,
        },
    },
    model::DenyReason,
};
use serde_json::json;

use super::House;
use crate::support::{
    Answer, Ask,
    wire::{frame, frame_of, frame_saying},
};

fn message(http: Option<HttpRequest>) -> CheckRequest {
    let request = Some(Request { http });
    CheckRequest { attributes: Some(AttributeContext { request, ..AttributeContext::default() }) }
}

#[tokio::test]
async fn a_message_with_holes_is_denied() {
    let house = House::open(|_| {}).await;
    let http = |method: &'static str, host: &'static str, path: &'static str| {
        message(Some(HttpRequest {
            method: Bytes::from_static(method.as_bytes()),
            host: Bytes::from_static(host.as_bytes()),
            path: Bytes::from_static(path.as_bytes()),
            ..HttpRequest::default()
        }))
    };
    let no_request = CheckRequest { attributes: Some(AttributeContext::default()) };
    let nothing_in_it = message(Some(HttpRequest::default()));
    let rows = [
        ("nothing", CheckRequest::default(), DenyReason::RequestMissing),
        ("no request", no_request, DenyReason::RequestMissing),
        ("no HTTP", message(None), DenyReason::RequestMissing),
        ("nothing in it", nothing_in_it, DenyReason::RequestMissing),
        ("no method", http("", "a.example", "/"), DenyReason::MethodMissing),
        ("no host", http("GET", "", "/"), DenyReason::HostRefused),
        ("no path", http("GET", "a.example", ""), DenyReason::PathRefused),
        ("no headers", http("GET", "a.example", "/"), DenyReason::CredentialMissing),
    ];
    for (what, message, reason) in rows {
        let body = frame(&message.encode_to_vec());
        house.denies(what, &[], body).await.assert_denied(what, reason);
        let typed = AuthorizationClient::new(house.app.channel()).check(message).await;
        Answer::sound(typed.expect("no RPC error").into_inner()).assert_denied(what, reason);
    }
    house.is_well().await;
}

/// Bytes that are no frame, or a frame around what is no message.
fn undecodable() -> Vec<(&'static str, Bytes)> {
    let nested_groups = [&b"\x0b".repeat(20_000)[..], &b"\x0c".repeat(20_000)].concat();
    vec![
        ("nothing", Bytes::new()),
        ("one byte", Bytes::from_static(b"\0")),
        ("four bytes", Bytes::from_static(b"\0\0\0\0")),
        ("a frame cut short", frame_saying(0, 100, b"0123456789")),
        ("a frame of 4 GiB", frame_saying(0, u32::MAX, b"")),
        ("a frame of 4 GiB, begun", frame_saying(0, u32::MAX, &[0; 1000])),
        ("said to be compressed", frame_saying(1, 3, b"\x1f\x8b\x08")),
        ("compressed in an odd way", frame_saying(2, 3, b"abc")),
        ("flags", frame_saying(255, 0, b"")),
        ("text", frame(b"GET / HTTP/1.1\r\n\r\n")),
        ("JSON", frame(b"{\"attributes\":{}}")),
        ("0xff", frame(&[0xff; 64])),
        ("a length beyond the end", frame(b"\x0a\x7f")),
        ("a length of 2^63", frame(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f")),
        ("an endless number", frame(&[0x80; 32])),
        ("another wire type", frame(b"\x08\x01")),
        ("field zero", frame(b"\x02\x00")),
        ("wire type seven", frame(b"\x0f")),
        ("a group that never ends", frame(b"\x0b")),
        ("a group's end alone", frame(b"\x0c")),
        ("20 000 groups in one another", frame(&nested_groups)),
    ]
}

#[tokio::test]
async fn bytes_that_are_no_message_are_denied() {
    let house = House::open(|_| {}).await;
    for (what, body) in undecodable() {
        for headers in [&[][..], &[("grpc-encoding", "gzip")], &[("grpc-encoding", "nonsense")]] {
            let answer = house.denies(what, headers, body.clone()).await;
            answer.assert_denied(what, DenyReason::RequestUndecodable);
        }
    }
    // A sound message in a compressed frame that nobody can read.
    let body = frame_of(&house.good());
    let answer = house.denies("an encoding", &[("grpc-encoding", "br")], body).await;
    answer.assert_denied("an encoding", DenyReason::RequestUndecodable);
    house.is_well().await;
}

#[tokio::test]
async fn fields_that_are_not_read_do_no_harm() {
    let house = House::open(|_| {}).await;
    let mut message = house.good().message().encode_to_vec();
    // Unknown fields of every wire type, and repeated ones, of which the last holds.
    message
        .extend_from_slice(b"\xf8\x07\x01\xf9\x07\0\0\0\0\0\0\0\0\xfa\x07\x03abc\xfd\x07\0\0\0\0");
    let answer = house.wire.check(&[], frame(&message)).await;
    answer.assert_allowed("more than we read", "authenticated");
    let odd = Ask::get("/").header("x", b"\xff\xfe\0").header("y\u{e9}", "\u{1}").host("a.example");
    let answer = house.wire.check(&[], frame_of(&odd)).await;
    answer.assert_denied("bytes that are no text", DenyReason::CredentialMissing);
    let odd = Ask::get("/").host(b"\xff.example".to_vec()).joined();
    let answer = house.wire.check(&[], frame_of(&odd)).await;
    answer.assert_denied("a host that is no text", DenyReason::HostRefused);
    house.is_well().await;
}

#[tokio::test]
async fn the_metadata_of_a_call_do_not_matter() {
    let house = House::open(|_| {}).await;
    let trace = "k=v,".repeat(12_000);
    let rows: [&[(&str, &str)]; 8] = [
        &[],
        &[("content-type", "application/grpc+proto")],
        &[("content-type", "application/json")],
        &[("content-type", "text/plain"), ("accept-encoding", "gzip, br")],
        &[("grpc-accept-encoding", "gzip,zstd")],
        &[("x-rownd-user-id", "admin"), ("authorization", "Bearer x")],
        &[("grpc-timeout", "10S"), ("grpc-timeout", "1n")],
        &[("tracestate", &trace), ("x-envoy-expected-rq-timeout-ms", "1")],
    ];
    for headers in rows {
        let answer = house.wire.check(headers, frame_of(&house.good())).await;
        answer.assert_allowed(&format!("{:?}", headers.first()), "authenticated");
    }
    house.is_well().await;
}

#[tokio::test]
async fn what_is_larger_than_allowed_is_denied_unread() {
    let house = House::open(|c| c["listeners"]["grpc"]["max_message_bytes"] = json!(65_536)).await;
    let padded = |bytes: usize| frame_of(&house.good().header("x-pad", "x".repeat(bytes)));
    let answer = house.wire.check(&[], padded(60_000)).await;
    answer.assert_allowed("below", "authenticated");
    for bytes in [65_536, 100_000, 4_000_000] {
        let answer = house.denies("above", &[], padded(bytes)).await;
        answer.assert_denied("above", DenyReason::RequestUndecodable);
    }
    // A message that announces its length, and one that does not end.
    for length in [65_537, 1 << 30] {
        let mut call = house.wire.begin(PATH, &[]).await.unwrap();
        call.body.send_data(frame_saying(0, length, b"abc"), false).unwrap();
        let answer = call.reply().await.answer();
        answer.assert_denied("as soon as it says so", DenyReason::RequestUndecodable);
    }
    house.is_well().await;

    // By default there is room for more than a proxy lets through; the limits of a request
    // are judged inside.
    let house = House::open(|_| {}).await;
    for ask in [
        house.good().header("x-pad", "x".repeat(3_000_000)),
        (0..201).fold(house.good(), |ask, _| ask.header("x", "")),
        Ask::get(format!("/{}", "a".repeat(16_384))),
    ] {
        let answer = house.denies("inside", &[], frame_of(&ask)).await;
        answer.assert_denied("inside", DenyReason::RequestTooLarge);
    }
    house.is_well().await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_answered_at_the_deadline() {
    let house = House::open(|c| c["check"]["timeout"] = json!("100ms")).await;
    let body = frame_of(&house.good());
    for part in [0, 1, 4, 5, 6, body.len() - 1] {
        let mut call = house.wire.begin(PATH, &[]).await.unwrap();
        call.body.send_data(body.slice(..part), false).unwrap();
        let answer = call.reply().await.answer();
        answer.assert_denied(&format!("{part} bytes"), DenyReason::DeadlineExceeded);
        assert_eq!((answer.code(), answer.http_status()), (16, 503));
    }
    // The whole message, and the stream stays open: the deadline still holds.
    let mut call = house.wire.begin(PATH, &[]).await.unwrap();
    call.body.send_data(body, false).unwrap();
    assert!(!call.reply().await.answer().is_allowed());
    let caller = house.wire.begin(PATH, &[("grpc-timeout", "30m")]).await.unwrap();
    caller.reply().await.answer().assert_denied("the caller's", DenyReason::DeadlineExceeded);
    assert_eq!(house.app.counted("deadline_exceeded"), 8.0);
    house.is_well().await;
}

#[tokio::test]
async fn random_bytes_are_answered() {
    let house = House::open(|_| {}).await;
    let mut random = StdRng::seed_from_u64(7);
    // A message with everything in it but a credential.
    let sound = Ask::get("/guarded")
        .header("x-request-id", "r")
        .header("cookie", "app_session=")
        .extension("a", "b")
        .message()
        .encode_to_vec();
    for index in 0..1000 {
        let mut bytes = vec![0; random.random_range(0..300)];
        random.fill_bytes(&mut bytes);
        let body = match index % 4 {
            0 => Bytes::from(bytes),
            1 => frame(&bytes),
            2 => {
                let mut spoilt = sound.clone();
                for _ in 0..random.random_range(1..4) {
                    let place = random.random_range(0..spoilt.len());
                    spoilt[place] = random.random();
                }
                frame(&spoilt)
            }
            _ => frame(&sound[..random.random_range(0..sound.len())]),
        };
        house.denies(&format!("string {index}"), &[], body).await;
    }
    house.is_well().await;
}
