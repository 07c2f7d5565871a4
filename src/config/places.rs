//! Where each setting of a configuration was written, for what is found out about it later.

use std::sync::Arc;

use super::{
    document::{WrittenAt, YamlDocument, readable},
    problem::Problem,
};
use crate::model::{SettingPlace, Warning};

/// Where each setting was written.
#[derive(Clone, Default)]
pub struct Places {
    name: Arc<str>,
    document: Arc<YamlDocument>,
}

/// A place of its own is no part of a setting: the same settings elsewhere in a file are the same.
impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Places {}

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The document may hold secrets.
        f.debug_struct("Places").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Places {
    /// The places of a file of this name.
    pub(super) fn of(name: &str, document: &YamlDocument) -> Self {
        Self { name: name.into(), document: Arc::new(document.places_alone()) }
    }

    /// Whether the setting at this JSON pointer is written, in the file or as a variable.
    pub(super) fn is_written(&self, pointer: &str) -> bool {
        self.document.is_written(pointer)
    }

    /// The warning with the place of its setting.
    #[must_use]
    pub fn locate(&self, mut warning: Warning) -> Warning {
        if warning.place.is_none() && !warning.pointer.is_empty() {
            let (place, column) = place(&self.name, &self.document, &warning.pointer);
            let place = column.map_or_else(|| place.clone(), |column| format!("{place}:{column}"));
            let (line, _) = self.document.order(&warning.pointer);
            let setting = readable(&warning.pointer);
            warning.place = Some(SettingPlace { place, line, setting });
        }
        warning
    }

    /// The problem of a setting at its place in this file.
    pub(super) fn problem(&self, pointer: &str, message: String) -> Problem {
        at(&self.name, &self.document, pointer, message)
    }

    /// The warnings with their places, each once, in the order of the file; those about no setting
    /// come first.
    #[must_use]
    pub fn in_order(&self, warnings: Vec<Warning>) -> Vec<Warning> {
        let mut located: Vec<Warning> =
            warnings.into_iter().map(|warning| self.locate(warning)).collect();
        // One line may have many settings.
        located.sort_by_key(|warning| {
            let line = warning.place.as_ref().map_or(0, |place| place.line);
            let is_of_this_file = !warning.pointer.is_empty();
            (line, if is_of_this_file { self.document.order(&warning.pointer).1 } else { 0 })
        });
        let mut once: Vec<Warning> = Vec::with_capacity(located.len());
        for warning in located {
            if once.last() != Some(&warning) {
                once.push(warning);
            }
        }
        once
    }
}

/// The problem of the setting at this JSON pointer.
pub(super) fn at(name: &str, document: &YamlDocument, pointer: &str, message: String) -> Problem {
    let (place, column) = place(name, document, pointer);
    Problem { place, column, setting: readable(pointer), message }
}

/// File, line and column, or variable, of the setting at this JSON pointer. A setting that is not
/// written counts as at the first line.
fn place(name: &str, document: &YamlDocument, pointer: &str) -> (String, Option<u64>) {
    match document.place(pointer) {
        Some(WrittenAt::Line { line, column }) => (format!("{name}:{line}"), Some(*column)),
        Some(WrittenAt::Variable(variable)) => (format!("environment {variable}"), None),
        None if document.is_of_a_file() => (format!("{name}:1"), Some(1)),
        None => (name.to_owned(), None),
    }
}
