//! Is every key known and every value of the right shape? Asked of the JSON Schema, which is
//! made from `schema/`, so that the two cannot disagree. All problems at once.

use std::sync::LazyLock;

use jsonschema::{
    Validator,
    error::{TypeKind, ValidationErrorKind},
};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{
    bounds::{DURATION_RANGE, duration_range, sentence},
    document::escape,
    listen_address::{LISTEN_ADDRESS, listen_address},
    sections::{REQUIREMENT, WrittenConfig, WrittenRequirement},
};

/// The schema, and what it is compiled into: made once, because it never changes.
struct Shape {
    schema: Value,
    validator: Result<Validator, String>,
}

static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
    let schema = make_schema();
    let options = jsonschema::options()
        .with_keyword(DURATION_RANGE, duration_range)
        .with_keyword(LISTEN_ADDRESS, listen_address);
    let validator = options.build(&schema).map_err(|error| error.to_string());
    Shape { schema, validator }
});

/// The JSON Schema (2020-12) of the configuration file. It refers to nothing but itself.
#[must_use]
pub fn json_schema() -> Value {
    SHAPE.schema.clone()
}

fn make_schema() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut generator = settings.into_generator();
    let requirement = generator.root_schema_for::<WrittenRequirement>();
    let mut value = Value::from(generator.into_root_schema_for::<WrittenConfig>());
    if let Value::Object(schema) = &mut value {
        schema.insert("$defs".to_owned(), json!({ REQUIREMENT: requirement }));
    }
    simplify(&mut value);
    value
}

/// "Exactly one of" is a map in which one of several settings stands: the settings become
/// properties of one map, so that editors complete them and an unknown one is reported at its own
/// place. `oneOf` then only says that exactly one is required.
fn flatten_alternatives(map: &mut Map<String, Value>) {
    let Some(options) = map.get("oneOf").and_then(Value::as_array) else { return };
    let Some(properties) = options.iter().map(alternative).collect::<Option<Map<_, _>>>() else {
        return;
    };
    let required = properties.keys().map(|name| json!({ "required": [name] })).collect();
    map.insert("type".to_owned(), "object".into());
    map.insert("additionalProperties".to_owned(), false.into());
    map.insert("oneOf".to_owned(), Value::Array(required));
    map.insert("properties".to_owned(), Value::Object(properties));
}

/// The one setting of an alternative, with the alternative's description.
fn alternative(option: &Value) -> Option<(String, Value)> {
    let properties = option.get("properties")?.as_object()?;
    let (name, schema) = properties.iter().next().filter(|_| properties.len() == 1)?;
    let mut schema = schema.clone();
    if let (Some(schema), Some(description)) = (schema.as_object_mut(), option.get("description")) {
        schema.insert("description".to_owned(), description.clone());
    }
    Some((name.clone(), schema))
}

/// An editor shows the description of a setting, and no keyword that it does not know.
fn describe_range(map: &mut Map<String, Value>) {
    let Some(sentence) = map.get(DURATION_RANGE).and_then(sentence) else { return };
    if let Some(Value::String(description)) = map.get_mut("description") {
        description.push(' ');
        description.push_str(&sentence);
    }
}

/// An optional setting is left out, never `null`; and enumerations are plain lists of words.
fn simplify(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(simplify),
        Value::Object(map) => {
            map.values_mut().for_each(simplify);
            flatten_alternatives(map);
            describe_range(map);
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

/// The problems of shape: JSON pointer and message.
pub(super) fn problems(value: &Value) -> Vec<(String, String)> {
    let Shape { schema, validator } = &*SHAPE;
    let validator = match validator {
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
                    found.push((format!("{pointer}/{}", escape(key)), unknown_key(key, at)));
                }
            }
            kind => found.push((pointer, describe(kind, error.instance(), at))),
        }
    }
    found
}

/// The document without the settings that have a problem, so that the rest can still be checked;
/// and the JSON pointers of what was left out. An entry of a list takes its list along: the places
/// of the other entries would shift.
pub(super) fn without(mut value: Value, problems: &[(String, String)]) -> (Value, Vec<String>) {
    let mut left_out: Vec<String> = problems.iter().map(|(pointer, _)| pointer.clone()).collect();
    for (pointer, _) in problems {
        remove(&mut value, pointer);
    }
    // A section that lacks a required setting now, or did before, cannot be judged.
    if let (Value::Object(sections), false) = (&mut value, problems.is_empty()) {
        sections.retain(|name, section| {
            if is_whole(name, section) {
                return true;
            }
            let at = format!("/{}", escape(name));
            let around = problems.iter().find_map(|(pointer, _)| around(pointer, &at, section));
            let (pointer, rest) = around.unzip();
            left_out.push(pointer.unwrap_or(at));
            if let Some(rest) = rest {
                *section = rest;
                return true;
            }
            false
        });
    }
    (value, left_out)
}

