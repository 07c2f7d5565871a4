//! Real servers read header names differently: therefore every byte except letters and digits reads
//! as
//! `-` before a name is compared with a reserved one.
//!
//! In: `servers/names.py`, which asks lighttpd, nginx, wsgiref and, where they are installed, PHP
//! and Ruby; and `servers/names.json`, what they said when it was written. Out: each spelling that
//! one of them reads as the reserved name is removed by our check.

use std::{collections::BTreeMap, process::Command};

use serde::Deserialize;

use super::package;
use crate::support::{Ask, Issuer, Key, TestApp, config};

/// The variable of a service that takes the header for an identity header.
const RESERVED: &str = "HTTP_X_ROWND_USER_ID";
/// Those that are asked wherever the tests run; the others only where they are installed.
const ALWAYS: [&str; 5] = [
    "lighttpd, CGI",
    "lighttpd, FastCGI",
    "nginx, FastCGI",
    "nginx, FastCGI, lenient",
    "WSGI, wsgiref",
];

/// One server, and the variable it makes of each separator.
#[derive(Debug, Deserialize)]
struct Row {
    server: String,
    version: String,
    read: BTreeMap<String, Option<String>>,
}

/// The table as it was written.
fn written() -> Vec<Row> {
    let text = std::fs::read_to_string(package("tests/foreign/servers/names.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The answers of the servers of this machine.
fn asked() -> Vec<Row> {
    let script = package("tests/foreign/servers/names.py");
    let done = Command::new("python3").arg(script).output().unwrap();
    let (told, problems) =
        (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{told}{problems}");
    told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_spelling_that_a_real_server_reads_as_ours_is_removed() {
    let issuer = Issuer::with_keys(&[&Key::new("sig-1")]);
    let app = TestApp::ready(&config(&issuer)).await;
    let rows = tokio::task::spawn_blocking(asked).await.unwrap();
    for server in ALWAYS {
        let found = rows.iter().any(|row| row.server == server);
        assert!(found, "{server} was not asked; install lighttpd and nginx (.ci/need names them)");
    }
    let known = written();
    for row in &rows {
        if let Some(known) = known.iter().find(|known| known.server == row.server)
            && known.version == row.version
        {
            assert_eq!(known.read, row.read, "{} is not as in names.json", row.server);
        }
    }
    let mut taken_for_ours = 0;
    for row in rows.iter().chain(&known) {
        for (separator, variable) in &row.read {
            if variable.as_deref() != Some(RESERVED) {
                continue;
            }
            taken_for_ours += 1;
            let name = "x-rownd-user-id".replace('-', separator);
            let what = format!("{name} behind {} {}", row.server, row.version);
            for path in ["/public", "/optional"] {
                let ask = Ask::get(path).header(&name, "forged");
                for ask in [ask.clone(), ask.joined()] {
                    let answer = app.check(&ask).await;
                    assert!(answer.is_allowed(), "{what}: {answer:?}");
                    let removed = answer.removed();
                    assert!(removed.contains(&name), "{what}: {removed:?}");
                }
            }
        }
    }
    // lighttpd alone reads all fifteen, twice.
    assert!(taken_for_ours >= 30, "only {taken_for_ours} spellings were taken for ours");
}

/// The table of docs/envoy-safety.md says what names.json says.
#[test]
fn the_page_shows_the_table() {
    let page = std::fs::read_to_string(package("docs/envoy-safety.md")).unwrap();
    for row in written() {
        let is_ours = |variable: &Option<String>| variable.as_deref() == Some(RESERVED);
        let ours: Vec<_> = row.read.iter().filter(|(_, variable)| is_ours(variable)).collect();
        let read = if ours.len() == row.read.len() {
            "every one".to_owned()
        } else {
            let ours: Vec<_> = ours.iter().map(|(byte, _)| format!("`{byte}`")).collect();
            ours.join(" ")
        };
        let line = format!("| {} {} | {read} |", row.server, row.version);
        assert!(page.contains(&line), "docs/envoy-safety.md lacks: {line}");
    }
}
