//! A plain HTTP/1.1 client for the emulator, and a user who signs in on its page.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use url::Url;

/// What the emulator answered.
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
            .unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// One request with these header lines.
pub(crate) async fn speak(to: SocketAddr, line: &str, headers: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer { head: head.to_owned(), body: body.to_owned() }
}

/// Somebody opens the page of an authorization request, chooses who they are, and allows. Where
/// the browser is sent then.
pub(crate) async fn consent(to: SocketAddr, target: &str, user: &str) -> Url {
    let page = speak(to, &format!("GET {target}"), "", "").await;
    let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
    let request = page.body.split("name=\"request\" value=\"").nth(1).unwrap();
    let request = request.split('"').next().unwrap();
    let path = target.split('?').next().unwrap();
    let decided = speak(
        to,
        &format!("POST {path}/decision"),
        &format!("content-type: application/x-www-form-urlencoded\r\ncookie: {cookie}\r\n"),
        &format!("request={request}&user={user}&decision=allow"),
    )
    .await;
    Url::parse(decided.header("location")).unwrap()
}
