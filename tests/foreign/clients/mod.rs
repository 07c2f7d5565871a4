//! The programs of `examples/`, run as their readers run them, against the real server.
//!
//! In: `examples/rownd-authz.yaml` and `examples/seed.yaml` on free ports, and each program
//! with its stubs from `.tools/clients`. Out: every language prints what
//! `examples/clients/README.md` says, over TCP, over a Unix socket, and while Rownd is down.

mod nested;
mod packages;
mod stage;
mod web;

use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use tokio::process::Command;

use self::stage::{Over, Stage};
use super::{package, talk::assert_fresh, tool};
use rownd_emulator::{Endpoint, Fault};

/// A JVM on a loaded machine starts within this, too.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// A client, by its language.
#[derive(Debug, Clone, Copy)]
enum Client {
    Python,
    Go,
    Node,
    Java,
    Ruby,
}

impl Client {
    /// Those that `make test` has the tools for.
    const TESTED: [Self; 3] = [Self::Python, Self::Go, Self::Node];
    /// Those that `make clients` adds.
    const BY_HAND: [Self; 2] = [Self::Java, Self::Ruby];

    fn command(self) -> Command {
        let main = |path: &str| package("examples/clients").join(path);
        let mut command;
        match self {
            Self::Python => {
                command = Command::new(tool("venv/bin/python"));
                command.arg(main("python/main.py")).env("PYTHONPATH", tool("clients/python"));
            }
            Self::Go => {
                for file in ["main.go", "management.go"] {
                    assert_fresh(&tool("clients/go").join(file), &main("go").join(file));
                }
                command = Command::new(tool("clients/go/client"));
            }
            Self::Node => {
                command = Command::new("node");
                command.arg(main("node/main.cjs")).env("NODE_PATH", node_modules("node"));
            }
            Self::Java => {
                let built = tool("clients/java");
                for file in ["Main.java", "Management.java"] {
                    let source = format!("src/main/java/example/{file}");
                    assert_fresh(&built.join(&source), &main("java").join(&source));
                }
                let target = built.join("target");
                let path = format!("{0}/classes:{0}/lib/*", target.display());
                command = Command::new("java");
                command.args(["-cp", &path, "example.Main"]);
            }
            Self::Ruby => {
                command = Command::new("ruby");
                command.arg("-I").arg(tool("clients/ruby")).arg(main("ruby/main.rb"));
            }
        }
        command
    }

    /// Runs the client and returns the lines that it prints.
    async fn run(self, stage: &Stage) -> String {
        let mut command = self.command();
        command.envs(stage.environment());
        self.output_of(command).await
    }

    /// The same for its `management`.
    async fn manage(self, stage: &Stage) -> String {
        let mut command = self.command();
        command.arg("management").envs(stage.environment_of_back_office());
        self.output_of(command).await
    }

    async fn output_of(self, mut command: Command) -> String {
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(TIME_LIMIT, command.output())
            .await
            .unwrap_or_else(|_| panic!("{self:?} does not end"))
            .unwrap_or_else(|error| panic!("{self:?} does not run: {error}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{self:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Where `make tools` has put the packages of an example for Node.
fn node_modules(example: &str) -> PathBuf {
    let installed = tool(&format!("clients/{example}"));
    let source = if example == "node" { "clients/node" } else { example };
    let lock = package("examples").join(source).join("package-lock.json");
    assert_fresh(&installed.join("package-lock.json"), &lock);
    installed.join("node_modules")
}

/// The texts in the README, in their order: in good times, while Rownd is down, and of `management`.
fn expected() -> [String; 3] {
    let page = fs::read_to_string(package("examples/clients/README.md")).unwrap();
    let mut texts = page.split("```text\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    [(); 3].map(|()| texts.next().unwrap().to_owned())
}

/// When to come again is the server's to say, and differs.
fn without_times(text: &str) -> String {
    let line = |line: &str| line.rsplit_once(" in ").map_or(line, |(rest, _)| rest).to_owned();
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

async fn all_say_what_is_expected(clients: &[Client], over: Over) {
    let stage = Stage::set(over).await;
    let [expected, ..] = expected();
    for client in clients {
        assert_eq!(client.run(&stage).await, expected, "{client:?} over {over:?}");
    }
    stage.end().await;
}

/// Rownd is down, except for its keys: only calls that are safe to repeat are repeated.
async fn all_tell_an_outage(clients: &[Client]) {
    let stage = Stage::set(Over::Tcp).await;
    for endpoint in [Endpoint::Token, Endpoint::UserData] {
        stage.running.controls.inject(Fault::status(endpoint, 503)).unwrap();
    }
    let [_, expected, _] = expected();
    for client in clients {
        let before = stage.calls().await;
        let said = without_times(&client.run(&stage).await);
        assert_eq!(said, without_times(&expected), "{client:?}");
        let after = stage.calls().await;
        let made = [0, 1, 2].map(|method| after[method] - before[method]);
        // Two grants, once each; and one user, asked for as often as the policy allows.
        assert_eq!(made, [2, 2, 3], "{client:?}");
    }
    stage.end().await;
}

/// A user from the first day to the last. Each client finds the stage as the one before did.
async fn all_manage(clients: &[Client], over: Over) {
    let stage = Stage::set(over).await;
    let [.., expected] = expected();
    for client in clients {
        assert_eq!(client.manage(&stage).await, expected, "{client:?} over {over:?}");
        // The caller of the other program has none of the rights.
        let mut command = client.command();
        command.arg("management").envs(stage.environment());
        let said = client.output_of(command).await;
        assert!(said.lines().all(|line| line.contains("PERMISSION_DENIED")), "{client:?}: {said}");
    }
    stage.end().await;
}

#[tokio::test]
async fn every_client_manages_users_groups_and_openid_clients() {
    all_manage(&Client::TESTED, Over::Tcp).await;
    all_manage(&Client::TESTED, Over::Unix).await;
}

#[tokio::test]
async fn every_client_says_the_same_over_tcp() {
    all_say_what_is_expected(&Client::TESTED, Over::Tcp).await;
}

#[tokio::test]
async fn every_client_says_the_same_over_a_unix_socket() {
    all_say_what_is_expected(&Client::TESTED, Over::Unix).await;
}

#[tokio::test]
async fn every_client_tells_an_outage_and_trades_once() {
    all_tell_an_outage(&Client::TESTED).await;
}

#[tokio::test]
#[ignore = "needs a JDK, Maven and Ruby: make clients"]
async fn java_and_ruby_say_the_same() {
    all_say_what_is_expected(&Client::BY_HAND, Over::Tcp).await;
    all_say_what_is_expected(&Client::BY_HAND, Over::Unix).await;
    all_tell_an_outage(&Client::BY_HAND).await;
    all_manage(&Client::BY_HAND, Over::Tcp).await;
}
