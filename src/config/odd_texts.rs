//! Texts of conditions that can be compared and are probably not meant: with a blank at an end, or a
//! path through claims where the name of one claim belongs.
//!
//! In: the document of the file. Out: a warning for each such text.

use serde_json::{Map, Value};

use super::document::{YamlDocument, escape};
use crate::model::Warning;

/// The most warnings of one configuration.
const MOST: usize = 32;
/// Conditions whose texts are programs and patterns, in which a blank has a meaning.
const PROGRAMS: [&str; 2] = ["cel", "matches"];

/// The warnings about the texts of all requirements.
pub(super) fn warnings(document: &YamlDocument) -> Vec<Warning> {
    let mut found = Vec::new();
    for list in ["routes", "guards"] {
        let rules = document.value.get(list).and_then(Value::as_array).into_iter().flatten();
        for (index, rule) in rules.enumerate() {
            of_rule(rule, &format!("/{list}/{index}"), &mut found);
        }
    }
    of_rule(document.value.get("default").unwrap_or(&Value::Null), "/default", &mut found);
    for name in ["routes", "headers", "response_headers", "token_validator"] {
        let section = document.value.get(name).unwrap_or(&Value::Null);
        of_stated_claims(section, &mut format!("/{name}"), &mut found);
    }
    found.truncate(MOST);
    found
}

/// The warnings about claims that are told on: settings `claim` and `only_if`, and the fields of the
/// token validator. Those of conditions, which have another form, are left to [`of_condition`].
fn of_stated_claims(value: &Value, pointer: &mut String, found: &mut Vec<Warning>) {
    let parent = pointer.len();
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                of_stated_claims(item, pointer, found);
                pointer.truncate(parent);
            }
        }
        Value::Object(map) => {
            let of_validator = pointer == "/token_validator/claims";
            for (name, value) in map.iter().filter(|(name, _)| *name != "require") {
                pointer.push_str(&format!("/{}", escape(name)));
                let is_claim = of_validator || name == "claim" || name == "only_if";
                match value.as_str().filter(|_| is_claim) {
                    Some(claim) => found.extend(of_stated_claim(claim, pointer)),
                    None => of_stated_claims(value, pointer, found),
                }
                pointer.truncate(parent);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn of_stated_claim(name: &str, pointer: &str) -> Option<Warning> {
    let path = dotted_path(name)?;
    Some(Warning::of(
        "claim_name_dotted",
        pointer,
        format!(
            "names one claim whose name is `{name}`; for a claim inside another write {path}, and if \
             the name is meant, /{name}"
        ),
    ))
}

/// The JSON pointer that a name with dots was probably meant as.
fn dotted_path(name: &str) -> Option<String> {
    let plain = |step: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        !step.is_empty() && step.chars().all(is_plain)
    };
    let is_path = name.contains('.') && name.split('.').all(plain);
    is_path.then(|| format!("/{}", name.replace('.', "/")))
}

fn of_rule(rule: &Value, at: &str, found: &mut Vec<Warning>) {
    let Some(require) = rule.get("require") else { return };
    of_condition(require, &mut format!("{at}/require"), found);
}

fn of_condition(value: &Value, pointer: &mut String, found: &mut Vec<Warning>) {
    if found.len() >= MOST {
        return;
    }
    let parent = pointer.len();
    match value {
        Value::String(text) if text.trim() != text => {
            let message = "begins or ends with a blank, which is compared too; leave it out";
            found.push(Warning::of("blank_at_end", pointer.clone(), message));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                of_condition(item, pointer, found);
                pointer.truncate(parent);
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                if PROGRAMS.contains(&name.as_str()) {
                    continue;
                }
                pointer.push('/');
                pointer.push_str(&escape(name));
                match (name.as_str(), value) {
                    ("claim", Value::Object(test)) => found.extend(of_claim(test, pointer)),
                    ("equals", Value::Object(test)) => found.extend(of_equals(test, pointer)),
                    _ => {}
                }
                of_condition(value, pointer, found);
                pointer.truncate(parent);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The warning about a claim that a variable of the path is compared with.
fn of_equals(test: &Map<String, Value>, pointer: &str) -> Option<Warning> {
    of_stated_claim(test.get("claim")?.as_str()?, &format!("{pointer}/claim"))
}

/// The warning about the name of a claim that looks like a path through several.
fn of_claim(test: &Map<String, Value>, pointer: &str) -> Option<Warning> {
    let name = test.get("name")?.as_str()?;
    let path = if name.starts_with('/') { name.to_owned() } else { dotted_path(name)? };
    let itself = format!("/{}", escape(name));
    Some(Warning::of(
        "claim_name_dotted",
        format!("{pointer}/name"),
        format!(
            "is the name of one claim here; for a claim inside another write pointer: {path}, and if \
             the name is meant, pointer: {itself}"
        ),
    ))
}
