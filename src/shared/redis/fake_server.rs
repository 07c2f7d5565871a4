//! A server that speaks the protocol of Redis and answers as a test says, for the tests of this room.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use redis::Client;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// The answer to a command; `OK` to any other.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// This text of the protocol.
    Text(String),
    /// The connection ends.
    Close,
    /// Nothing, ever.
    Silence,
}

/// A running server.
pub(super) struct FakeServer {
    pub(super) address: SocketAddr,
    answers: Arc<Mutex<HashMap<&'static str, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl FakeServer {
    #[expect(clippy::disallowed_methods, reason = "it ends with its test")]
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::new(Mutex::new(HashMap::new()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (told, seen) = (answers.clone(), asked.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, told.clone(), seen.clone()));
            }
        });
        let server = Self { address, answers, asked, _serving: serving };
        server.answers("HELLO", Answer::Text("-ERR unknown command\r\n".to_owned()));
        server
    }

    /// From now on.
    pub(super) fn answers(&self, command: &'static str, answer: Answer) {
        self.answers.lock().unwrap().insert(command, answer);
    }

    /// How often a command has come.
    pub(super) fn asked(&self, command: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == command).count()
    }

    pub(super) fn client(&self) -> Client {
        Client::open(format!("redis://{}", self.address)).unwrap()
    }
}

async fn serve(
    stream: TcpStream,
    answers: Arc<Mutex<HashMap<&'static str, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(command) = read(&mut stream).await {
        let answer = answers.lock().unwrap().get(command.as_str()).cloned();
        asked.lock().unwrap().push(command);
        let text = match answer {
            Some(Answer::Text(text)) => text,
            Some(Answer::Close) => return,
            Some(Answer::Silence) => continue,
            None => "+OK\r\n".to_owned(),
        };
        if stream.get_mut().write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The first word of the next command.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let count = number(stream).await?;
    let mut first = None;
    for _ in 0..count {
        let length = number(stream).await?;
        let mut word = vec![0; length + 2];
        stream.read_exact(&mut word).await.ok()?;
        word.truncate(length);
        first.get_or_insert(String::from_utf8(word).ok()?);
    }
    first
}

/// The number of a line such as `*3` or `$7`.
async fn number(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.trim_end().get(1..)?.parse().ok()
}
