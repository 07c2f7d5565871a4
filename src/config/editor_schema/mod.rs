//! The JSON Schema for editors and charts: the shape of the file, with more of the rules that the
//! checks of the sections have, so that a mistake shows while it is written.
//!
//! In: the schema of the shape. Out: the same with conditions and patterns. Each of them refuses only
//! what the reader refuses too; what a schema cannot say well is left to the reader, whose words are
//! better. Each file has the rules of some sections: the JSON pointer of a place, and the keywords
//! that are added there. No keyword is newer than draft 7, so that editors and Helm know them all.

mod durations;
mod events;
mod issuers;
mod outputs;
mod rights;
mod routes;
mod sections;
mod services;
mod texts;
mod together;
mod tools;

use serde_json::{Map, Value};

use tools::Rule;

/// The schema of the shape with the rules.
pub(super) fn with_rules(mut schema: Value) -> Value {
    for (at, keywords) in rules() {
        if let (Some(Value::Object(node)), Value::Object(keywords)) =
            (schema.pointer_mut(&at), keywords)
        {
            add(node, keywords);
        }
    }
    add_secrets(&mut schema);
    durations::add_bounds(&mut schema);
    schema
}

/// The rules, each with the JSON pointer of its place in the schema of the shape.
pub(super) fn rules() -> Vec<Rule> {
    let rooms = [
        issuers::rules(),
        routes::rules(),
        outputs::rules(),
        rights::rules(),
        events::rules(),
        services::rules(),
        sections::rules(),
        together::rules(),
    ];
    rooms.into_iter().flatten().collect()
}

/// Adds keywords. One that the place has already holds beside the new one.
fn add(node: &mut Map<String, Value>, keywords: Map<String, Value>) {
    let mut beside = Vec::new();
    for (keyword, value) in keywords {
        if keyword == "allOf" {
            beside.extend(value.as_array().into_iter().flatten().cloned());
        } else if node.get(&keyword).is_some_and(|known| *known != value) {
            beside.push(Value::Object([(keyword, value)].into_iter().collect()));
        } else {
            node.insert(keyword, value);
        }
    }
    if beside.is_empty() {
        return;
    }
    if let Some(known) = node.get_mut("allOf").and_then(Value::as_array_mut) {
        known.append(&mut beside);
    } else {
        node.insert("allOf".to_owned(), Value::Array(beside));
    }
}

/// A secret of which no form is known is visible ASCII, or the path of a file.
fn add_secrets(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(add_secrets),
        Value::Object(map) => {
            map.values_mut().for_each(add_secrets);
            let is_secret = map.get("format").is_some_and(|format| format == "password");
            if is_secret
                && !map.contains_key("pattern")
                && let Value::Object(form) = texts::any_secret()
            {
                add(map, form);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
