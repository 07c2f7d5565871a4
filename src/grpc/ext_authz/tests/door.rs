//! Whole calls: whatever arrives, and whenever, the answer is a message with a status.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{BufMut as _, Bytes, BytesMut};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest, CheckResponse};
use http::{HeaderMap, Request};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use prost::Message as _;
use tokio::time::Instant;

use super::{check, denied, door, http, metadata, outer};
use crate::{
    config::{Check, Span},
    grpc::{
        deadline::{grpc_timeout, time_to_answer},
        ext_authz::CheckDoor,
    },
    model::DenyReason,
};

const OPEN: &str = "default: { auth: none, odd_paths: judge }";

/// A gRPC frame around a message.
pub(super) fn frame(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.put_slice(message);
    frame.freeze()
}

/// Sends a body and reads the answer, which has to be one gRPC message with status 0.
async fn call<B>(door: &CheckDoor, headers: &[(&'static str, &str)], body: B) -> CheckResponse
where
    B: Body<Data = Bytes, Error: Into<tower::BoxError>> + Send + Unpin + 'static,
{
    let mut request = Request::post("http://authz/envoy.service.auth.v3.Authorization/Check")
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = door.respond(door.begin(), request.body(body).unwrap()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/grpc");
    assert!(
        !response.headers().contains_key("grpc-status"),
        "an RPC error is Envoy's fail-open path"
    );
    let collected = response.into_body().collect().await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    assert_eq!(trailers["grpc-status"], "0");
    let bytes = collected.to_bytes();
    let length = u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
    assert_eq!((bytes[0], bytes.len()), (0, length + 5));
    CheckResponse::decode(&bytes[5..]).unwrap()
}

/// Sends this frame.
pub(super) async fn ask(door: &CheckDoor, frame: Bytes) -> CheckResponse {
    call(door, &[], Full::new(frame)).await
}

async fn send(door: &CheckDoor, message: &CheckRequest) -> CheckResponse {
    ask(door, frame(&message.encode_to_vec())).await
}

fn reason(answer: &CheckResponse) -> &str {
    metadata(answer, "reason").unwrap()
}

/// It is a denial with this reason, in code, metadata and body.
fn assert_denied(answer: &CheckResponse, expected: DenyReason, name: &str) {
    assert!(matches!(outer(answer), 7 | 16), "{name}");
    assert_eq!(reason(answer), expected.code(), "{name}");
    assert!(denied(answer).body.contains(expected.code()), "{name}");
}

#[tokio::test]
async fn a_whole_request_is_judged() {
    let (door, _) = door(OPEN);
    let answer = send(&door, &check(http())).await;
    assert_eq!((outer(&answer), reason(&answer)), (0, "public"));
}

#[tokio::test]
async fn every_absent_part_is_a_denial_even_where_everything_is_open() {
    let (door, _) = door(OPEN);
    let mut method = http();
    method.method.clear();
    let mut host = http();
    host.host.clear();
    let mut path = http();
    path.path.clear();
    let no_request = CheckRequest { attributes: Some(AttributeContext::default()) };
    for (name, message, expected) in [
        ("attributes", CheckRequest::default(), DenyReason::RequestMissing),
        ("request", no_request, DenyReason::RequestMissing),
        ("method", check(method), DenyReason::MethodMissing),
        ("host", check(host), DenyReason::HostRefused),
        ("path", check(path), DenyReason::PathRefused),
    ] {
        assert_denied(&send(&door, &message).await, expected, name);
    }
}

#[tokio::test]
async fn what_is_no_message_is_a_denial() {
    let (door, metrics) = door(OPEN);
    let good = frame(&check(http()).encode_to_vec());
    let changed = |at: usize, to: u8| {
        let mut bytes = good.to_vec();
        bytes[at] = to;
        bytes
    };
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("half a frame head", vec![0, 0, 0]),
        ("a frame without its message", vec![0, 0, 0, 0, 9]),
        ("half a message", good[..good.len() - 1].to_vec()),
        ("a longer length than there is", changed(4, good[4] + 1)),
        ("a shorter length than there is", changed(4, good[4] - 1)),
        ("two messages", [good.as_ref(), good.as_ref()].concat()),
        ("a compressed message", changed(0, 1)),
        ("an unknown flag", changed(0, 9)),
        ("a length of 4 GiB", vec![0, 0xff, 0xff, 0xff, 0xff, 1]),
        ("no protobuf", frame(b"\xff\xff\xff\xff").to_vec()),
        ("a field of the wrong type", frame(b"\x08\x02").to_vec()),
        ("a number without end", frame(&[&[0x10], [0xff; 11].as_slice()].concat()).to_vec()),
        ("a part longer than the whole", frame(b"\x0a\x7f\x22\x05").to_vec()),
        ("HTML", b"<html></html>".to_vec()),
    ];
    for (name, body) in &bodies {
        let answer = call(&door, &[], Full::new(Bytes::from(body.clone()))).await;
        assert_denied(&answer, DenyReason::RequestUndecodable, name);
    }
    let text = metrics.render();
    let series = "rownd_authz_checks_total{api=\"ext_authz\",outcome=\"deny\",reason=\"request_undecodable\"} ";
    let counted: usize =
        text.lines().find_map(|line| line.strip_prefix(series)?.parse().ok()).unwrap();
    assert_eq!(counted, bodies.len());
    assert!(text.contains("rownd_authz_in_flight{api=\"ext_authz\"} 0"));
}

#[tokio::test]
async fn an_encoding_that_is_not_spoken_is_a_denial() {
    let (door, _) = door(OPEN);
    for encoding in ["gzip", "deflate", "zstd", "snappy", "Identity", "identity, gzip", ""] {
        let body = Full::new(frame(&check(http()).encode_to_vec()));
        let answer = call(&door, &[("grpc-encoding", encoding)], body).await;
        assert_denied(&answer, DenyReason::RequestUndecodable, encoding);
    }
    let body = Full::new(frame(&check(http()).encode_to_vec()));
    let answer = call(&door, &[("grpc-encoding", "identity")], body).await;
    assert_eq!((outer(&answer), reason(&answer)), (0, "public"));
}

#[tokio::test]
async fn a_message_above_the_limit_is_denied_and_one_below_is_judged() {
    let (door, _) = door(&format!("{OPEN}\nlisteners: {{ grpc: {{ max_message_bytes: 65536 }} }}"));
    for (body, expected) in
        [(60_000, "public"), (70_000, "request_undecodable"), (8_000_000, "request_undecodable")]
    {
        let mut large = http();
        large.raw_body = vec![7; body];
        let answer = send(&door, &check(large)).await;
        assert_eq!(reason(&answer), expected, "{body}");
        assert_eq!(outer(&answer) == 0, expected == "public", "{body}");
    }
}

#[tokio::test]
async fn hostile_sizes_inside_a_message_are_denials() {
    let (door, _) = door(OPEN);
    let mut path = http();
    path.path = format!("/{}", "x".repeat(1 << 20));
    let mut many = http();
    many.headers = (0..10_000).map(|index| (format!("x-{index}"), String::new())).collect();
    let mut long = http();
    long.headers.insert("x".to_owned(), "y".repeat(1 << 20));
    for (name, request) in [("path", path), ("many headers", many), ("a long header", long)] {
        assert_denied(&send(&door, &check(request)).await, DenyReason::RequestTooLarge, name);
    }
}

/// A body that does as the test says.
struct Odd(Behaviour);

#[derive(Clone, Copy)]
enum Behaviour {
    Hangs,
    Fails,
    Panics,
}

impl Body for Odd {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.0 {
            Behaviour::Hangs => Poll::Pending,
            Behaviour::Fails => Poll::Ready(Some(Err(std::io::Error::other("reset")))),
            Behaviour::Panics => panic!("as the test says"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_is_a_denial() {
    let (door, _) = door(OPEN);
    assert_denied(&call(&door, &[], Odd(Behaviour::Fails)).await, DenyReason::Cancelled, "reset");
    assert_denied(&call(&door, &[], Odd(Behaviour::Panics)).await, DenyReason::Internal, "panic");
}

#[tokio::test(start_paused = true)]
async fn a_denial_comes_before_the_caller_gives_up() {
    let (door, _) = door(&format!("{OPEN}\ncheck: {{ timeout: 300ms }}"));
    for (timeout, expected) in [
        (None, 250),
        (Some("1S"), 250),
        (Some("200m"), 150),
        (Some("200000u"), 150),
        (Some("20m"), 10),
        (Some("5m"), 2),
        (Some("0n"), 0),
        (Some("nonsense"), 250),
    ] {
        let began = Instant::now();
        let headers: Vec<(&'static str, &str)> =
            timeout.map(|value| ("grpc-timeout", value)).into_iter().collect();
        let answer = call(&door, &headers, Odd(Behaviour::Hangs)).await;
        assert_denied(&answer, DenyReason::DeadlineExceeded, &format!("{timeout:?}"));
        let took = began.elapsed().as_millis();
        assert!((expected..=expected + 2).contains(&took), "{timeout:?}: {took} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_waits_for_keys_is_answered_in_time() {
    let (door, _) = door("");
    let mut request = http();
    let token =
        "Bearer eyJhbGciOiJFZERTQSIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2FwaS5yb3duZC5pbyJ9.AAAA";
    request.headers.insert("authorization".to_owned(), token.to_owned());
    let began = Instant::now();
    let body = Full::new(frame(&check(request).encode_to_vec()));
    let answer = call(&door, &[("grpc-timeout", "200m")], body).await;
    assert!(began.elapsed() <= Duration::from_millis(152), "{:?}", began.elapsed());
    assert_eq!(denied(&answer).status.as_ref().unwrap().code, 503);
    assert!(
        matches!(reason(&answer), "keys_unavailable" | "deadline_exceeded"),
        "{}",
        reason(&answer)
    );
}

/// It is copied into its place, and kept for as long as the check waits. The work that only few checks
/// have, such as verifying a signature, stands in boxes of its own: it is 6 KiB more.
#[tokio::test]
async fn a_check_is_small_until_it_has_to_verify() {
    let (door, _) = door(OPEN);
    let pending = door.begin();
    let size = size_of_val(&door.check(&pending, Bytes::new(), pending.began()));
    assert!(size <= 2_560, "{size} bytes");
}

#[tokio::test]
async fn overload_is_a_denial_and_reads_nothing() {
    let (door, _) = door(&format!("{OPEN}\ncheck: {{ max_in_flight: 1 }}"));
    let held = door.begin();
    let answer = call(&door, &[], Odd(Behaviour::Panics)).await;
    assert_denied(&answer, DenyReason::Overloaded, "full");
    drop(held);
    assert_eq!(outer(&send(&door, &check(http())).await), 0);
}

#[tokio::test]
async fn a_call_that_is_dropped_is_counted() {
    let (door, metrics) = door(OPEN);
    let request = Request::post("/").body(Odd(Behaviour::Hangs)).unwrap();
    let answer = tokio::time::timeout(Duration::ZERO, door.respond(door.begin(), request)).await;
    assert!(answer.is_err(), "it was given up while it waited");
    let text = metrics.render();
    let series = "rownd_authz_checks_total{api=\"ext_authz\",outcome=\"unavailable\",reason=\"cancelled\"} 1";
    assert!(text.contains(series), "{text}");
}

/// (value, milliseconds)
#[rustfmt::skip] // many on a line
const TIMEOUTS: &[(&str, Option<u64>)] = &[
    ("1S", Some(1_000)), ("200m", Some(200)), ("1M", Some(60_000)), ("1H", Some(3_600_000)), ("1500u", Some(1)),
    ("2000000n", Some(2)), ("0S", Some(0)), ("00000001S", Some(1_000)), ("99999999m", Some(99_999_999)),
    ("99999999H", Some(99_999_999 * 3_600_000)),
    ("", None), ("S", None), ("1", None), ("1s", None), ("1 S", None), (" 1S", None), ("-1S", None), ("+1S", None),
    ("1.5S", None), ("123456789m", None), ("1SS", None), ("m1", None), ("1x", None), ("\u{661}S", None),
];

#[test]
fn the_callers_patience_is_read_strictly() {
    for (value, expected) in TIMEOUTS {
        let found =
            grpc_timeout(value.as_bytes()).map(|time| u64::try_from(time.as_millis()).unwrap());
        assert_eq!(found, *expected, "{value:?}");
    }
}

#[test]
fn the_time_to_answer_is_the_shorter_patience_less_a_margin() {
    let check = Check { timeout: Span::from_secs(1), ..Check::default() };
    let ms = Duration::from_millis;
    for (value, expected) in [
        (None, ms(950)),
        (Some("10S"), ms(950)),
        (Some("bad"), ms(950)),
        (Some("200m"), ms(150)),
        (Some("100m"), ms(75)),
        (Some("40m"), ms(30)),
        (Some("30m"), ms(20)),
        (Some("20m"), ms(10)),
        (Some("10m"), ms(5)),
        (Some("9m"), Duration::from_micros(4_500)),
        (Some("0m"), ms(0)),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert("grpc-timeout", value.parse().unwrap());
        }
        assert_eq!(time_to_answer(check.timeout.get(), &headers), expected, "{value:?}");
    }
}
