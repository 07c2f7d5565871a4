//! The configuration of a running process: which files it is made of, whether they have changed,
//! and how it is read again.
//!
//! Changes are found by reading: what is compared is the content, by its digest, once a second.
//! This finds a file that is written in place, one that is renamed over, the swapped `..data` link
//! of a Kubernetes mount, a network file system and a file that comes back, all in the same way,
//! and needs no watch descriptors, of which a busy node may have none left.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    Config, Finding, Judged, Problems, document::YamlDocument, environment, file_problem::one,
    judge, main_file, name_of, parse_with,
};
use crate::{
    digest::{Sha256, sha256, sha256_of_parts},
    model::Warning,
};

/// A larger file is no configuration and no secret.
const MAX_BYTES: u64 = 16 << 20;

/// Where a configuration comes from, and what was seen there last.
#[derive(Debug)]
pub struct ConfigSource {
    file: Option<PathBuf>,
    environment: BTreeMap<String, String>,
    /// The digest of the file in which these others are named.
    main: Option<Sha256>,
    others: BTreeSet<PathBuf>,
    seen: Sha256,
}

impl ConfigSource {
    /// A file (or none) and the environment over it. The current content counts as seen.
    #[must_use]
    pub fn new(file: Option<PathBuf>, environment: BTreeMap<String, String>) -> Self {
        let mut source =
            Self { file, environment, main: None, others: BTreeSet::new(), seen: [0; 32] };
        source.changed();
        source
    }

    /// Reads it for the first time, with more checks and warnings as in [`judge`].
    #[must_use]
    pub fn judge(
        &self,
        more_problems: impl FnOnce(&Config) -> Vec<Finding>,
        warnings: impl FnOnce(&Config) -> Vec<Warning>,
    ) -> Judged {
        judge(self.file.as_deref(), &self.environment, more_problems, warnings)
    }

    /// Reads it again. An empty file is refused: it may be in the middle of being written.
    /// Certificates are read apart from it, so that an expired one keeps no configuration away.
    ///
    /// # Errors
    ///
    /// All problems.
    pub fn reload(&self) -> Result<Config, Problems> {
        let name = name_of(self.file.as_deref());
        let Some(file) = self.file.as_deref() else {
            return parse_with(&name, "", &self.environment, |_| Vec::new());
        };
        if fs::metadata(file).is_ok_and(|found| !found.is_file()) {
            return Err(one(name, "is not a regular file, so it cannot be read again".to_owned()));
        }
        let text = main_file::read_settings(Some(file))?;
        parse_with(&name, &text, &self.environment, |_| Vec::new())
    }

    /// The file, or a file that it or the environment names, is another than when this was last
    /// asked.
    pub fn changed(&mut self) -> bool {
        let text = self.file.as_deref().map(content).unwrap_or_default();
        let main = sha256(&text);
        if self.main != Some(main) {
            self.main = Some(main);
            self.others = named_files(&text, &self.environment);
        }
        let others = self.others.iter().map(|path| sha256(&content(path)));
        let now = combined([main].into_iter().chain(others));
        std::mem::replace(&mut self.seen, now) != now
    }
}

/// Whether files have changed since they were last looked at.
#[derive(Debug)]
pub struct Files {
    paths: Vec<PathBuf>,
    seen: Sha256,
}

impl Files {
    /// The current content counts as seen.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>) -> Self {
        let mut files = Self { paths, seen: [0; 32] };
        files.changed();
        files
    }

    /// The files.
    #[must_use]
    pub const fn paths(&self) -> &Vec<PathBuf> {
        &self.paths
    }

    /// One of them is another than when this was last asked.
    pub fn changed(&mut self) -> bool {
        let now = combined(self.paths.iter().map(|path| sha256(&content(path))));
        std::mem::replace(&mut self.seen, now) != now
    }
}

fn combined(digests: impl Iterator<Item = Sha256>) -> Sha256 {
    sha256_of_parts(digests)
}

/// The content, or in its place why there is none. A pipe would wait for a writer, so that only
/// regular files are read.
fn content(path: &Path) -> Vec<u8> {
    super::file::read_bytes(path, MAX_BYTES)
        .unwrap_or_else(|error| format!("no content: {}", error.kind()).into_bytes())
}

/// The files that the configuration and the environment name: secrets as `file:/path`, the keys of
/// passports, and variables that end in `_FILE`.
fn named_files(text: &[u8], environment: &BTreeMap<String, String>) -> BTreeSet<PathBuf> {
    let mut found: BTreeSet<PathBuf> = environment
        .iter()
        .filter(|(name, _)| name.starts_with("ROWND_") && name.ends_with("_FILE"))
        .map(|(_, path)| PathBuf::from(path))
        .collect();
    let text = String::from_utf8_lossy(text);
    let mut document = YamlDocument::parse(&text).unwrap_or_default();
    // Its problems are found when it is loaded.
    let _ = environment::apply(&mut document, environment, &mut Vec::new());
    secrets(&document.value, &mut found);
    let keys = document.value.pointer("/passport/keys").and_then(Value::as_array);
    let files = keys.into_iter().flatten().filter_map(|key| key.get("file")?.as_str());
    found.extend(files.map(PathBuf::from));
    found
}

fn secrets(node: &Value, found: &mut BTreeSet<PathBuf>) {
    match node {
        Value::String(text) => found.extend(text.strip_prefix("file:").map(PathBuf::from)),
        Value::Array(items) => items.iter().for_each(|item| secrets(item, found)),
        Value::Object(map) => map.values().for_each(|value| secrets(value, found)),
        _ => {}
    }
}