/// Removes the setting at this JSON pointer, or the list that it is an entry of.
fn remove(value: &mut Value, pointer: &str) {
    let mut pointer = pointer;
    while let Some((parent, name)) = pointer.rsplit_once('/') {
        if let Some(Value::Object(map)) = value.pointer_mut(parent) {
            map.remove(&name.replace("~1", "/").replace("~0", "~"));
            break;
        }
        pointer = parent;
    }
}

fn is_whole(name: &str, section: &Value) -> bool {
    let alone = Value::Object([(name.to_owned(), section.clone())].into_iter().collect());
    serde_json::from_value::<WrittenConfig>(alone).is_ok()
}

/// The map around a setting that has a problem, without which the section at `at` is whole; and the
/// section without it. So one listener that cannot be judged does not hide the others.
fn around(pointer: &str, at: &str, section: &Value) -> Option<(String, Value)> {
    let mut below = pointer.strip_prefix(at).filter(|below| below.starts_with('/'))?;
    let name = at.trim_start_matches('/');
    while let Some((map, _)) = below.rsplit_once('/').filter(|(map, _)| !map.is_empty()) {
        let mut rest = section.clone();
        remove(&mut rest, map);
        if is_whole(name, &rest) {
            return Some((format!("{at}{map}"), rest));
        }
        below = map;
    }
    None
}

/// The schema that holds the keyword the error speaks of.
fn schema_at<'a>(schema: &'a Value, keyword: &str) -> &'a Value {
    let parent = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
    let steps = parent.split('/').skip(1);
    let at = steps.into_iter().try_fold(schema, |node, step| {
        match (step, node.get(step).and_then(Value::as_str)) {
            ("$ref", Some(target)) => schema.pointer(target.strip_prefix('#')?),
            _ => node.pointer(&format!("/{step}")),
        }
    });
    at.unwrap_or(schema)
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
        Some((_, name)) => format!("unknown field; did you mean `{name}`?"),
        None => format!("unknown field; known fields: {}", names.join(", ")),
    }
}

fn describe(kind: &ValidationErrorKind, instance: &Value, at: &Value) -> String {
    let shown = show(instance, at);
    if let Some(examples) = at.get("examples").and_then(Value::as_array)
        && matches!(kind, ValidationErrorKind::Type { .. } | ValidationErrorKind::Pattern { .. })
    {
        let examples: Vec<&str> = examples.iter().filter_map(Value::as_str).collect();
        return format!("{shown} cannot be used; write it like {}", examples.join(", "));
    }
    match kind {
        ValidationErrorKind::Type { kind: TypeKind::Single(wanted) } => {
            format!("{shown} is {}; write {}", kind_of(instance), article(&wanted.to_string()))
        }
        ValidationErrorKind::OneOfNotValid { .. }
        | ValidationErrorKind::OneOfMultipleValid { .. }
        | ValidationErrorKind::AnyOf { .. } => match (words(at), alternatives(at)) {
            (Some(words), _) => format!("{shown} is not a known word; write {words}"),
            (None, Some(names)) => format!("write exactly one of {names}"),
            (None, None) => format!("{shown} has another shape"),
        },
        ValidationErrorKind::Custom { message, .. } => message.clone(),
        ValidationErrorKind::Enum { options } => {
            format!("{shown} is not a known word; write one of {options}")
        }
        ValidationErrorKind::Constant { expected_value } => {
            format!("{shown} is not a known word; write {expected_value}")
        }
        ValidationErrorKind::Required { property } => {
            format!("`{}` is missing", property.as_str().unwrap_or_default())
        }
        ValidationErrorKind::Minimum { limit } => {
            format!("{shown} is too small; write {limit} or more")
        }
        ValidationErrorKind::Maximum { limit } => {
            format!("{shown} is too large; write {limit} or less")
        }
        ValidationErrorKind::MinLength { .. } | ValidationErrorKind::MinItems { .. } => {
            "is empty; write a value or leave it out".to_owned()
        }
        ValidationErrorKind::Pattern { pattern } => {
            let hint = at.get("description").and_then(Value::as_str).unwrap_or_default();
            format!("{shown} does not match the pattern {pattern}; {hint}")
        }
        ValidationErrorKind::MaxItems { limit } => {
            format!("the list is too long; write {limit} entries or fewer")
        }
        other => format!("{shown} breaks the rule `{}` of the schema", other.keyword()),
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

/// The names of the settings of which exactly one has to be there.
fn alternatives(at: &Value) -> Option<String> {
    let options = at.get("oneOf")?.as_array()?;
    let name = |option: &Value| option.pointer("/required/0")?.as_str().map(|n| format!("`{n}`"));
    let names: Option<Vec<String>> = options.iter().map(name).collect();
    names.map(|names| match names.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        few => few.join(", "),
    })
}

/// The words of an enumeration whose variants stand as `oneOf: [{const: ...}]`.
fn words(at: &Value) -> Option<String> {
    let options = at.get("oneOf").or_else(|| at.get("anyOf"))?.as_array()?;
    let words: Option<Vec<&str>> =
        options.iter().map(|option| option.get("const").and_then(Value::as_str)).collect();
    words.map(|words| words.join(", "))
}
