//! No caller is local over HTTP: every call needs a caller, also from a loopback address.

use std::os::unix::fs::MetadataExt as _;

use serde_json::json;
use tokio::net::UnixStream;

use super::{JSON, SERVICE, assert_error, bearer, call_as, start, with};
use crate::{
    it::rownd_auth::{ADMIN, TRADER},
    support::http::exchange,
};

#[tokio::test]
async fn a_caller_shows_its_secret_also_on_this_machine() {
    let rig = start().await;
    let body = json!({ "token": rig.token("ann") }).to_string();
    let two = format!("{0}{0}", bearer(ADMIN));
    for (name, headers, reason) in [
        ("nothing", String::new(), "CALLER_REQUIRED"),
        ("an unknown secret", bearer("another-secret-of-this-test"), "CALLER_UNKNOWN"),
        ("a part of one", bearer(&ADMIN[1..]), "CALLER_UNKNOWN"),
        ("another scheme", format!("authorization: Basic {ADMIN}\r\n"), "CALLER_UNKNOWN"),
        ("two", two, "CALLER_UNKNOWN"),
        ("a cookie", format!("cookie: authorization={ADMIN}\r\n"), "CALLER_REQUIRED"),
        ("an address of somebody else", "x-forwarded-for: 127.0.0.1\r\n".into(), "CALLER_REQUIRED"),
        (
            "a certificate of somebody else",
            "x-forwarded-client-cert: URI=a\r\n".into(),
            "CALLER_REQUIRED",
        ),
        ("the right of another method", bearer(TRADER), "CALLER_NOT_GRANTED"),
    ] {
        let answer = call_as(&rig, "Verify", &headers, &body).await;
        assert_error(name, &answer, 403, "permission_denied", reason);
        // Nothing of the token is looked at before.
        assert!(!answer.body.contains("ann"), "{name}");
    }
    let answer = call_as(&rig, "Verify", &bearer(ADMIN), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        call_as(&rig, "Verify", &format!("authorization: bearer  {ADMIN} \r\n"), &body)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_body_is_not_read_for_a_caller_without_the_right() {
    let rig = start().await;
    // It is no JSON, which only a caller with the right is told.
    let answer = call_as(&rig, "Verify", "", "no JSON").await;
    assert_error("nobody", &answer, 403, "permission_denied", "CALLER_REQUIRED");
    let answer = call_as(&rig, "Verify", &bearer(ADMIN), "no JSON").await;
    assert_error("somebody", &answer, 400, "invalid_argument", "BAD_REQUEST");
}

/// The user at the other end of a Unix socket is no caller here, even if the entry names it.
#[tokio::test]
async fn a_unix_socket_is_not_local_either() {
    let dir = tempfile::tempdir().unwrap();
    let uid = std::fs::metadata(dir.path()).unwrap().uid();
    let path = dir.path().join("http.sock");
    let rig = with(|settings| {
        settings["listeners"]["grpc"]["address"] =
            json!(format!("unix:{}", dir.path().join("grpc.sock").display()));
        settings["listeners"]["http"]["address"] = json!(format!("unix:{}", path.display()));
        let caller = json!({ "name": "me", "uids": [uid], "allow": ["verify"] });
        settings["rownd_auth"]["callers"].as_array_mut().unwrap().push(caller);
    })
    .await;
    let body = json!({ "token": rig.token("ann") }).to_string();
    for (headers, expected) in [(String::new(), 403), (bearer(ADMIN), 200)] {
        let stream = UnixStream::connect(&path).await.unwrap();
        let line = format!("POST {SERVICE}Verify");
        let answer =
            exchange(stream, "authz.test", &line, &format!("{JSON}{headers}"), &body).await;
        assert_eq!(answer.status, expected, "{}", answer.body);
    }
}
