//! A real Redis or Valkey as a child process, and a way to it that a test can cut.
//!
//! In: a kind of server, settings. Out: its URL; commands over a connection of the test's own. It
//! keeps nothing on disk, so that it is empty after a restart.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use redis::{FromRedisValue, Value};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
    task::{AbortHandle, JoinSet},
};

use super::{certs::Authority, free_port, until};

/// The servers that the shared state is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Redis,
    Valkey,
}

impl Kind {
    fn program(self) -> PathBuf {
        let path = match self {
            Self::Redis => "redis/redis-server",
            Self::Valkey => "valkey/valkey-server",
        };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools").join(path);
        assert!(path.exists(), "{} is missing: run `make tools`", path.display());
        path
    }
}

/// A running server.
pub(crate) struct RedisServer {
    pub(crate) address: SocketAddr,
    kind: Kind,
    arguments: Vec<String>,
    _files: TempDir,
    /// The authority of its certificate, where it speaks TLS alone.
    authority: Option<String>,
    child: Mutex<Child>,
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

impl RedisServer {
    /// An empty one.
    pub(crate) async fn start(kind: Kind) -> Self {
        Self::with(kind, &[]).await
    }

    /// One with more settings, each as on its command line.
    pub(crate) async fn with(kind: Kind, settings: &[&str]) -> Self {
        let address = free_port();
        let port = address.port().to_string();
        let plain = ["--port", &port].map(str::to_owned).to_vec();
        let more = settings.iter().map(|setting| (*setting).to_owned());
        let arguments = |files: &Path| [plain, of_every_server(files)].concat();
        let files = TempDir::new().unwrap();
        let arguments = arguments(files.path()).into_iter().chain(more).collect();
        Self::run(kind, (address, files), arguments, None).await
    }

    /// One that speaks TLS alone, with a certificate of this authority. Only Redis can.
    pub(crate) async fn by_tls(authority: &Authority, settings: &[&str]) -> Self {
        let (address, files) = (free_port(), TempDir::new().unwrap());
        let mut arguments = of_every_server(files.path());
        arguments.extend(tls_settings(authority, address.port(), files.path()));
        arguments.extend(settings.iter().map(|setting| (*setting).to_owned()));
        Self::run(Kind::Redis, (address, files), arguments, Some(authority.pem())).await
    }

    /// A Sentinel with these lines in its file, which it writes itself later.
    pub(crate) async fn sentinel(lines: &str, authority: Option<&Authority>) -> Self {
        let (address, files) = (free_port(), TempDir::new().unwrap());
        let port = address.port();
        let way = match authority {
            Some(authority) => {
                let words = tls_settings(authority, port, files.path());
                let lines = words
                    .chunks(2)
                    .map(|pair| format!("{} {}\n", pair[0].trim_start_matches('-'), pair[1]));
                lines.collect()
            }
            None => format!("port {port}\n"),
        };
        let file = files.path().join("sentinel.conf");
        let text = format!("bind 127.0.0.1\n{way}dir {}\n{lines}", files.path().display());
        std::fs::write(&file, text).unwrap();
        let arguments = vec![file.to_str().unwrap().to_owned(), "--sentinel".to_owned()];
        let pem = authority.map(Authority::pem);
        Self::run(Kind::Redis, (address, files), arguments, pem).await
    }

    async fn run(
        kind: Kind,
        (address, files): (SocketAddr, TempDir),
        arguments: Vec<String>,
        authority: Option<String>,
    ) -> Self {
        let child = Mutex::new(spawn(kind, &arguments));
        let server = Self { address, kind, arguments, _files: files, authority, child };
        server.answers().await;
        server
    }

    async fn answers(&self) {
        let alive = || std::net::TcpStream::connect(self.address).is_ok();
        until("the server of the shared state", alive).await;
    }

    /// Ends it at once, as a machine does that is gone.
    pub(crate) fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        // Both fail only if it has ended already.
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Stops it as it is, until [`Self::go_on`]: connections stay, and nothing is answered.
    pub(crate) fn stop(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let pid = self.child.lock().unwrap().id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
        assert!(sent.success(), "kill -{name} {pid}");
    }

    /// Starts it again at the same address. It has forgotten everything, except the names of other
    /// servers.
    pub(crate) async fn restart(&self) {
        self.kill();
        *self.child.lock().unwrap() = spawn(self.kind, &self.arguments);
        self.answers().await;
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "rediss" } else { "redis" };
        format!("{scheme}://{}", self.address)
    }

    /// A connection of the test's own.
    pub(crate) fn connection(&self) -> redis::Connection {
        self.try_connection().unwrap()
    }

    fn try_connection(&self) -> redis::RedisResult<redis::Connection> {
        let client = match &self.authority {
            Some(authority) => {
                let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
                let root_cert = Some(authority.clone().into_bytes());
                let certificates = redis::TlsCertificates { client_tls: None, root_cert };
                redis::Client::build_with_tls(self.url(), certificates)?
            }
            None => redis::Client::open(self.url())?,
        };
        client.get_connection()
    }

