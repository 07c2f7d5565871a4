//! The revision of a build: where it is from, and where it shows.

use std::{path::Path, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Issuer, Key, TestApp, binary::run, config};

#[path = "../../../build/revision.rs"]
mod finder;

use finder::find;

fn word(named: Option<&str>, profile: &str, tree: &Path) -> Result<String, String> {
    find(named, profile, tree).map(|found| found.word)
}

fn git(tree: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    let output = Command::new("git").current_dir(tree).args(identity).args(arguments).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

#[test]
fn a_revision_is_named_or_the_commit_of_the_tree() {
    let (plain, repository) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let tree = repository.path();
    // Without git, or before the first commit, a build is of an unknown revision.
    assert_eq!(word(None, "release", plain.path()).unwrap(), "unknown");
    git(tree, &["init", "--quiet"]);
    assert_eq!(word(None, "release", tree).unwrap(), "unknown");
    git(tree, &["commit", "--quiet", "--allow-empty", "--message=one"]);
    let one = find(None, "release", tree).unwrap();
    assert_eq!(one.word.len(), 12, "{one:?}");
    assert!(one.word.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one:?}");
    // Cargo looks at this file, so that a later commit is seen.
    let log = std::fs::read_to_string(one.file.unwrap()).unwrap();
    git(tree, &["commit", "--quiet", "--allow-empty", "--message=two"]);
    let two = find(None, "release", tree).unwrap();
    assert_ne!(two.word, one.word);
    assert_ne!(std::fs::read_to_string(two.file.unwrap()).unwrap(), log);
    // An archive that was unpacked in a repository is not of its commit.
    let inner = tree.join("inner");
    std::fs::create_dir(&inner).unwrap();
    assert_eq!(word(None, "release", &inner).unwrap(), "unknown");
    // A debug build is not made again after each commit.
    assert_eq!(find(None, "debug", tree).unwrap().file, None);
    assert_eq!(word(None, "debug", tree).unwrap(), "development");
    for profile in ["release", "debug"] {
        assert_eq!(word(Some("v1.2-dirty"), profile, tree).unwrap(), "v1.2-dirty");
        assert_eq!(word(Some("0a1b".repeat(10).as_str()), profile, tree).unwrap().len(), 40);
        for odd in ["two words", "a\"b", "a\nb", "\u{e9}", "x".repeat(81).as_str()] {
            let problem = word(Some(odd), profile, tree).unwrap_err();
            assert!(problem.contains("BUILD_REVISION"), "{problem}");
        }
    }
    assert_eq!(word(Some(""), "release", tree).unwrap(), two.word, "empty is not named");
}

#[tokio::test]
async fn the_program_the_metric_and_the_page_name_one_revision() {
    let version = run(&["--version"], &[]);
    let said = String::from_utf8(version.stdout).unwrap();
    let parts = said.trim_end().strip_prefix("rownd-authz ").unwrap().split_once(' ').unwrap();
    let revision = parts.1.strip_prefix('(').unwrap().strip_suffix(')').unwrap();
    assert_eq!((parts.0, revision), (env!("CARGO_PKG_VERSION"), env!("BUILD_REVISION")));
    assert_eq!(run(&["-V"], &[]).stdout, said.as_bytes());
    let app = TestApp::ready(&config(&Issuer::with_keys(&[&Key::new("sig-1")]))).await;
    let labels = [("version", parts.0), ("revision", revision)];
    assert_eq!(app.metric("rownd_authz_build_info", &labels), 1.0);
    let page: Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
    assert_eq!((&page["version"], &page["revision"]), (&parts.0.into(), &revision.into()));
}
