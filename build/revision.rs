//! The revision that a build is of, for `--version` and the metric `rownd_authz_build_info`.
//!
//! In: the variable `BUILD_REVISION`, the profile, and the tree. Out: a word. There may be no git, and
//! no repository: a build without either is of an unknown revision, and no error.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Neither named nor found.
const UNKNOWN: &str = "unknown";
/// A build with the profile `dev`, which would be made again after each commit if it had one.
const DEVELOPMENT: &str = "development";
/// The longest revision; that of git has 40 or 64 characters, and a mark may follow.
const MAX_LENGTH: usize = 80;

/// A revision, and the file that changes with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Revision {
    pub(crate) word: String,
    pub(crate) file: Option<PathBuf>,
}

/// The revision of a build: the one that is named, else the commit of the tree if it is a release.
///
/// # Errors
///
/// Fails if the named one is no plain word: it stands in a label of a metric.
pub(crate) fn find(named: Option<&str>, profile: &str, tree: &Path) -> Result<Revision, String> {
    let alone = |word: &str| Revision { word: word.to_owned(), file: None };
    match named {
        Some(word) if !word.is_empty() => return checked(word).map(alone),
        Some(_) | None => {}
    }
    if profile != "release" {
        return Ok(alone(DEVELOPMENT));
    }
    // A tree without a repository of its own may lie inside of another one.
    if !tree.join(".git").exists() {
        return Ok(alone(UNKNOWN));
    }
    let Some(word) = git(tree, &["rev-parse", "--short=12", "HEAD"]) else {
        return Ok(alone(UNKNOWN));
    };
    // The log of HEAD has a line more after each commit and each change of branch.
    let file = git(tree, &["rev-parse", "--git-path", "logs/HEAD"]).map(|path| tree.join(path));
    Ok(Revision { word, file: file.filter(|file| file.exists()) })
}

fn checked(word: &str) -> Result<&str, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte);
    if word.len() <= MAX_LENGTH && word.bytes().all(plain) {
        Ok(word)
    } else {
        Err(format!(
            "BUILD_REVISION is no revision; write 1 to {MAX_LENGTH} letters, digits or `. - _ +`"
        ))
    }
}

/// One line of git's output.
fn git(tree: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(tree).args(arguments).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}
