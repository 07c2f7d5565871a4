//! An HTTP proxy that does what a test tells it: forwards, asks for a password, hangs, lies.
//!
//! In: a [`Manner`], and the addresses behind names. Out: `http://127.0.0.1:PORT`, and the first line
//! and the headers of every request. It is written over plain sockets so that it can also break
//! the protocol.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

/// The way it treats a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It connects, or sends the request on.
    Forward,
    /// The same, for a client that shows `user:pa ss` (RFC 7617); 407 for all others.
    AskForPassword,
    /// 403.
    Forbid,
    /// Nothing, until the client gives up.
    Hang,
    /// Bytes that are no HTTP.
    Garbage,
    /// The connection ends without an answer.
    Close,
    /// It answers 200, and then the connection ends.
    CloseMidway,
    /// It answers 200, and then the host behind says nothing.
    HangMidway,
    /// Headers without an end.
    Endless,
}

struct State {
    manner: Mutex<Manner>,
    heads: Mutex<Vec<String>>,
    names: HashMap<String, SocketAddr>,
}

/// A running proxy. It ends when dropped.
pub(crate) struct ForwardProxy {
    address: SocketAddr,
    state: Arc<State>,
    serving: AbortHandle,
}

impl Drop for ForwardProxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl ForwardProxy {
    /// A proxy that knows the addresses behind these names, in the form `host:port`.
    pub(crate) async fn start(manner: Manner, names: &[(&str, SocketAddr)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let names = names.iter().map(|(name, address)| ((*name).to_owned(), *address)).collect();
        let manner = Mutex::new(manner);
        let state = Arc::new(State { manner, heads: Mutex::default(), names });
        let serving = tokio::spawn(serve(listener, state.clone())).abort_handle();
        Self { address, state, serving }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its URL with this user and password, percent-encoded already.
    pub(crate) fn url_with(&self, user: &str) -> String {
        format!("http://{user}@{}", self.address)
    }

    /// From now on it treats requests like this.
    pub(crate) fn behave(&self, manner: Manner) {
        *self.state.manner.lock().unwrap() = manner;
    }

    /// The heads of the requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.state.heads.lock().unwrap().clone()
    }

    /// Whether it was asked to lead here, in the form `host:port`.
    pub(crate) fn was_asked_for(&self, host: &str) -> bool {
        self.heads().iter().any(|head| target(head).as_deref() == Some(host))
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(talk(stream, state.clone()));
    }
}

async fn talk(mut stream: TcpStream, state: Arc<State>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    state.heads.lock().unwrap().push(head.clone());
    let manner = *state.manner.lock().unwrap();
    let known = head.lines().filter_map(|line| line.split_once(": ")).any(|(name, value)| {
        // base64 of "user:pa ss".
        name.eq_ignore_ascii_case("proxy-authorization") && value == "Basic dXNlcjpwYSBzcw=="
    });
    let answer: &[u8] = match manner {
        Manner::Forward => return forward(stream, &head, &state).await,
        Manner::AskForPassword if known => return forward(stream, &head, &state).await,
        Manner::AskForPassword => {
            b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic \
              realm=\"x\"\r\ncontent-length: 0\r\n\r\n"
        }
        Manner::Forbid => b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
        Manner::Garbage => b"\x16\x03\x01 SSH-2.0-nonsense\r\n\r\n",
        Manner::Close => b"",
        Manner::CloseMidway => b"HTTP/1.1 200 OK\r\n\r\n",
        Manner::HangMidway => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
            return std::future::pending().await;
        }
        Manner::Hang => return std::future::pending().await,
        Manner::Endless => loop {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx: y\r\nx: y\r\n").await.ok()?;
            stream.write_all(&b"x: y\r\n".repeat(4096)).await.ok()?;
        },
    };
    stream.write_all(answer).await.ok()?;
    stream.shutdown().await.ok()
}

async fn forward(mut stream: TcpStream, head: &str, state: &State) -> Option<()> {
    let target = target(head)?;
    let Some(address) = state.names.get(&target) else {
        let answer = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n";
        return stream.write_all(answer).await.ok();
    };
    let mut behind = TcpStream::connect(address).await.ok()?;
    if head.starts_with("CONNECT ") {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
    } else {
        // In the form that the host itself is asked in (RFC 9112 section 3.2.1).
        let sent = head.replacen(&format!("http://{target}"), "", 1);
        let is_for_us = |line: &&str| line.to_ascii_lowercase().starts_with("proxy-authorization:");
        let lines: String = sent.split_inclusive('\n').filter(|line| !is_for_us(line)).collect();
        behind.write_all(lines.as_bytes()).await.ok()?;
    }
    copy_bidirectional(&mut stream, &mut behind).await.ok().map(|_| ())
}

/// The `host:port` of a request to a proxy.
fn target(head: &str) -> Option<String> {
    let target = head.split(' ').nth(1)?;
    match target.strip_prefix("http://") {
        Some(rest) => rest.split('/').next().map(str::to_owned),
        None => Some(target.to_owned()),
    }
}
