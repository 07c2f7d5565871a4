//! An issuer that does what a test tells it: publish keys, rotate, fail, hang, lie.
//!
//! In: a [`Reply`] for each path. Out: an HTTP/1.1 server on loopback that counts what
//! arrives. It is written over plain sockets so that it can also break the protocol.

use std::{
    collections::HashMap,
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::{AbortHandle, JoinSet},
};

use crate::{forge::Key, wait::until};

/// Where the keys are unless metadata say otherwise.
pub const KEYS: &str = "/hub/auth/keys";

/// Where the metadata are.
pub const METADATA: &str = "/hub/auth/.well-known/oauth-authorization-server";

/// Where an app id is asked for.
pub const APP_CONFIG: &str = "/hub/app-config";

/// The reaction to a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A whole answer: status, extra header lines, body.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Nothing, until the client gives up.
    Hang,
    /// The connection is reset.
    Reset,
    /// Good headers, then now and then one byte, without an end.
    Drip,
    /// Good headers, then a body without an end, as fast as it is read.
    Endless,
    /// Another reply to requests with this header line, in lower case; 401 to all others.
    Demanding(String, Box<Reply>),
    /// Another reply, once the gate has a permit to give.
    Gated(Arc<Semaphore>, Box<Reply>),
}

impl Reply {
    /// Status 200 with this text.
    pub fn text(body: impl Into<Vec<u8>>) -> Self {
        Self::Answer(200, Vec::new(), body.into())
    }

    /// Status 200 with this JSON.
    pub fn json(body: &Value) -> Self {
        Self::text(body.to_string())
    }

    /// An empty answer with this status.
    pub fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), Vec::new())
    }

    /// An error of Rownd's API with this status, in its form.
    pub fn refusal(status: u16) -> Self {
        let body = json!({ "statusCode": status, "error": "Refused", "message": "refused" });
        Self::Answer(status, Vec::new(), body.to_string().into_bytes())
    }

    /// The page of a server in between, with this status.
    pub fn page(status: u16) -> Self {
        let page = format!("<html><h1>{status}</h1>nginx</html>");
        Self::Answer(status, vec![("content-type", "text/html".to_owned())], page.into_bytes())
    }

    /// A redirect to another place.
    pub fn redirect(status: u16, to: &str) -> Self {
        Self::Answer(status, vec![("location", to.to_owned())], Vec::new())
    }

    /// These keys.
    pub fn keys(keys: &[&Key]) -> Self {
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
        Self::json(&json!({ "keys": keys }))
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// The line of the request and the headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// The values of a header, in the order of their lines.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let of_name = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value.trim()).collect()
    }

    /// The body, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body in JSON")
    }
}

#[derive(Default)]
struct State {
    replies: Mutex<HashMap<String, Reply>>,
    hits: Mutex<HashMap<String, u64>>,
    received: Mutex<Vec<Received>>,
    connections: AtomicU64,
    resets_reuse: AtomicBool,
}

/// A running issuer. It ends when dropped.
pub struct Issuer {
    address: SocketAddr,
    state: Arc<State>,
    serving: Option<AbortHandle>,
    closed: Option<Socket>,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

impl Issuer {
    /// Serves these keys.
    pub fn with_keys(keys: &[&Key]) -> Self {
        let issuer = Self::start();
        issuer.publish(keys);
        issuer
    }

    /// Serves nothing yet: every path is answered 404.
    pub fn start() -> Self {
        let mut issuer = Self::closed();
        issuer.open();
        issuer
    }

    /// Has its port, and refuses every connection until [`open`](Self::open).
    pub fn closed() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        socket.bind(&SockAddr::from(any)).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        Self { address, state: Arc::default(), serving: None, closed: Some(socket) }
    }

    /// Accepts connections from now on.
    pub fn open(&mut self) {
        let socket = self.closed.take().expect("it is closed");
        socket.listen(1024).unwrap();
        socket.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(socket.into()).unwrap();
        self.serving = Some(tokio::spawn(serve(listener, self.state.clone())).abort_handle());
    }

