//! A running emulator, and talking to a foreign program about it: one JSON value in, one
//! out.
//!
//! In: a program from `.tools/` and a question. Out: its answer, or its own words on why
//! there is none.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    sync::oneshot,
    task::JoinHandle,
};

use super::{package, tool};
use rownd_emulator::{Controls, Minter, Settings};

/// Such programs start within seconds; a loaded machine gets more.
const TIME_LIMIT: Duration = Duration::from_secs(180);

/// The demo's emulator on a free port.
pub(super) struct Running {
    pub(super) settings: Settings,
    pub(super) base_url: String,
    pub(super) minter: Minter,
    pub(super) controls: Controls,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    pub(super) async fn start() -> Self {
        Self::with(Settings::demo("127.0.0.1:0".parse().unwrap())).await
    }

    /// Another than the demo's.
    pub(super) async fn with(settings: Settings) -> Self {
        let emulator = rownd_emulator::bind(settings).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        Self {
            settings: emulator.settings().clone(),
            base_url: emulator.base_url().to_owned(),
            minter: emulator.minter(),
            controls: emulator.controls(),
            stop,
            task: tokio::spawn(emulator.run(async move { stopped.await.unwrap_or(()) })),
        }
    }

    pub(super) async fn end(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

/// Asks a script of ours that runs on Node with the packages of `tests/foreign/node`.
pub(super) async fn node(script: &str, question: &Value) -> Value {
    ask(&mut on_node(script), question).await
}

fn on_node(script: &str) -> Command {
    let installed = tool("node/node_modules/@rownd/node/package.json");
    let modules = installed.ancestors().nth(3).unwrap();
    assert_fresh(&tool("node/package-lock.json"), &package("tests/foreign/node/package-lock.json"));
    let mut command = Command::new("node");
    command.arg(package(script)).env("NODE_PATH", modules);
    command
}

/// A script on Node that goes on running after its first line. Dropped, it ends.
pub(super) struct Serving(#[expect(dead_code, reason = "held")] Child);

/// Starts one; its first line is its answer.
pub(super) async fn serving_on_node(script: &str) -> (Serving, Value) {
    let mut command = on_node(script);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(TIME_LIMIT, lines.next_line()).await.expect("a line in time");
    let line = line.unwrap().expect("its words on why there is no line are above");
    let answer = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
    (Serving(child), answer)
}

/// Asks a script of ours that runs on Python with the packages of the virtual environment.
pub(super) async fn python(script: &str, question: &Value) -> Value {
    let mut command = Command::new(tool("venv/bin/python"));
    command.arg(package(script));
    ask(&mut command, question).await
}

/// Asks a program that `make tools` has built.
pub(super) async fn program(path: &str, question: &Value) -> Value {
    ask(&mut Command::new(tool(path)), question).await
}

/// Asks a program: one JSON value in, one out.
pub(super) async fn ask(command: &mut Command, question: &Value) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(question.to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let output = tokio::time::timeout(TIME_LIMIT, child.wait_with_output())
        .await
        .expect("the program answers in time")
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// Ends the test if an installed list of packages is not the one in the tree.
pub(super) fn assert_fresh(installed: &Path, wanted: &Path) {
    let read = |path: &Path| {
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    assert!(
        read(installed) == read(wanted),
        "{} is not what {} asks for: run `make tools` again",
        installed.display(),
        wanted.display(),
    );
}
