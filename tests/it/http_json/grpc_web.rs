//! gRPC-Web, byte by byte; `tests/foreign/connect.rs` has a client of others.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost::Message as _;
use rownd_authz::grpc::pb::rownd::auth::v1::{
    VerifyRequest, VerifyResponse, verify_response::Outcome,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{SERVICE, address, bearer, start};
use crate::{
    it::rownd_auth::{ADMIN, Rig},
    support::{in_time, wire::frame},
};

/// One request; status line with headers, and the body.
async fn send(rig: &Rig, headers: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address(rig)).await.unwrap();
    let head = format!(
        "POST {SERVICE}Verify HTTP/1.1\r\nhost: authz.test\r\nconnection: close\r\n\
         content-length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    in_time("an answer", stream.read_to_end(&mut answer)).await.unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    let head = String::from_utf8(answer).unwrap().to_lowercase();
    (head.clone(), if head.contains("transfer-encoding: chunked") { unchunk(&body) } else { body })
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = rest.windows(2).position(|bytes| bytes == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        rest = &rest[end + 2..];
        if length == 0 {
            return whole;
        }
        whole.extend_from_slice(&rest[..length]);
        rest = &rest[length + 2..];
    }
}

/// The frames of a body: each flag with its bytes.
fn frames(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let [flag, a, b, c, d, rest @ ..] = body {
        let (bytes, next) = rest.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
        found.push((*flag, bytes.to_vec()));
        body = next;
    }
    assert!(body.is_empty());
    found
}

fn request(rig: &Rig) -> Vec<u8> {
    let token = rig.token("ann");
    frame(&VerifyRequest { token, ..VerifyRequest::default() }.encode_to_vec()).to_vec()
}

#[tokio::test]
async fn a_token_is_verified_in_bytes_and_in_text() {
    let rig = start().await;
    let plain = request(&rig);
    let text = STANDARD.encode(&plain).into_bytes();
    for (content_type, body) in [
        ("application/grpc-web", &plain),
        ("application/grpc-web+proto", &plain),
        ("application/grpc-web-text", &text),
        ("application/grpc-web-text+proto", &text),
    ] {
        let headers = format!(
            "content-type: {content_type}\r\naccept: {content_type}\r\nx-grpc-web: 1\r\n{}",
            bearer(ADMIN)
        );
        let (head, mut answer) = send(&rig, &headers, body).await;
        assert!(head.starts_with("http/1.1 200"), "{content_type}: {head}");
        assert!(head.contains("cache-control: no-store"), "{head}");
        if content_type.contains("text") {
            assert!(head.contains("content-type: application/grpc-web-text"), "{head}");
            answer = decoded(&answer);
        }
        let frames = frames(&answer);
        assert_eq!(
            frames.iter().map(|(flag, _)| *flag).collect::<Vec<_>>(),
            [0, 0x80],
            "{content_type}"
        );
        let said = VerifyResponse::decode(&*frames[0].1).unwrap();
        assert!(matches!(said.outcome, Some(Outcome::Identity(who)) if who.user_id == "ann"));
        let trailers = String::from_utf8(frames[1].1.clone()).unwrap();
        assert!(
            trailers.contains("grpc-status:0") || trailers.contains("grpc-status: 0"),
            "{trailers}"
        );
    }
    assert_eq!(rig.app.metric("rownd_authz_rpcs_total", &[("code", "OK")]), 4.0);
}

/// Base64 in pieces, each with padding of its own.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    let mut piece = Vec::new();
    for quad in text.chunks(4) {
        piece.extend_from_slice(quad);
        if quad.contains(&b'=') {
            whole.extend(STANDARD.decode(&piece).unwrap());
            piece.clear();
        }
    }
    whole.extend(STANDARD.decode(&piece).unwrap());
    whole
}

#[tokio::test]
async fn errors_are_in_the_headers_or_the_trailers() {
    let rig = start().await;
    let good = request(&rig);
    let mut compressed = good.clone();
    compressed[0] = 1;
    let mut large = good.clone();
    large[1..5].copy_from_slice(&0x00ff_ffff_u32.to_be_bytes());
    for (name, headers, body, code) in [
        ("nobody", String::new(), &good, 7),
        ("an unknown secret", bearer("another-secret-of-this-test"), &good, 7),
        ("a mistake", bearer(ADMIN), &frame(&[]).to_vec(), 3),
        ("no message", bearer(ADMIN), &Vec::new(), 3),
        ("a message of something else", bearer(ADMIN), &frame(b"\xff\xff").to_vec(), 3),
        ("compressed", bearer(ADMIN), &compressed, 12),
        ("compressed by name", format!("{}grpc-encoding: gzip\r\n", bearer(ADMIN)), &good, 12),
        ("compressed by HTTP", format!("{}content-encoding: gzip\r\n", bearer(ADMIN)), &good, 12),
        ("too large", bearer(ADMIN), &large, 8),
    ] {
        let headers = format!("content-type: application/grpc-web\r\n{headers}");
        let (head, body) = send(&rig, &headers, body).await;
        assert!(head.starts_with("http/1.1 200"), "{name}: {head}");
        let said = format!("{head}\n{}", String::from_utf8_lossy(&body)).replace(": ", ":");
        assert!(said.contains(&format!("grpc-status:{code}")), "{name}: {said}");
        assert!(said.contains("grpc-status-details-bin"), "{name}: {said}");
    }
}
