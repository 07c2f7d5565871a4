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

use super::{free_port, until};

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
    settings: Vec<String>,
    files: TempDir,
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
        let (address, files) = (free_port(), TempDir::new().unwrap());
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect::<Vec<_>>();
        let child = Mutex::new(spawn(kind, address, &settings, files.path()));
        let server = Self { address, kind, settings, files, child };
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

    /// Starts it again at the same address. It has forgotten everything.
    pub(crate) async fn restart(&self) {
        self.kill();
        let child = spawn(self.kind, self.address, &self.settings, self.files.path());
        *self.child.lock().unwrap() = child;
        self.answers().await;
    }

    /// Its URL, without TLS.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// A connection of the test's own.
    pub(crate) fn connection(&self) -> redis::Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// One command.
    pub(crate) fn tell<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(*word);
        }
        command.query(&mut self.connection()).unwrap()
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

fn spawn(kind: Kind, address: SocketAddr, settings: &[String], files: &Path) -> Child {
    let mut command = Command::new(kind.program());
    command
        .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
        .args(["--save", "", "--appendonly", "no", "--enable-debug-command", "yes"])
        .arg("--dir")
        .arg(files)
        .args(settings)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
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