    /// The address that it listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDRESS`, which is also its `iss`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on this is answered at a path.
    pub fn set(&self, path: &str, reply: Reply) {
        self.state.replies.lock().unwrap().insert(path.to_owned(), reply);
    }

    /// From now on these are its keys.
    pub fn publish(&self, keys: &[&Key]) {
        self.set(KEYS, Reply::keys(keys));
    }

    /// How often a path was asked for.
    pub fn hits(&self, path: &str) -> u64 {
        self.state.hits.lock().unwrap().get(path).copied().unwrap_or_default()
    }

    /// How many connections came.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// From now on a connection is reset when it is used for a second request.
    pub fn reset_reused(&self) {
        self.state.resets_reuse.store(true, Ordering::Relaxed);
    }

    /// The heads of all requests, lower case.
    pub fn heads(&self) -> Vec<String> {
        self.received().iter().map(|request| request.head.to_ascii_lowercase()).collect()
    }

    /// All requests, as they arrived.
    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// Waits until a path was asked for so often.
    pub async fn asked(&self, path: &str, times: u64) {
        until(&format!("{path} to be asked {times} times"), || self.hits(path) >= times).await;
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        state.connections.fetch_add(1, Ordering::Relaxed);
        connections.spawn(talk(stream, state.clone()));
    }
}

/// Answers the requests of one connection, until either side has enough.
async fn talk(mut stream: TcpStream, state: Arc<State>) -> Option<()> {
    for requests in 0_u64.. {
        let head = read_head(&mut stream).await?;
        if requests > 0 && state.resets_reuse.load(Ordering::Relaxed) {
            return answer(&mut stream, Reply::Reset).await;
        }
        let body = read_body(&mut stream, &head).await?;
        let path = head.split(' ').nth(1)?.split('?').next()?.to_owned();
        *state.hits.lock().unwrap().entry(path.clone()).or_default() += 1;
        state.received.lock().unwrap().push(Received { head: head.clone(), body });
        let reply = state.replies.lock().unwrap().get(&path).cloned();
        let reply = match reply.unwrap_or_else(|| Reply::refusal(404)) {
            Reply::Demanding(line, reply) => {
                let shown = head.lines().any(|shown| shown.eq_ignore_ascii_case(&line));
                if shown { *reply } else { Reply::status(401) }
            }
            reply => reply,
        };
        answer(&mut stream, reply).await?;
    }
    None
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Reads the body that a head announces. Unread, it would be the next head.
async fn read_body(stream: &mut TcpStream, head: &str) -> Option<Vec<u8>> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = lengths.next().map_or(Some(0), |(_, length)| length.trim().parse().ok())?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

/// `None` ends the connection.
async fn answer(stream: &mut TcpStream, reply: Reply) -> Option<()> {
    let mut reply = reply;
    while let Reply::Gated(gate, then) = reply {
        // The permit goes back at once: an open gate stays open.
        drop(gate.acquire().await.ok()?);
        reply = *then;
    }
    match reply {
        Reply::Answer(status, headers, body) => {
            let mut text = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
            text.push_str("\r\n");
            stream.write_all(text.as_bytes()).await.ok()?;
            stream.write_all(&body).await.ok()
        }
        Reply::Hang => {
            // Until the client is gone: it has nothing more to say before an answer.
            let _ = stream.read_u8().await;
            None
        }
        Reply::Reset => {
            socket2::SockRef::from(&*stream).set_linger(Some(std::time::Duration::ZERO)).ok()?;
            None
        }
        Reply::Drip => {
            stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 1000\r\n\r\n").await.ok()?;
            let mut tick = tokio::time::interval(std::time::Duration::from_millis(20));
            loop {
                tick.tick().await;
                stream.write_all(b" ").await.ok()?;
            }
        }
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n").await.ok()?;
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            loop {
                stream.write_all(chunk.as_bytes()).await.ok()?;
            }
        }
        Reply::Gated(..) | Reply::Demanding(..) => None,
    }
}
