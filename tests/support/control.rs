//! Commands over the control socket, as an operator gives them with curl.

use std::path::Path;

use serde_json::Value;
use tokio::net::UnixStream;

use super::http::exchange;

/// Gives one command on a connection of its own. Returns the status, and the answer as JSON.
pub(crate) async fn command(socket: &Path, method: &str, path: &str, body: &str) -> (u16, Value) {
    let stream = UnixStream::connect(socket).await.expect("the control socket");
    let answer = exchange(stream, "localhost", &format!("{method} {path}"), "", body).await;
    (answer.status, answer.json())
}

/// POSTs a command, which must succeed.
pub(crate) async fn order(socket: &Path, path: &str, body: &Value) -> Value {
    let (status, answer) = command(socket, "POST", path, &body.to_string()).await;
    assert_eq!(status, 200, "{path} {body}: {answer}");
    answer
}
