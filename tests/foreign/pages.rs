//! The lines of the docs for RowndAuth, pasted as a reader pastes them: beside the real
//! `rownd-authz dev`, with the real grpcurl.
//!
//! In: the `sh` blocks of the pages that call RowndAuth, and the lines that `dev` prints. Out:
//! each answers what it is there to show.

use std::{fs, net::SocketAddr, path::Path, process::Output, time::Duration};

use tempfile::TempDir;
use tokio::process::Command;

use super::{package, tool};
use crate::support::{child::Guarded, eventually, free_port};

const BINARY: &str = env!("CARGO_BIN_EXE_rownd-authz");
const TIME_LIMIT: Duration = Duration::from_secs(60);
const SERVICE: &str = "rownd.auth.v1.RowndAuth/";

/// A running `dev`, and what it printed.
struct Dev {
    _process: Guarded,
    _dir: TempDir,
    grpc: SocketAddr,
    emulator: SocketAddr,
    printed: String,
}

impl Dev {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let ports = [free_port(), free_port(), free_port(), free_port()];
        let [emulator, grpc, ops, echo] = ports.map(|address| address.port().to_string());
        let arguments = [
            "dev",
            "--emulator-port",
            &emulator,
            "--grpc-port",
            &grpc,
            "--ops-port",
            &ops,
            "--echo-port",
            &echo,
        ];
        let process = Guarded::spawn(Path::new(BINARY), arguments, &[], &log);
        let printed = eventually("the lines of dev", || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            std::future::ready(text.contains("BuildAuthorizationUrl\n").then_some(text))
        })
        .await;
        let [emulator, grpc, ..] = ports;
        Self { _process: process, _dir: dir, grpc, emulator, printed }
    }

    /// The value that `dev` printed behind `NAME=`.
    fn says(&self, name: &str) -> &str {
        let mut lines = self.printed.lines().map(str::trim);
        let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("no {name} in\n{}", self.printed))
    }

    /// Runs a line in a shell, at these addresses.
    async fn paste(&self, line: &str) -> Output {
        let here = line
            .replace("127.0.0.1:50051", &self.grpc.to_string())
            .replace("target/debug/rownd-authz token mint", &{
                format!("{BINARY} token mint --emulator http://{}", self.emulator)
            });
        let grpcurl = tool("grpcurl/grpcurl");
        let path = std::env::join_paths(
            [grpcurl.parent().unwrap().to_owned()]
                .into_iter()
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
        );
        let run = Command::new("/bin/sh")
            .args(["-c", &here])
            .current_dir(package(""))
            .env("PATH", path.unwrap())
            .env("TOKEN", self.says("TOKEN"))
            .env("CALLER", self.says("CALLER"))
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(TIME_LIMIT, run).await;
        output.unwrap_or_else(|_| panic!("{here} does not end")).unwrap()
    }

    /// Runs a line, which answers what its method is there for.
    async fn answers(&self, line: &str) {
        let output = self.paste(line).await;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{said}{errors}");
        let expected = match method_of(line) {
            Some("Verify") => "\"userId\": \"user_verified\"",
            Some("GetUser") => "\"user\": {",
            Some("Exchange") => "\"accessToken\": \"ey",
            Some("BuildAuthorizationUrl") => "\"codeVerifier\": \"",
            Some("ListOidcClients") => "\"oidcClients\": [",
            Some("CreateOidcClient") => "\"secret\": \"",
            Some("GetOidcClient" | "UpdateOidcClient") => "\"id\": \"oc_demo\"",
            Some("UploadOidcClientLogo") => "/logo/light\"",
            Some("DeleteOidcClient") => "{",
            Some(other) => panic!("{line}: no method {other}"),
            None if line.contains("grpc.health") => "SERVING",
            None if line.contains("token mint") => "ey",
            None => panic!("{line}: what does it answer?"),
        };
        assert!(said.contains(expected), "{line}\n{said}");
    }
}

/// The method that a line calls.
fn method_of(line: &str) -> Option<&str> {
    let (_, called) = line.split_once("rownd.auth.v1.")?;
    called.split_once('/').map(|(_, method)| method.trim())
}

/// The commands of a text: lines that begin with one of these words, with what continues them.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim);
    let ours = |line: &&str| {
        line.starts_with("grpcurl ") || line.starts_with("target/debug/rownd-authz token mint")
    };
    lines.filter(ours).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_line_of_the_docs_and_of_dev_answers() {
    let dev = Dev::start().await;
    let mut pasted = 0;
    for page in ["docs/rownd-auth.md", "docs/getting-started.md", "docs/oidc-clients.md"] {
        let text = fs::read_to_string(package(page)).unwrap();
        let blocks = text.split("```").skip(1).step_by(2).filter_map(|b| b.strip_prefix("sh\n"));
        for command in blocks.flat_map(commands) {
            dev.answers(&command).await;
            pasted += 1;
        }
    }
    assert!(pasted >= 9, "found only {pasted} lines");
    // Those that begin with the program's own path stand for themselves.
    let printed = dev.printed.split("Call RowndAuth").nth(1).unwrap();
    let lines = commands(printed);
    assert_eq!(lines.len(), 6, "{lines:#?}");
    for line in lines {
        dev.answers(&line).await;
    }
}

#[tokio::test]
async fn a_line_without_the_secret_is_refused_with_a_reason() {
    let dev = Dev::start().await;
    let line = format!(
        "grpcurl -plaintext -d '{{\"user_id\":\"user_guest\"}}' 127.0.0.1:50051 {SERVICE}GetUser"
    );
    let output = dev.paste(&line).await;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && errors.contains("CALLER_NOT_GRANTED"), "{errors}");
}
