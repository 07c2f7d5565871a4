//! Events in the hands of others: the receivers of `examples/webhooks`, each with the library of
//! Standard Webhooks of its language, run as their readers run them; and the bridge to a real NATS server.
//!
//! In: events of the real server, samples by its command, and requests that somebody else signed. Out:
//! every receiver takes the former, each once, and refuses the latter.

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::{
    package,
    talk::{assert_fresh, python},
    tool,
};
use crate::support::{Ask, Issuer, Key, TestApp, binary, config, free_port, http, until};

const TIME_LIMIT: Duration = Duration::from_secs(60);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEXT: &str = "whsec_bmV4dC1uZXh0LW5leHQtbmV4dC1uZXh0LW5leHQ=";

#[derive(Debug, Clone, Copy)]
enum Language {
    Go,
    Node,
    Python,
    /// The bridge to the NATS server of this port.
    Nats(u16),
}

/// A running receiver. Dropped, it ends.
struct Receiver {
    address: SocketAddr,
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Language {
    fn command(self) -> Command {
        let source = |path: &str| package("examples/webhooks").join(path);
        let built = |path: &str| tool(&format!("webhooks/{path}"));
        let mut command;
        match self {
            Self::Go => {
                assert_fresh(&built("go/main.go"), &source("go/main.go"));
                command = Command::new(built("go/receiver"));
            }
            Self::Node => {
                let lock = "package-lock.json";
                assert_fresh(&built("node").join(lock), &source("node").join(lock));
                command = Command::new("node");
                command.arg(source("node/main.mjs")).env("NODE_PATH", built("node/node_modules"));
            }
            Self::Python => {
                command = Command::new(tool("venv/bin/python"));
                command.arg(source("python/main.py"));
            }
            Self::Nats(port) => {
                command = Command::new(tool("venv/bin/python"));
                command
                    .arg(source("nats/main.py"))
                    .env("NATS_URL", format!("nats://127.0.0.1:{port}"));
            }
        }
        command
    }

    async fn start(self, secret: &str) -> Receiver {
        let mut command = self.command();
        command
            .env("SECRET", secret)
            .env("PORT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{self:?} does not run: {error}"));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = next_line(&mut lines).await;
        let port = line.strip_prefix("listening on ").and_then(|port| port.parse().ok());
        let port: u16 = port.unwrap_or_else(|| panic!("{self:?}: {line}"));
        Receiver { address: ([127, 0, 0, 1], port).into(), lines, _child: child }
    }
}

async fn next_line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = tokio::time::timeout(TIME_LIMIT, lines.next_line()).await;
    line.expect("a line in time").unwrap().expect("it runs")
}

fn settings(issuer: &Issuer, receiver: &Receiver, directory: &Path, secrets: &[&str]) -> Value {
    let mut settings = config(issuer);
    settings["events"] = json!({ "sinks": [{
        "name": "hook", "types": ["check.denied", "user.deleted"],
        "http": {
            "url": format!("http://{}/", receiver.address),
            "secrets": secrets, "directory": directory,
        },
    }] });
    settings
}

async fn takes_events(language: Language) {
    let (key, files) = (Key::new("sig-1"), TempDir::new().unwrap());
    let issuer = Issuer::with_keys(&[&key]);
    let mut receiver = language.start(NEXT).await;
    // Two secrets sign, and the receiver knows the second one.
    let both = [SECRET, NEXT];
    let settings = settings(&issuer, &receiver, &files.path().join("q"), &both);
    let app = TestApp::ready(&settings).await;
    for _ in 0..3 {
        let denied = app.check(&Ask::get("/verified")).await;
        assert!(!denied.is_allowed());
    }
    let mut seen = Vec::new();
    for _ in 0..3 {
        let line = next_line(&mut receiver.lines).await;
        let (kind, id) = line.split_once(' ').unwrap();
        assert_eq!(kind, "io.rownd.auth.v1.check.denied");
        assert!(!seen.contains(&id.to_owned()));
        seen.push(id.to_owned());
    }
    let sent = || app.metric("rownd_authz_events_sent_total", &[("sink", "hook")]);
    until("the receiver has taken all", || sent() == 3.0).await;
    let file = files.path().join("config");
    std::fs::write(&file, settings.to_string()).unwrap();
    let arguments = ["events", "send", "--sink", "hook", "--config", file.to_str().unwrap()];
    let arguments = arguments.map(str::to_owned);
    let output = tokio::task::spawn_blocking(move || {
        binary::run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &[])
    });
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for kind in ["check.denied", "user.deleted"] {
        let line = next_line(&mut receiver.lines).await;
        assert!(line.starts_with(&format!("io.rownd.auth.v1.{kind} sample-")), "{line}");
    }
}