    /// One command.
    pub(crate) fn tell<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_tell(words).unwrap()
    }

    /// One command, which may fail.
    pub(crate) fn try_tell<T: FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(*word);
        }
        command.query(&mut self.try_connection()?)
    }

    /// Everything that it holds: every key, and every byte of every value.
    pub(crate) fn everything(&self) -> Vec<u8> {
        let mut connection = self.connection();
        let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
        let mut all = Vec::new();
        for key in keys {
            all.extend_from_slice(&key);
            let kind: String = redis::cmd("TYPE").arg(&key).query(&mut connection).unwrap();
            let mut ask = match kind.as_str() {
                "string" => redis::cmd("GET"),
                "hash" => redis::cmd("HGETALL"),
                "zset" => redis::cmd("ZRANGE"),
                other => panic!("a value of the kind {other}"),
            };
            ask.arg(&key);
            if kind == "zset" {
                ask.arg(0).arg(-1).arg("WITHSCORES");
            }
            collect(ask.query(&mut connection).unwrap(), &mut all);
        }
        all
    }
}

fn collect(value: Value, all: &mut Vec<u8>) {
    match value {
        Value::BulkString(bytes) => all.extend(bytes),
        Value::Array(values) | Value::Set(values) => {
            values.into_iter().for_each(|value| collect(value, all));
        }
        Value::Map(pairs) => {
            for (name, value) in pairs {
                collect(name, all);
                collect(value, all);
            }
        }
        other => all.extend(format!("{other:?}").into_bytes()),
    }
}

fn of_every_server(files: &Path) -> Vec<String> {
    let words = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    let more = ["--enable-debug-command", "yes", "--dir", files.to_str().unwrap()];
    words.into_iter().chain(more).map(str::to_owned).collect()
}

/// No port in plain text, and TLS on this one, also between servers.
fn tls_settings(authority: &Authority, port: u16, files: &Path) -> Vec<String> {
    authority.issue().write(files, "server");
    std::fs::write(files.join("ca.pem"), authority.pem()).unwrap();
    let file = |name: &str| files.join(name).to_str().unwrap().to_owned();
    [
        ("--port", "0".to_owned()),
        ("--tls-port", port.to_string()),
        ("--tls-cert-file", file("server.crt")),
        ("--tls-key-file", file("server.key")),
        ("--tls-ca-cert-file", file("ca.pem")),
        ("--tls-auth-clients", "no".to_owned()),
        ("--tls-replication", "yes".to_owned()),
    ]
    .into_iter()
    .flat_map(|(name, value)| [name.to_owned(), value])
    .collect()
}

fn spawn(kind: Kind, arguments: &[String]) -> Child {
    let mut command = Command::new(kind.program());
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// The treatment of connections by a [`Way`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// Bytes go through.
    Open,
    /// Bytes go through after this time.
    Slow(Duration),
    /// Bytes of both directions are held back, and connections stay: a firewall that lost its state.
    Silent,
    /// Questions go through, answers are held back.
    Deaf,
    /// Every connection ends, and no new one is accepted.
    Cut,
}

/// A way to a server that a test can cut.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    passage: Arc<watch::Sender<Passage>>,
    serving: AbortHandle,
}

impl Drop for Way {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Way {
    /// An open way.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), server).await
    }

    /// An open way from this address.
    pub(crate) async fn at(address: SocketAddr, server: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let passage = Arc::new(watch::Sender::new(Passage::Open));
        let serving = tokio::spawn(serve(listener, server, passage.clone())).abort_handle();
        Self { address, passage, serving }
    }

    /// From now on.
    pub(crate) fn set(&self, passage: Passage) {
        self.passage.send_replace(passage);
    }

    /// The URL of the server by this way.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

async fn serve(listener: TcpListener, server: SocketAddr, passage: Arc<watch::Sender<Passage>>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if *passage.borrow() == Passage::Cut {
            continue;
        }
        connections.spawn(connect(client, server, passage.subscribe()));
    }
}

async fn connect(client: TcpStream, server: SocketAddr, passage: watch::Receiver<Passage>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut cut = passage.clone();
    tokio::select! {
        () = pump(from_client, to_server, passage.clone(), false) => {}
        () = pump(from_server, to_client, passage, true) => {}
        _ = cut.wait_for(|passage| *passage == Passage::Cut) => {}
    }
}

async fn pump(
    mut from: tcp::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    mut passage: watch::Receiver<Passage>,
    answers: bool,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let passes = |passage: &Passage| match passage {
            Passage::Open | Passage::Slow(_) => true,
            Passage::Deaf => !answers,
            Passage::Silent | Passage::Cut => false,
        };
        let Ok(now) = passage.wait_for(passes).await.map(|now| *now) else { return };
        if let Passage::Slow(time) = now {
            tokio::time::sleep(time).await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
