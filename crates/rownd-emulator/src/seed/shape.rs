//! Checks the shape of a seed file: unknown keys, missing keys, values of the wrong kind.
//!
//! In: the values of the file. Out: every problem at once, as JSON pointer and message. The JSON
//! Schema is made from the types that read the file, so that the two cannot disagree.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

/// The JSON Schema (2020-12) of a type, without references.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let mut value = Value::from(schema);
    simplify(&mut value);
    value
}

/// An optional setting is left out, never `null`; and enumerations are plain lists of words.
fn simplify(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(simplify),
        Value::Object(map) => {
            map.values_mut().for_each(simplify);
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            if let Some(Value::Array(options)) = map.get_mut("anyOf") {
                options.retain(|option| option.get("type").is_none_or(|kind| kind != "null"));
                if let [Value::Object(only)] = options.as_slice() {
                    let only = only.clone();
                    map.remove("anyOf");
                    for (key, value) in only {
                        map.entry(key).or_insert(value);
                    }
                }
            }
        }
        _ => {}
    }
}

/// The problems of shape: JSON pointer and message of each.
pub(super) fn problems(schema: &Value, value: &Value) -> Vec<(String, String)> {
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return vec![(String::new(), format!("the schema is not usable: {error}"))],
    };
    let mut found = Vec::new();
    for error in validator.iter_errors(value) {
        let pointer = error.instance_path().as_str().to_owned();
        let at = schema_at(schema, error.schema_path().as_str());
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                for key in unexpected {
                    found.push((
                        format!("{pointer}/{}", super::document::escape(key)),
                        unknown_key(key, at),
                    ));
                }
            }
            kind => found.push((pointer, describe(kind, error.instance(), at))),
        }
    }
    found
}

/// The schema that holds the keyword the error speaks of.
fn schema_at<'a>(schema: &'a Value, keyword: &str) -> &'a Value {
    let parent = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
    schema.pointer(parent).unwrap_or(schema)
}

fn unknown_key(key: &str, at: &Value) -> String {
    let names: Vec<&str> = at
        .get("properties")
        .and_then(Value::as_object)
        .map(|map| map.keys().map(String::as_str).collect())
        .unwrap_or_default();
    let near = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, key), *name))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    match near {
        Some((_, name)) => format!("unknown key; did you mean `{name}`?"),
        None => format!("unknown key; known here: {}", names.join(", ")),
    }
}

fn describe(kind: &ValidationErrorKind, instance: &Value, at: &Value) -> String {
    let shown = show(instance, at);
    if let Some(examples) = at.get("examples").and_then(Value::as_array)
        && matches!(kind, ValidationErrorKind::Type { .. } | ValidationErrorKind::Pattern { .. })
    {
        let examples: Vec<&str> = examples.iter().filter_map(Value::as_str).collect();
        return format!("{shown} does not fit; write it like {}", examples.join(", "));
    }
    match kind {
        ValidationErrorKind::Type { kind: TypeKind::Single(wanted) } => {
            format!("{shown} is {}; write {}", kind_of(instance), article(&wanted.to_string()))
        }
        ValidationErrorKind::OneOfNotValid { .. } | ValidationErrorKind::AnyOf { .. } => {
            match words(at) {
                Some(words) => format!("{shown} is not known here; write {words}"),
                None => format!("{shown} has not the right shape"),
            }
        }
        ValidationErrorKind::Enum { options } => {
            format!("{shown} is not known here; write one of {options}")
        }
        ValidationErrorKind::Constant { expected_value } => {
            format!("{shown} is not known here; write {expected_value}")
        }
        ValidationErrorKind::Required { property } => {
            format!("`{}` is missing", property.as_str().unwrap_or_default())
        }
        ValidationErrorKind::Minimum { limit } => format!("{shown} is below the least, {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("{shown} is above the most, {limit}"),
        ValidationErrorKind::MinLength { .. } | ValidationErrorKind::MinItems { .. } => {
            "is empty; write a value or leave it out".to_owned()
        }
        ValidationErrorKind::Pattern { pattern } => {
            let hint = at.get("description").and_then(Value::as_str).unwrap_or_default();
            format!("{shown} does not fit; write: {hint} (pattern {pattern})")
        }
        other => format!("{shown} breaks the rule `{}`", other.keyword()),
    }
}

/// The value for a message. A secret is never shown, nor what stands in place of a map or list
/// that may hold one; and a long value is cut.
fn show(instance: &Value, at: &Value) -> String {
    let secret = at.get("format").and_then(Value::as_str) == Some("password")
        || matches!(at.get("type").and_then(Value::as_str), Some("object" | "array"));
    match instance {
        _ if secret => "the value".to_owned(),
        Value::Object(_) => "the map".to_owned(),
        Value::Array(_) => "the list".to_owned(),
        scalar => {
            let text: String = scalar.to_string().chars().take(60).collect();
            format!("`{}`", text.trim_matches('"'))
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn article(kind: &str) -> &'static str {
    match kind {
        "string" => "text (in quotes, if it looks like a number)",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a map",
        _ => "another kind of value",
    }
}

/// The words of an enumeration whose variants stand as `oneOf: [{const: ...}]`.
fn words(at: &Value) -> Option<String> {
    let options = at.get("oneOf").or_else(|| at.get("anyOf"))?.as_array()?;
    let words: Option<Vec<&str>> =
        options.iter().map(|option| option.get("const").and_then(Value::as_str)).collect();
    words.map(|words| words.join(", "))
}
