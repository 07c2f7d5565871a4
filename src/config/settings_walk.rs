//! The walk over a document beside the schema, which finds settings by the type that the schema gives
//! them: no list of settings has to be kept.
//!
//! In: the document, and a visitor. Out: each value that the schema knows, with its JSON pointer and the
//! schema of its setting.

use serde_json::Value;

use super::{
    document::{YamlDocument, escape},
    schema_path::step,
    structure::shape,
};

/// Visits each value and, where the visitor says `true`, the values inside it, in the order of the
/// document. A value that the schema does not know, such as one in a key set, is not visited.
pub(super) fn visit_settings<'a>(
    document: &'a YamlDocument,
    visit: &mut impl FnMut(&str, &'a Value, &Value) -> bool,
) {
    walk(&document.value, shape(), &mut String::new(), visit);
}

fn walk<'a>(
    value: &'a Value,
    setting: &Value,
    pointer: &mut String,
    visit: &mut impl FnMut(&str, &'a Value, &Value) -> bool,
) {
    if !visit(pointer, value, setting) {
        return;
    }
    let parent = pointer.len();
    let mut below = |name: &str, value: &'a Value| {
        let Some(setting) = step(shape(), setting, name) else { return };
        pointer.push('/');
        pointer.push_str(&escape(name));
        walk(value, setting, pointer, visit);
        pointer.truncate(parent);
    };
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| below(&index.to_string(), item));
        }
        Value::Object(map) => map.iter().for_each(|(name, value)| below(name, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
