//! The program `rownd-emulator`, as a test of another project would run it: started on a free port,
//! asked for tokens by HTTP, and stopped by SIGTERM.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test ends by panicking, and starts its own programs"
)]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// The longest time that the program may take to start or to stop.
const TIMEOUT: Duration = Duration::from_secs(30);

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rownd-emulator"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ROWND_") {
            command.env_remove(name);
        }
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// A running emulator.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        Self::start_in(arguments, &[("ROWND_EMULATOR_LISTEN", "127.0.0.1:0")])
    }

    fn start_in(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = program();
        command.args(arguments).envs(environment.iter().copied()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("rownd-emulator listening on ").unwrap();
        let address = address.parse().unwrap();
        Self { child, stdout, address }
    }

    /// Status and JSON of a request; the body `null` is no body.
    fn ask(&self, request: &str, headers: &str, body: &Value) -> (u16, Value) {
        ask(self.address, request, headers, body)
    }

    fn terminate(&self) {
        let status = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    fn end(&mut self) -> ExitStatus {
        let give_up = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < give_up, "the emulator does not stop");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(to: SocketAddr, request: &str, headers: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n{headers}\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

#[test]
fn a_token_is_exchanged_and_the_program_is_stopped() {
    let mut emulator = Running::start(&["--app-secret", "ras_fixed"]);
    let exchange = json!({
        "access_token_type": "anonymous",
        "app_id": "app_demo0000000000000000000001",
    });
    let (status, tokens) = emulator.ask("POST /hub/auth/token", "", &exchange);
    assert_eq!(status, 200, "{tokens}");
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let (status, next) = emulator.ask("POST /hub/auth/token", "", &refresh);
    assert_eq!(status, 200, "{next}");
    let bearer = format!("authorization: Bearer {}\r\n", next["access_token"].as_str().unwrap());
    let (status, profile) = emulator.ask("GET /me", &bearer, &Value::Null);
    assert_eq!(status, 200, "{profile}");
    assert_eq!(profile["auth_level"], "guest");

    let (_, apps) = emulator.ask("GET /__emulator/apps", "", &Value::Null);
    assert_eq!(apps["apps"][0]["secret"], "ras_fixed");

    emulator.terminate();
    assert_eq!(emulator.end().code(), Some(0));
    let mut rest = String::new();
    emulator.stdout.read_to_string(&mut rest).unwrap();
    for shown in ["base URL    http://127.0.0.1:", "app key     key_demo", "app secret  ras_fixed"]
    {
        assert!(rest.contains(shown), "{shown}\n---\n{rest}");
    }
}

#[test]
fn a_request_in_flight_is_answered_after_sigterm() {
    let mut emulator = Running::start(&[]);
    let fault = json!({ "endpoint": "keys", "delay_ms": 600 });
    assert_eq!(emulator.ask("POST /__emulator/faults", "", &fault).0, 200);
    let to = emulator.address;
    let late = thread::spawn(move || ask(to, "GET /hub/auth/keys", "", &Value::Null));
    let give_up = Instant::now() + TIMEOUT;
    while emulator.ask("GET /__emulator/hits", "", &Value::Null).1["keys"] != 1 {
        assert!(Instant::now() < give_up, "the request does not arrive");
    }
    emulator.terminate();
    let (status, keys) = late.join().unwrap();
    assert_eq!(status, 200);
    assert_eq!(keys["keys"][0]["alg"], "EdDSA");
    assert_eq!(emulator.end().code(), Some(0));
}

#[test]
fn the_program_mints_at_a_running_emulator() {
    let emulator = Running::start(&["--issuer", "https://api.rownd.io"]);
    let url = format!("http://{}", emulator.address);
    let minted = run(&["token", "--emulator", &url, "--user", "guest"]);
    assert!(minted.status.success(), "{minted:?}");
    let token = String::from_utf8(minted.stdout).unwrap();
    assert_eq!(token.trim().split('.').count(), 3, "{token}");
    let bearer = format!("authorization: Bearer {}\r\n", token.trim());
    assert_eq!(emulator.ask("GET /me", &bearer, &Value::Null).0, 200);
}

/// The claims of the token that the program prints.
fn minted(arguments: &[&str]) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let output = run(arguments);
    assert!(output.status.success(), "{output:?}");
    let token = String::from_utf8(output.stdout).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(token.trim().split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&claims).unwrap()
}

#[test]
fn a_token_of_an_app_is_as_the_app_says() {
    let seed = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        &seed,
        "apps:
  - { id: app_mine, key: key_mine, secret: ras_mine, schema: { plan: {} },
      audience: [https://api.example.com], refresh_tokens: { ttl: 90d },
      custom_claims: { plan: { source: user_profile, value: plan } },
      users: [{ id: ann, data: { plan: pro } }] }
",
    )
    .unwrap();
    let emulator = Running::start(&["--seed", seed.path().to_str().unwrap()]);
    let url = format!("http://{}", emulator.address);
    let mint = |more: &[&str]| {
        let words = ["token", "--emulator", &url, "--app", "app_mine", "--user", "ann"];
        minted(&[&words, more].concat())
    };
    let lifetime =
        |claims: &Value| claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    let plain = mint(&[]);
    assert_eq!(plain["aud"], json!(["app:app_mine", "https://api.example.com"]));
    assert_eq!((&plain["plan"], lifetime(&plain)), (&json!("pro"), 3_600));
    let refresh = mint(&["--refresh"]);
    assert_eq!((refresh.get("plan"), lifetime(&refresh)), (None, 90 * 86_400));
    assert_eq!(lifetime(&mint(&["--ttl", "5m"])), 300);
    let expired = mint(&["--refresh", "--expired"]);
    assert!(expired["exp"].as_i64().unwrap() < plain["iat"].as_i64().unwrap() - 3_500);
    let other = mint(&["--claim", "plan=\"free\"", "--remove-claim", "aud"]);
    assert_eq!((&other["plan"], other.get("aud")), (&json!("free"), None));
}

#[test]
fn the_base_url_stands_in_metadata() {
    let emulator = Running::start(&["--base-url", "http://emulator:8787/"]);
    let path = "GET /hub/auth/.well-known/oauth-authorization-server";
    let (_, metadata) = emulator.ask(path, "", &Value::Null);
    assert_eq!(metadata["issuer"], "http://emulator:8787");
    assert_eq!(metadata["jwks_uri"], "http://emulator:8787/hub/auth/keys");
}

#[test]
fn all_addresses_have_to_be_allowed() {
    let image = [("ROWND_EMULATOR_LISTEN", "0.0.0.0:0"), ("ROWND_EMULATOR_ALLOW_REMOTE", "true")];
    let mut allowed = Running::start_in(&[], &image);
    let to = SocketAddr::from(([127, 0, 0, 1], allowed.address.port()));
    assert_eq!(ask(to, "GET /ready", "", &Value::Null).0, 200);
    allowed.terminate();
    assert_eq!(allowed.end().code(), Some(0));
}

#[test]
fn a_seed_and_an_echo_can_be_added() {
    let seed = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&seed, "apps: [{ id: app_mine, key: key_mine, secret: ras_mine }]\n").unwrap();
    let file = seed.path().to_str().unwrap();
    let mut emulator = Running::start(&["--seed", file, "--echo", "127.0.0.1:0"]);
    let (status, app) = emulator.ask("GET /hub/app-config?app_id=app_mine", "", &Value::Null);
    assert_eq!((status, &app["app"]["id"]), (200, &json!("app_mine")));
    let mut line = String::new();
    while !line.contains("echo") {
        line.clear();
        assert!(emulator.stdout.read_line(&mut line).unwrap() > 0, "no line about the echo");
    }
    let echo = line.trim().rsplit("http://").next().unwrap().parse().unwrap();
    assert_eq!(ask(echo, "GET /a", "x-b: c\r\n", &Value::Null).1["headers"]["x-b"], "c");
}

#[test]
fn bad_input_is_answered_with_one_message_and_status_2() {
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = busy.local_addr().unwrap().to_string();
    let seed = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&seed, "apps:\n  - id: app_a\n    kee: key_a\n    secret: s\n").unwrap();
    let seed = seed.path().to_str().unwrap();
    let cases: [(&[&str], &[&str]); 6] = [
        (&["--listen", "0.0.0.0:0"], &["loopback addresses only", "--allow-remote"]),
        (&["--listen", &busy], &["cannot listen on", "in use"]),
        (&["--listen", "8787"], &["--listen"]),
        (&["--seed", "/does/not/exist"], &["/does/not/exist: cannot be read"]),
        (&["--seed", seed], &[":3: apps[0].kee: unknown key", "`key` is missing", "2 problems"]),
        (&["token", "--emulator", "http://127.0.0.1:1"], &["no emulator at 127.0.0.1:1"]),
    ];
    for (arguments, expected) in cases {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        for part in expected {
            assert!(message.contains(part), "{arguments:?}: {part}\n---\n{message}");
        }
    }
}

#[test]
fn help_shows_options_settings_and_examples() {
    let output = run(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    for part in [
        "--listen <ADDRESS>",
        "--allow-remote",
        "--base-url <URL>",
        "--issuer <URL>",
        "--seed <FILE>",
        "--app-secret <SECRET>",
        "--echo <ADDRESS>",
        "ROWND_EMULATOR_LISTEN",
        "Examples:",
        "Exit status:",
    ] {
        assert!(help.contains(part), "{part}\n---\n{help}");
    }
}