/// A request that is not signed by the secret is refused.
async fn refuses_others(language: Language) {
    let receiver = language.start(SECRET).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let body = r#"{"id":"e-1","type":"io.rownd.auth.v1.user.deleted"}"#;
    let signed = |secret: &str, at: u64, body: &str| {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
        let tag = aws_lc_rs::hmac::sign(&key, format!("e-1.{at}.{body}").as_bytes());
        format!(
            "webhook-id: e-1\r\nwebhook-timestamp: {at}\r\nwebhook-signature: v1,{}\r\n",
            STANDARD.encode(tag)
        )
    };
    for (name, headers, status) in [
        ("good", signed(SECRET, now, body), 204),
        ("the same again", signed(SECRET, now, body), 204),
        ("another secret", signed(NEXT, now, body), 401),
        ("another body", signed(SECRET, now, "{}"), 401),
        ("old", signed(SECRET, now - 3_600, body), 401),
        ("from the future", signed(SECRET, now + 3_600, body), 401),
        ("not signed", String::new(), 401),
    ] {
        let answer = http::request(receiver.address, "POST /", &headers, body).await;
        assert_eq!(answer.status, status, "{language:?}, {name}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_receiver_in_go_takes_events_and_nothing_else() {
    takes_events(Language::Go).await;
    refuses_others(Language::Go).await;
}

#[tokio::test]
async fn a_receiver_in_node_takes_events_and_nothing_else() {
    takes_events(Language::Node).await;
    refuses_others(Language::Node).await;
}

#[tokio::test]
async fn a_receiver_in_python_takes_events_and_nothing_else() {
    takes_events(Language::Python).await;
    refuses_others(Language::Python).await;
}

/// A NATS server with JetStream, whose streams are in this directory.
fn nats_server(address: SocketAddr, directory: &Path) -> Child {
    let text = format!(
        "listen: \"{address}\"\n\
         jetstream {{ store_dir: \"{}\", max_file_store: 64MB, max_memory_store: 16MB }}\n",
        directory.display()
    );
    let file = directory.join("nats.conf");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(tool("nats/nats-server"));
    command.arg("-c").arg(file).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().unwrap()
}

/// The messages of the stream, which is made for these subjects first.
async fn stored(nats: SocketAddr, make: Option<&str>) -> Vec<Value> {
    let question = json!({ "url": format!("nats://{nats}"), "make": make });
    let said = python("tests/foreign/nats/stream.py", &question).await;
    said["messages"].as_array().unwrap().clone()
}

/// Each event is stored once, although the server is killed, and there is no stream at first.
#[tokio::test]
async fn a_bridge_hands_events_on_to_a_stream_of_nats() {
    let (key, files) = (Key::new("sig-1"), TempDir::new().unwrap());
    let issuer = Issuer::with_keys(&[&key]);
    let nats = free_port();
    let alive = || std::net::TcpStream::connect(nats).is_ok();
    let mut server = nats_server(nats, files.path());
    until("the NATS server", alive).await;
    let receiver = Language::Nats(nats.port()).start(SECRET).await;
    let app =
        TestApp::ready(&settings(&issuer, &receiver, &files.path().join("q"), &[SECRET])).await;
    let deny = async |times: usize| {
        for _ in 0..times {
            assert!(!app.check(&Ask::get("/verified")).await.is_allowed());
        }
    };
    let metric = |name: &str| app.metric(&format!("rownd_authz_{name}"), &[("sink", "hook")]);
    deny(5).await;
    until("an attempt fails", || metric("event_attempts_failed_total") > 0.0).await;
    assert_eq!(stored(nats, Some("rownd.>")).await.len(), 0);
    until("the first are stored", || metric("events_sent_total") == 5.0).await;
    server.kill().await.unwrap();
    deny(5).await;
    until("the others wait", || metric("events_waiting") == 5.0).await;
    let _server = nats_server(nats, files.path());
    until("all are stored", || metric("events_sent_total") == 10.0).await;
    let messages = stored(nats, None).await;
    let mut ids = std::collections::HashSet::new();
    for message in &messages {
        assert_eq!(message["subject"], "rownd.check.denied");
        assert_eq!(message["headers"]["Nats-Msg-Id"], message["event"]["id"]);
        assert_eq!(message["headers"]["content-type"], "application/cloudevents+json");
        assert!(ids.insert(message["event"]["id"].to_string()), "{message} is there twice");
    }
    assert_eq!(ids.len(), 10);
    refuses_others(Language::Nats(nats.port())).await;
}
