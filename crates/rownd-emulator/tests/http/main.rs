//! The emulator by HTTP, as a client of Rownd uses it: each operation of the vendor's Go client and of
//! its live test suite, and the rules that its manual states.
//!
//! In: an emulator on a free port, and requests as bytes. Out: its answers. No type of the emulator
//! stands between the test and the wire.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test ends by panicking, and runs its own servers"
)]

mod core;
mod credentials;
mod fields;
mod go_groups;
mod go_users;
mod interaction;
mod invites;
mod links;
mod minting;
mod oidc_clients;
mod platform;
mod public;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use rownd_emulator::{Minter, Seed, Settings, TokenOrder};
use serde_json::{Value, json};

/// The longest time for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);

type Headers<'a> = &'a [(&'a str, &'a str)];

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// A header by its name in lower case; empty if it is not there.
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}

/// A running emulator; it ends with the test process.
struct Emulator {
    to: SocketAddr,
    base_url: String,
    settings: Settings,
    minter: Minter,
}

impl Emulator {
    fn start() -> Self {
        Self::seeded(None)
    }

    /// With further apps.
    fn seeded(seed: Option<&Value>) -> Self {
        let mut settings = Settings::demo("127.0.0.1:0".parse().unwrap());
        if let Some(seed) = seed {
            settings.seed = Seed::parse("seed.yaml", &seed.to_string()).unwrap();
        }
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let emulator = rownd_emulator::bind(settings).await.unwrap();
                let started = Self {
                    to: emulator.address(),
                    base_url: emulator.base_url().to_owned(),
                    settings: emulator.settings().clone(),
                    minter: emulator.minter(),
                };
                sender.send(started).unwrap();
                emulator.run(std::future::pending()).await.unwrap();
            });
        });
        receiver.recv_timeout(TIMEOUT).unwrap()
    }

    /// Any request, byte by byte.
    fn raw(&self, method: &str, path: &str, headers: Headers<'_>, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.to).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.to);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Answer { status, headers, body: answer[end + 4..].to_vec() }
    }

    /// A request with a JSON body, or with none. It names the content type even without a body, like
    /// the Go client.
    fn ask(&self, method: &str, path: &str, headers: Headers<'_>, body: Option<Value>) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.raw(method, path, &all, body.as_bytes())
    }

    /// A request of the demo app's backend, below the app.
    fn backend(&self, method: &str, below: &str, body: Option<Value>) -> Answer {
        let path = format!("/applications/{}{below}", self.settings.app_id);
        self.with_secret(method, &path, body)
    }

    /// A request with the demo app's key and secret.
    fn with_secret(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let headers = [
            ("X-ROWND-APP-KEY", self.settings.app_key.as_str()),
            ("X-ROWND-APP-SECRET", self.settings.app_secret.as_str()),
        ];
        self.ask(method, path, &headers, body)
    }

    /// The same, which has to succeed.
    fn done(&self, method: &str, below: &str, body: Option<Value>) -> Value {
        let answer = self.backend(method, below, body);
        assert!(answer.status < 300, "{method} {below}: {} {}", answer.status, answer.json());
        answer.json()
    }

    /// A request with the token of a user.
    fn user(&self, name: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let bearer = format!("Bearer {}", self.token(&TokenOrder::of(name)));
        self.ask(method, path, &[("authorization", &bearer)], body)
    }

    fn token(&self, order: &TokenOrder) -> String {
        self.minter.mint(order).unwrap()
    }

    /// Makes a user with these fields, and returns the id.
    fn make_user(&self, data: &Value) -> String {
        let made = self.done("PUT", "/users/__UUID__/data", Some(json!({ "data": data })));
        text(&made["data"]["user_id"]).to_owned()
    }

    /// The path of a URL of this emulator.
    fn path<'a>(&self, url: &'a str) -> &'a str {
        url.strip_prefix(&self.base_url).unwrap_or_else(|| panic!("{url} is of another server"))
    }

    /// Follows a link as an SDK does.
    fn follow(&self, link: &str) -> Answer {
        self.ask("GET", self.path(link), &[("User-Agent", "rownd sdk")], None)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The claims of a token.
fn claims(token: &str) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
