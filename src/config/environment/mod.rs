//! Settings from the environment: any setting as `ROWND_AUTHZ__SECTION__KEY`, and the names
//! that the vendor's own libraries use. With `_FILE` behind the name, the value is a file's.
//!
//! In: the variables, the document of the file. Out: the document with them laid over it, the
//! problems of those that cannot be used, and the warnings about those that are not used.

mod names;
mod typed;
mod vendor;

use std::{borrow::Cow, cmp::Ordering, collections::BTreeMap};

use serde_json::Value;

use super::{
    Problem,
    document::{WrittenAt, YamlDocument, readable},
    file::{read_text, without_line_end},
    schema_path::setting_at,
    structure::shape,
};
use crate::model::Warning;
pub(super) use names::unknown_names;
pub(super) use vendor::complete;

/// Before any setting's name. Two underscores part the words, because a Kubernetes Service
/// named like a prefix with one would inject variables of its own.
const PREFIX: &str = "ROWND_AUTHZ__";
/// Behind the name of a variable whose value is the path of a file.
const FILE: &str = "_FILE";

/// A variable that sets a setting.
struct Variable<'a> {
    name: &'a str,
    path: Vec<String>,
    /// The value, or the path of the file that holds it.
    value: &'a str,
    is_file: bool,
}

impl<'a> Variable<'a> {
    /// From the name behind the prefix. The name of a setting may itself end in `_FILE`.
    fn new(name: &'a str, rest: &str, value: &'a str, schema: &Value) -> Self {
        let words = |rest: &str| rest.split("__").map(str::to_ascii_lowercase).collect::<Vec<_>>();
        let whole = words(rest);
        match rest.strip_suffix(FILE) {
            Some(rest) if setting_at(schema, &whole).is_none() => {
                Self { name, path: words(rest), value, is_file: true }
            }
            _ => Self { name, path: whole, value, is_file: false },
        }
    }

    /// The text that the setting gets.
    fn text(&self) -> Result<Cow<'a, str>, String> {
        if self.is_file {
            read_value(self.value).map(Cow::Owned)
        } else {
            Ok(Cow::Borrowed(without_line_end(self.value)))
        }
    }

    /// Sections before their settings, the entries of a list by number, and of a variable and its
    /// `_FILE` twin the file first, so that the variable itself has priority.
    fn order(&self, other: &Self) -> Ordering {
        let segments = self.path.iter().zip(&other.path);
        let by_segment = segments.map(|(one, other)| match (number(one), number(other)) {
            (Some(first), Some(second)) => first.cmp(&second).then_with(|| one.cmp(other)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => one.cmp(other),
        });
        by_segment
            .fold(Ordering::Equal, Ordering::then)
            .then(self.path.len().cmp(&other.path.len()))
            .then(other.is_file.cmp(&self.is_file))
    }
}

fn number(segment: &str) -> Option<usize> {
    segment.parse().ok()
}

/// Lays every `ROWND_AUTHZ__...` variable over the document.
pub(super) fn apply(
    document: &mut YamlDocument,
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<Warning>,
) -> Vec<Problem> {
    let schema = shape();
    let mut variables: Vec<Variable<'_>> = environment
        .iter()
        .filter_map(|(name, value)| {
            let rest = name.strip_prefix(PREFIX)?;
            Some(Variable::new(name, rest, value, schema))
        })
        .collect();
    variables.sort_by(Variable::order);
    warnings.extend(variables.windows(2).filter_map(|pair| match pair {
        [file, direct] if file.path == direct.path => Some(twins(direct.name, file.name)),
        _ => None,
    }));
    // The file of a pair comes first, and is not read.
    variables.dedup_by(|direct, file| {
        let are_twins = direct.path == file.path;
        if are_twins {
            std::mem::swap(direct, file);
        }
        are_twins
    });
    let set = |variable: &Variable<'_>| {
        let setting = setting_at(schema, &variable.path);
        let meant = names::meant(variable.name, schema).filter(|_| setting.is_none());
        let outcome = match meant {
            Some(meant) => Err(format!("unknown field; did you mean the variable {meant}?")),
            None => variable.text(),
        };
        let outcome = outcome.and_then(|text| {
            warnings.extend(typed::quotes(variable.name, &text, setting));
            let value = typed::value(&text, setting)?;
            let place = WrittenAt::Variable(variable.name.to_owned());
            document.set(&variable.path, value, &place, schema)
        });
        outcome.err().map(|message| Problem {
            place: format!("environment {}", variable.name),
            column: None,
            setting: readable(&format!("/{}", variable.path.join("/"))),
            message,
        })
    };
    variables.iter().filter_map(set).collect()
}

/// The text of the file that a variable names, without the line end at its end.
fn read_value(path: &str) -> Result<String, String> {
    let text = read_text(path)?;
    match without_line_end(&text) {
        "" => Err(format!("the file {path} is empty")),
        text => Ok(text.to_owned()),
    }
}

/// A variable and its `_FILE` twin are both set.
fn twins(used: &str, unused: &str) -> Warning {
    Warning::new(
        "variable_set_twice",
        format!("environment {unused} is not used, because {used} is set too; remove one of them"),
    )
}
