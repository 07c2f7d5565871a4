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
    document::{WrittenAt, YamlDocument, escape, readable},
    file::{read_text, without_line_end},
    places::at,
    schema_path::setting_at,
    sections::WrittenConfig,
    structure::{problems as problems_of_form, shape},
};
use crate::model::Warning;
pub(super) use names::unknown_names;
pub(super) use vendor::{app_variable, complete, names_no_app};

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
        } else if is_damaged(self.value) {
            Err(NOT_UTF8.to_owned())
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

/// Whether the file that the variables complete could be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileState {
    Read,
    Broken,
}

/// Lays every `ROWND_AUTHZ__...` variable over the document.
pub(super) fn apply(
    document: &mut YamlDocument,
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<Warning>,
) -> Vec<Problem> {
    let variables = variables(environment, warnings);
    lay(document, &variables, FileState::Read, warnings)
}

/// The problems that the variables have by themselves, beside a file that cannot be read. A setting
/// that is missing may stand in the file.
pub(super) fn problems_alone(
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<Warning>,
) -> Vec<Problem> {
    let mut document = YamlDocument::parse("").unwrap_or_default();
    let variables = variables(environment, warnings);
    let mut problems = lay(&mut document, &variables, FileState::Broken, warnings);
    let set: Vec<String> = variables.iter().map(|variable| pointer_of(&variable.path)).collect();
    let is_set = |pointer: &str| {
        set.iter().any(|set| {
            pointer
                .strip_prefix(set.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let of_form = problems_of_form(&document).into_iter().filter(|(pointer, _)| is_set(pointer));
    problems.extend(of_form.map(|(pointer, message)| at("", &document, &pointer, message)));
    let mut nothing = WrittenConfig::default();
    // Whether a variable of the vendor is used depends on the file.
    complete(&mut nothing, environment, &mut problems, &mut Vec::new());
    problems
}

/// The message about a path that leads below a setting which is one value.
fn single_value_above(path: &[String], schema: &Value) -> Option<String> {
    let (_, above) = path.split_last()?;
    let is_one_value = !holds_settings(setting_at(schema, above)?);
    is_one_value.then(|| {
        let pointer = pointer_of(above);
        format!("{} is one value; write {}", readable(&pointer), variable_of(&pointer))
    })
}

/// Whether a setting is a list or a map, in one of its forms.
fn holds_settings(setting: &Value) -> bool {
    let has = |name: &str| setting.get(name).is_some_and(|value| !value.is_boolean());
    let options = ["oneOf", "anyOf"].iter().filter_map(|name| setting.get(name)?.as_array());
    ["properties", "items", "additionalProperties", "$ref"].into_iter().any(has)
        || options.flatten().any(holds_settings)
}

/// The variable that sets the setting at this JSON pointer.
pub(super) fn variable_of(pointer: &str) -> String {
    let names = pointer.split('/').skip(1);
    let path: Vec<String> =
        names.map(|name| name.replace("~1", "/").replace("~0", "~").to_ascii_uppercase()).collect();
    format!("{PREFIX}{}", path.join("__"))
}

fn pointer_of(path: &[String]) -> String {
    path.iter().map(|name| format!("/{}", escape(name))).collect()
}

/// The variables that set settings, each setting once, in the order in which they are laid over it.
fn variables<'a>(
    environment: &'a BTreeMap<String, String>,
    warnings: &mut Vec<Warning>,
) -> Vec<Variable<'a>> {
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
    variables
}

fn lay(
    document: &mut YamlDocument,
    variables: &[Variable<'_>],
    file: FileState,
    warnings: &mut Vec<Warning>,
) -> Vec<Problem> {
    let schema = shape();
    let set = |variable: &Variable<'_>| {
        let setting = setting_at(schema, &variable.path);
        let meant = names::meant(variable.name, schema).filter(|_| setting.is_none());
        let outcome = match meant {
            Some(meant) => Err(format!("unknown field; did you mean the variable {meant}?")),
            None => match setting.is_none().then(|| single_value_above(&variable.path, schema)) {
                Some(Some(above)) => Err(above),
                Some(None) | None => variable.text(),
            },
        };
        let outcome = outcome.and_then(|text| {
            warnings.extend(typed::quotes(variable.name, &text, setting));
            let value = typed::value(&text, setting)?;
            let place = WrittenAt::Variable(variable.name.to_owned());
            warnings.extend(replaced(document, variable));
            let laid = document.set(&variable.path, value, &place, schema);
            // The entries of a list before this one may stand in the file.
            laid.or_else(|message| if file == FileState::Broken { Ok(()) } else { Err(message) })
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

/// The message about a variable whose bytes are not UTF-8.
const NOT_UTF8: &str = "the value is not in UTF-8; write it in UTF-8";

/// Whether a sign stands in the place of bytes that are not UTF-8.
fn is_damaged(value: &str) -> bool {
    value.contains(char::REPLACEMENT_CHARACTER)
}

/// The text of the file that a variable names, without the line end at its end.
fn read_value(path: &str) -> Result<String, String> {
    let text = read_text(path)?;
    match without_line_end(&text) {
        "" => Err(format!("the file {path} is empty")),
        text => Ok(text.to_owned()),
    }
}

/// The warning about a variable that replaces a part of what another one says.
fn replaced(document: &YamlDocument, variable: &Variable<'_>) -> Option<Warning> {
    let pointer = pointer_of(&variable.path);
    document.value.pointer(&pointer).filter(|value| !value.is_null())?;
    let Some(WrittenAt::Variable(other)) = document.place(&pointer) else { return None };
    let text = format!(
        "environment {} replaces what {other} says about the same setting; write it in one of them",
        variable.name
    );
    Some(Warning::new("variable_set_twice", text))
}

/// A variable and its `_FILE` twin are both set.
fn twins(used: &str, unused: &str) -> Warning {
    Warning::new(
        "variable_set_twice",
        format!("environment {unused} is not used, because {used} is set too; remove one of them"),
    )
}
