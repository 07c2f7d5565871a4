//! The lines of `make demo`: each is sent through the demo's Envoy and answered as it says.

use std::{fs, path::Path};

use crate::support::{child::Guarded, eventually, free_port, raw::Raw};

/// The request of a `curl` line, and the status that it expects.
fn parse(line: &str) -> (Raw, u16) {
    let (command, status) = line.split_once("  # -> ").expect("a status");
    let words: Vec<&str> = command.split('\'').collect();
    let target = words[0].split_whitespace().find(|word| word.starts_with("http")).expect("a URL");
    let path = &target[target.find("127.0.0.1").expect("a host")..];
    let path = &path[path.find('/').expect("a path")..];
    let request = words.iter().skip(1).step_by(2).fold(Raw::get(path), |request, header| {
        let (name, value) = header.split_once(": ").expect("a header");
        request.header(name, value)
    });
    (request, status.parse().expect("a number"))
}

#[tokio::test]
async fn every_line_of_the_demo_is_answered_as_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let names = ["envoy", "envoy-admin", "emulator", "grpc", "ops", "echo"];
    let ports = names.map(|_| free_port());
    let envoy = concat!(env!("CARGO_MANIFEST_DIR"), "/.tools/envoy/envoy");
    let mut arguments = vec!["dev".to_owned(), "--envoy".to_owned(), envoy.to_owned()];
    for (name, address) in names.iter().zip(&ports) {
        arguments.extend([format!("--{name}-port"), address.port().to_string()]);
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_rownd-authz"));
    let mut process = Guarded::spawn(binary, &arguments, &[], &log);
    let printed = eventually("the lines of the demo", || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        std::future::ready(text.contains("Ctrl-C stops everything").then_some(text))
    })
    .await;
    let lines: Vec<&str> = printed.lines().filter(|line| line.starts_with("curl ")).collect();
    assert!(lines.len() >= 16, "{printed}");
    for line in lines {
        let (request, status) = parse(line);
        let answer = request.send(ports[0]).await;
        assert_eq!(answer.status, status, "{line}: {}", answer.text());
    }
    // Ctrl-C stops everything: Envoy is no child of this test, and would stay.
    process.signal("INT");
    process.exit().await;
    eventually("the end of the demo's Envoy", || async {
        tokio::net::TcpStream::connect(ports[0]).await.is_err().then_some(())
    })
    .await;
}
