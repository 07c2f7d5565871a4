//! Commands over the control socket, as an operator gives them with curl.

use std::path::Path;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

/// Gives one command on a connection of its own: the status, and the answer as JSON.
pub(crate) async fn command(socket: &Path, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = UnixStream::connect(socket).await.expect("the control socket");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("a command is sent");
    let mut text = String::new();
    let read = tokio::time::timeout(super::PATIENCE, stream.read_to_string(&mut text));
    read.await.expect("an answer in time").expect("an answer in UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, serde_json::from_str(body).unwrap_or_else(|_| panic!("{text}")))
}

/// POSTs a command that has to be carried out.
pub(crate) async fn order(socket: &Path, path: &str, body: &Value) -> Value {
    let (status, answer) = command(socket, "POST", path, &body.to_string()).await;
    assert_eq!(status, 200, "{path} {body}: {answer}");
    answer
}
