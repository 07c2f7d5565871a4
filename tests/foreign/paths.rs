//! How real URL parsers read a path: what one of them takes for a protected path is never open.
//!
//! In: paths made of leads and ends; Node's two URL parsers, Express's, and Python's, which say
//! what they read. Out: where one reads `/admin`, a caller without a credential is denied, whether
//! odd paths are refused or judged.

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{package, tool};
use crate::support::{Ask, Issuer, Key, TestApp, config_with};

#[rustfmt::skip] // many on a line
const LEADS: &[&str] = &[
    "", "//x", "///x", "////x", "/\\x", "\\/x", "/\\\\x", "/;/x", "/;a=b/x", "/;;/x", "//x;y", "//u@x", "//u:p@x:80",
    "//[::1]", "//x:", "/%2fx", "/%2f/x", "/%5cx", "/%3b/x", "/./x/..", "/.//x", "/x/..", "/x/../", "/..#/..", "/x#/..",
    "/#", "#", "/x#", "//x#", "//#", "/x/..;/..", "/x//..//..", "//.", "//..", "//x/..", "/?", "/x?",
];
#[rustfmt::skip] // many on a line
const ENDS: &[&str] = &[
    "/admin", "/admin/x", "\\admin", "/%61dmin", "/./admin", "//admin", "/;/admin", "/admin#x", "/admin?x", "/admin;x",
    "/%2e/admin", "/x/../admin", "/..//admin", "/.%2e/admin", "%2fadmin", "%5cadmin", "/admin%2fx", "/admin%23x",
];

/// The path as each parser reads it.
type Readings = BTreeMap<String, Vec<String>>;

fn ask(program: &str, arguments: &[String], paths: &[String]) -> Vec<Readings> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(json!(paths).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}");
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn protected(path: &str) -> bool {
    path.strip_prefix("/admin").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn open_but_admin(issuer: &Issuer, odd_paths: &str) -> TestApp {
    let settings = config_with(issuer, |config: &mut Value| {
        config["routes"] = json!([
            { "id": "admin", "match": { "path": { "prefix": "/admin" } }, "odd_paths": odd_paths },
        ]);
        config["default"] = json!({ "auth": "none", "odd_paths": odd_paths });
    });
    TestApp::ready(&settings).await
}

#[tokio::test]
async fn what_a_real_parser_takes_for_a_protected_path_is_never_open() {
    let issuer = Issuer::with_keys(&[&Key::new("sig-1")]);
    let (refusing, judging) =
        (open_but_admin(&issuer, "refuse").await, open_but_admin(&issuer, "judge").await);
    let paths: Vec<String> =
        LEADS.iter().flat_map(|lead| ENDS.iter().map(move |end| format!("{lead}{end}"))).collect();
    let script = |name: &str| package(&format!("tests/foreign/servers/{name}"));
    let parseurl = tool("clients/express/node_modules/parseurl/index.js");
    let (node, python) = {
        let paths = paths.clone();
        let (node, python) = (script("paths.cjs"), script("paths.py"));
        tokio::task::spawn_blocking(move || {
            let text = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
            (
                ask("node", &[text(node), text(parseurl)], &paths),
                ask("python3", &[text(python)], &paths),
            )
        })
        .await
        .unwrap()
    };
    assert_eq!((node.len(), python.len()), (paths.len(), paths.len()));
    let mut taken = BTreeMap::<String, usize>::new();
    for ((path, node), python) in paths.iter().zip(node).zip(python) {
        let readers: Vec<String> = node
            .into_iter()
            .chain(python)
            .filter(|(_, read)| read.iter().any(|read| protected(read)))
            .map(|(name, _)| name)
            .collect();
        if readers.is_empty() {
            continue;
        }
        for app in [&refusing, &judging] {
            let answer = app.check(&Ask::get(path.clone())).await;
            assert!(!answer.is_allowed(), "{path} is open, and protected to {readers:?}");
        }
        for name in readers {
            *taken.entry(name).or_default() += 1;
        }
    }
    // Each parser has its say, Express's as well.
    assert_eq!(taken.len(), 8, "{taken:?}");
    assert!(taken.values().all(|count| *count >= 10), "{taken:?}");
}
