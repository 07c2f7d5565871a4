//! The commands of README.md and docs/http-json.md, run as a reader runs them.

use std::process::Stdio;

use tokio::process::Command;

use super::{address, start};
use crate::{
    it::rownd_auth::{ADMIN, Rig},
    support::in_time,
};

/// The commands of a page that begin with `curl` and lead to the listener `http`.
fn commands(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap().replace("\\\n", " ");
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| line.starts_with("curl ") && line.contains(":8085/"))
        .map(str::to_owned)
        .collect()
}

async fn run(rig: &Rig, command: &str) -> String {
    let command = command
        .replace("127.0.0.1:8085", &address(rig).to_string())
        .replace("SECRET", ADMIN)
        .replace("TOKEN", &rig.token("ann"));
    let child = Command::new("sh").arg("-c").arg(&command).stdin(Stdio::null()).output();
    let output = in_time(&command, child).await.unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_commands_of_the_pages_work_as_they_stand() {
    let rig = start().await;
    for (page, least) in [("README.md", 1), ("docs/http-json.md", 3)] {
        let commands = commands(page);
        assert!(commands.len() >= least, "{page}: {commands:?}");
        for command in commands {
            let answer = run(&rig, &command).await;
            let expected = if command.contains("openapi") {
                "\"openapi\":\"3.1.0\""
            } else if command.contains("SECRET") {
                "\"ann\""
            } else {
                "CALLER_REQUIRED"
            };
            assert!(answer.contains(expected), "{page}: {command}\n{answer}");
        }
    }
}
