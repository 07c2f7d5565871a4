//! Entries of lists that stand there twice: the second says nothing, and may have been meant as another.
//!
//! In: the document, whose lists the schema knows. Out: the problem of each such entry. Whole rules are
//! compared elsewhere, by what they match.

use serde_json::Value;

use super::{
    document::{YamlDocument, escape, readable},
    schema_path::step,
    structure::shape,
};

/// The longest list whose entries are compared with each other.
const LONGEST: usize = 1024;
/// The list of maps whose entries have no names: in the others, a second name is told.
const WITHOUT_NAMES: &str = "/role_sources";

/// JSON pointer and message for each entry that repeats one before it.
pub(super) fn problems(document: &YamlDocument) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(&document.value, shape(), &mut String::new(), &mut found);
    found
}

fn walk(value: &Value, setting: &Value, pointer: &mut String, found: &mut Vec<(String, String)>) {
    let parent = pointer.len();
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                // A list that the schema does not know, such as one in a key set, is another's.
                let Some(setting) = step(shape(), setting, &index.to_string()) else { continue };
                let before = items.iter().take(index.min(LONGEST)).position(|other| other == item);
                let at = pointer.clone();
                pointer.push_str(&format!("/{index}"));
                let is_compared = match item {
                    Value::String(_) | Value::Number(_) => true,
                    Value::Object(_) => at == WITHOUT_NAMES,
                    Value::Null | Value::Bool(_) | Value::Array(_) => false,
                };
                match before.filter(|_| is_compared) {
                    Some(before) => found.push((pointer.clone(), message(item, &at, before))),
                    None => walk(item, setting, pointer, found),
                }
                pointer.truncate(parent);
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                let Some(setting) = step(shape(), setting, name) else { continue };
                pointer.push_str(&format!("/{}", escape(name)));
                walk(value, setting, pointer, found);
                pointer.truncate(parent);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The text of an entry is not repeated: it may be a secret.
fn message(item: &Value, list: &str, before: usize) -> String {
    let first = readable(&format!("{list}/{before}"));
    let what = if item.is_object() { "says the same as" } else { "stands here twice: it is" };
    format!("{what} {first}; leave one out, or correct it")
}
