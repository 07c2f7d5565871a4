//! The seed: the apps and users with which the emulator starts, and to which a reset returns.
//!
//! In: the text of a seed file, in YAML. Out: a [`Seed`] without contradictions, or every problem
//! at once with its file, line and field. The demo app is a seed in code.

mod check;
pub(crate) mod demo;
mod document;
mod problem;
mod shape;

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::data::apps::App;
use document::{Document, readable};
pub use problem::{Problem, Problems};

/// The most bytes of a seed file.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// The apps of a seed file with their users and groups.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The apps. An app with the demo app's id replaces it, the others are added to it.
    #[serde(default)]
    pub(crate) apps: Vec<App>,
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seed").finish_non_exhaustive()
    }
}

impl Seed {
    /// Reads a seed file of at most 16 MiB.
    ///
    /// # Errors
    /// A file that cannot be read, or every problem of its text, each with its line and field.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        let name = file.display().to_string();
        match read(file) {
            Ok(text) => Self::parse(&name, &text),
            Err(error) => Err(Problems::one(name, format!("cannot be read: {error}"))),
        }
    }

    /// Reads the text of a seed file. `name` stands for the file in the messages.
    ///
    /// # Errors
    /// Every problem of the text, each with its line and field.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        let document = Document::parse(text).map_err(|(line, message)| {
            let place = line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"));
            Problems::one(place, message)
        })?;
        let mut found = shape::problems(&shape::schema_of::<Self>(), &document.value);
        let seed = match serde_json::from_value::<Self>(document.value.clone()) {
            Ok(seed) => {
                found.extend(check::problems(&seed.apps));
                Some(seed)
            }
            Err(error) if found.is_empty() => {
                found.push((String::new(), error.to_string()));
                None
            }
            Err(_) => None,
        };
        // Problems without a line come last.
        found.sort_by_key(|(pointer, _)| document.line(pointer).unwrap_or(u64::MAX));
        match seed {
            Some(seed) if found.is_empty() => Ok(seed),
            _ => {
                let found = found.into_iter();
                let located = |(pointer, message): (String, String)| Problem {
                    place: document
                        .line(&pointer)
                        .map_or_else(|| name.to_owned(), |line| format!("{name}:{line}")),
                    field: readable(&pointer),
                    message,
                };
                Err(Problems(found.map(located).collect()))
            }
        }
    }
}

/// Reads the text of a file, which may be a pipe, up to [`MAX_FILE_BYTES`].
fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    let fits = u64::try_from(text.len()).is_ok_and(|length| length <= MAX_FILE_BYTES);
    if fits { Ok(text) } else { Err(io::Error::other("it is larger than 16 MiB")) }
}
