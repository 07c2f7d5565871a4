//! Bodies that are no request: odd JSON, bodies that are too large, too slow, or break off.

use std::{net::SocketAddr, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{SERVICE, address, assert_error, bearer, call, call_as, detail, start};
use crate::{
    it::rownd_auth::ADMIN,
    support::{in_time, until},
};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn odd_json_is_told_by_its_place_and_nothing_of_it_is_repeated() {
    let rig = start().await;
    let deep = format!(
        r#"{{"thirdPartyToken": {{"userData": {}1{}}}}}"#,
        r#"{"a":"#.repeat(200),
        "}".repeat(200)
    );
    let deeper = "[".repeat(60_000);
    let many = format!("[{}1]", "1,".repeat(100_000));
    for (name, method, body, field, said) in [
        ("empty", "Verify", "", None, "ends too early"),
        ("cut off", "Verify", r#"{"token": "a-secret"#, None, "ends too early"),
        ("no JSON", "Verify", "token=a-secret", None, "is not JSON"),
        ("a list", "Verify", r#"["a-secret"]"#, None, "is not an object"),
        ("NaN", "Verify", r#"{"minimumAuthLevel": NaN}"#, None, "is not JSON"),
        ("twice", "Verify", r#"{"token": "a-secret", "token": "b"}"#, None, "`token` stands twice"),
        (
            "twice by two names",
            "Verify",
            r#"{"appId": "a-secret", "app_id": "b"}"#,
            Some("app_id"),
            "stands twice",
        ),
        (
            "twice in a structure",
            "Exchange",
            r#"{"thirdPartyToken": {"token": "a-secret", "userData": {"a": 1, "a": 2}}}"#,
            None,
            "`a` stands twice",
        ),
        ("unknown", "Verify", r#"{"tokken": "a-secret"}"#, Some("tokken"), "is no field"),
        (
            "unknown inside",
            "Exchange",
            r#"{"guest": {"level": "a-secret"}}"#,
            Some("guest.level"),
            "is no field",
        ),
        ("a type", "Verify", r#"{"token": ["a-secret"]}"#, Some("token"), "cannot have"),
        (
            "a large number",
            "Verify",
            r#"{"minimumAuthLevel": 99999999999999999999}"#,
            Some("minimumAuthLevel"),
            "cannot have",
        ),
        (
            "a number of no level",
            "Verify",
            r#"{"token": "a-secret", "minimumAuthLevel": 77}"#,
            Some("minimum_auth_level"),
            "is not an auth level",
        ),
        (
            "beyond a double",
            "Exchange",
            r#"{"thirdPartyToken": {"userData": {"n": 1e999}}}"#,
            None,
            "is not JSON",
        ),
        (
            "two of a choice",
            "Exchange",
            r#"{"guest": {}, "refreshToken": {"refreshToken": "a-secret"}}"#,
            None,
            "two members of one choice",
        ),
        (
            "a duration",
            "GetUser",
            r#"{"token": "a-secret", "maxAge": "a-secret"}"#,
            Some("maxAge"),
            "cannot have",
        ),
        ("deep", "Exchange", &deep, None, "more than 32 levels"),
        ("deeper", "Verify", &deeper, None, "more than 32 levels"),
        ("many", "Exchange", &many, None, "more than 65536 values"),
    ] {
        let answer = call_as(&rig, method, &bearer(ADMIN), body).await;
        let body = assert_error(name, &answer, 400, "invalid_argument", "BAD_REQUEST");
        let message = body["message"].as_str().unwrap();
        assert!(message.contains(said), "{name}: {message}");
        assert!(!answer.body.contains("a-secret") && answer.body.len() < 2_000, "{name}: {body}");
        if let Some(field) = field {
            let found = &detail(&body, "BadRequest")["debug"]["fieldViolations"][0]["field"];
            assert_eq!(found, field, "{name}: {body}");
        }
    }
    let answer = call(&rig, "Verify", &json!({ "token": "\0é😀\u{202e}" })).await;
    assert_eq!(answer.status, 200, "it is JSON, and no token: {}", answer.body);
    assert!(answer.json()["denial"]["reason"].is_string(), "{}", answer.body);
}

/// Sends bytes as they are; the answer.
async fn send(to: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    // The other end may close before all of it is read.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = in_time("an answer", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(method: &str, length: &str) -> String {
    format!(
        "POST {SERVICE}{method} HTTP/1.1\r\nhost: authz.test\r\nconnection: close\r\n\
         content-type: application/json\r\n{}{length}\r\n\r\n",
        bearer(ADMIN)
    )
}

#[tokio::test]
async fn invalid_utf_8_is_no_json() {
    let rig = start().await;
    let body = b"{\"token\": \"\xff\xfe\"}";
    let mut bytes = head("Verify", &format!("content-length: {}", body.len())).into_bytes();
    bytes.extend_from_slice(body);
    let answer = send(address(&rig), &bytes).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("is not JSON"), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_the_client_learns_why() {
    let rig = start().await;
    let limit = 72 << 10;
    let token = |length: usize| json!({ "token": "x".repeat(length) });
    // Up to the limit the token is judged.
    let answer = call(&rig, "Verify", &token(limit - 100)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for (name, body) in [
        ("a message that is too large", token(limit + 1)),
        ("a body that is too large", token(2 * limit)),
        ("one that is far too large", token(12 * limit)),
    ] {
        let answer = call(&rig, "Verify", &body).await;
        assert_error(name, &answer, 429, "resource_exhausted", "MESSAGE_TOO_LARGE");
    }
    // The same without a length.
    let mut chunked = head("Verify", "transfer-encoding: chunked");
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    chunked.push_str(&chunk.repeat(4));
    chunked.push_str("0\r\n\r\n");
    let answer = send(address(&rig), chunked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("MESSAGE_TOO_LARGE"), "{answer}");
    let refused = [("kind", "call"), ("reason", "too_large")];
    assert_eq!(rig.app.metric("rownd_authz_calls_refused_total", &refused), 4.0);
    // Escapes make the text longer, and not the message.
    let escaped = format!(r#"{{"token": "{}"}}"#, r"\u0078".repeat(limit / 8));
    assert_eq!(call_as(&rig, "Verify", &bearer(ADMIN), &escaped).await.status, 200);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let rig = start().await;
    let slow = format!("{}{{\"token\": ", head("Verify", "content-length: 1000"));
    let answer = send(address(&rig), slow.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    assert!(answer.contains("the message did not come in time"), "{answer}");
    let refused = [("kind", "call"), ("reason", "deadline")];
    assert_eq!(rig.app.metric("rownd_authz_calls_refused_total", &refused), 1.0);
    assert_eq!(call(&rig, "Verify", &json!({ "token": "x" })).await.status, 200);
}

#[tokio::test]
async fn a_client_that_leaves_in_its_body_leaves_nothing_behind() {
    let rig = start().await;
    for part in ["", "{", "{\"token\": \"abc"] {
        let mut stream = TcpStream::connect(address(&rig)).await.unwrap();
        let bytes = format!("{}{part}", head("Verify", "content-length: 1000"));
        stream.write_all(bytes.as_bytes()).await.unwrap();
        drop(stream);
    }
    let ended = || rig.app.metric("rownd_authz_rpcs_total", &[("method", "Verify")]);
    until("the ends of the calls", || ended() == 3.0).await;
    assert_eq!(call(&rig, "Verify", &json!({ "token": "x" })).await.status, 200);
}

#[tokio::test]
async fn requests_that_two_servers_read_differently_are_refused() {
    let rig = start().await;
    for (name, lengths) in [
        ("two lengths", "content-length: 2\r\ncontent-length: 3"),
        ("a length and chunks", "content-length: 2\r\ntransfer-encoding: chunked\r\nx: y"),
        ("a length that is none", "content-length: +2"),
        ("an odd coding", "transfer-encoding: chunked, identity"),
    ] {
        let bytes = format!("{}{{}}", head("Verify", lengths));
        let answer = send(address(&rig), bytes.as_bytes()).await;
        assert!(!answer.starts_with("HTTP/1.1 200"), "{name}: {answer}");
    }
    let long = format!(
        "{}{{}}",
        head("Verify", &format!("x: {}\r\ncontent-length: 2", "y".repeat(70_000)))
    );
    assert!(send(address(&rig), long.as_bytes()).await.starts_with("HTTP/1.1 431"));
    tokio::time::timeout(Duration::from_secs(20), call(&rig, "Verify", &json!({ "token": "x" })))
        .await
        .unwrap();
}
