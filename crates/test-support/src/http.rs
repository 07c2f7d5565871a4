//! A plain HTTP/1.1 client: one request on a connection of its own, over TCP or a Unix socket.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::wait::in_time;

/// An answer as text.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The status line and the headers, without the blank line behind them.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A header of the answer, which must have it.
    pub fn header(&self, name: &str) -> &str {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
            .unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    /// The body, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.head, self.body))
    }
}

/// One request over TCP. `line` is method and target; each line of `headers` ends with CRLF.
pub async fn request(to: SocketAddr, line: &str, headers: &str, body: &str) -> Answer {
    let stream = TcpStream::connect(to).await.expect("a listener");
    exchange(stream, &to.to_string(), line, headers, body).await
}

/// One request over an open connection, which the server closes after its answer.
pub async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    host: &str,
    line: &str,
    headers: &str,
    body: &str,
) -> Answer {
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\
         {headers}\r\n{body}"
    );
    let mut text = String::new();
    in_time(line, async {
        stream.write_all(request.as_bytes()).await.expect("a request is sent");
        stream.read_to_string(&mut text).await.expect("an answer in UTF-8");
    })
    .await;
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
