//! Is every key known and every value of the right shape? Asked of the JSON Schema, which is
//! made from `schema/`, so that the two cannot disagree. All problems at once.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use jsonschema::{Validator, error::ValidationErrorKind};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::{
    bounds::{DURATION_RANGE, duration_range, sentence},
    document::{YamlDocument, escape},
    editor_schema::with_rules,
    listen_address::{LISTEN_ADDRESS, listen_address},
    schema_path,
    sections::{REQUIREMENT, WrittenConfig, WrittenRequirement},
    told,
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

/// The JSON Schema (2020-12) of the configuration file, for editors and charts: the shape and as many
/// of the other rules as a schema can say. It refers to nothing but itself.
#[must_use]
pub fn json_schema() -> Value {
    with_rules(SHAPE.schema.clone())
}

/// The schema of the shape alone, by which the reader judges: for the rest it has better words.
pub(super) fn shape() -> &'static Value {
    &SHAPE.schema
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
pub(super) fn problems(document: &YamlDocument) -> Vec<(String, String)> {
    problems_of(&document.value, &|pointer| document.spelled(pointer))
}

/// The problems of the shape of a value. `spelled` says how a value that is no text was written.
pub(super) fn problems_of<'a>(
    value: &Value,
    spelled: &dyn Fn(&str) -> Option<&'a str>,
) -> Vec<(String, String)> {
    let Shape { schema, validator } = &*SHAPE;
    let validator = match validator {
        Ok(validator) => validator,
        Err(error) => return vec![(String::new(), format!("the schema is not usable: {error}"))],
    };
    let (mut found, mut weak) = (Vec::new(), Vec::new());
    for error in validator.iter_errors(value) {
        let pointer = error.instance_path().as_str().to_owned();
        let at = schema_at(schema, error.schema_path().as_str());
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                for key in unexpected {
                    let message = told::unknown_key(key, at, schema);
                    found.push((format!("{pointer}/{}", escape(key)), message));
                }
            }
            // Only a map without settings has this schema for its members.
            ValidationErrorKind::FalseSchema => {
                found.push((pointer, "has no settings; write {}".to_owned()));
            }
            kind => {
                let message = told::describe(kind, error.instance(), at, spelled(&pointer));
                // Of a value that is no map, each of several settings counts as written.
                let is_none = match kind {
                    ValidationErrorKind::OneOfNotValid { .. }
                    | ValidationErrorKind::AnyOf { .. } => true,
                    ValidationErrorKind::OneOfMultipleValid { .. } => !error.instance().is_object(),
                    _ => false,
                };
                weak.resize(found.len(), false);
                weak.push(is_none && told::is_about_alternatives(&message));
                found.push((pointer, message));
            }
        }
    }
    fractions(value, (schema, schema, spelled), "", &mut found);
    once_each(value, found, &weak)
}

/// The problems without those that only follow from another: a value that is no text at all, and
/// not of the right form either; an alternative that is missing because its name is misspelt. `weak`
/// says of each problem whether it is about a missing alternative.
fn once_each(value: &Value, found: Vec<(String, String)>, weak: &[bool]) -> Vec<(String, String)> {
    let is_weak = |index: usize| weak.get(index).is_some_and(|weak| *weak);
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut parents: HashSet<&str> = HashSet::new();
    for (index, (pointer, _)) in found.iter().enumerate() {
        parents.extend(pointer.rsplit_once('/').map(|(parent, _)| parent));
        if !is_weak(index) {
            first.entry(pointer).or_insert(index);
        }
    }
    let is_kept = |(index, (pointer, _)): (usize, &(String, String))| {
        let before = first.get(pointer.as_str());
        if is_weak(index) {
            return before.is_none() && !parents.contains(pointer.as_str());
        }
        let is_scalar =
            value.pointer(pointer).is_some_and(|value| !value.is_object() && !value.is_array());
        !is_scalar || before == Some(&index)
    };
    let kept: Vec<bool> = found.iter().enumerate().map(is_kept).collect();
    let found = found.into_iter().zip(kept);
    found.filter_map(|(problem, is_kept)| is_kept.then_some(problem)).collect()
}

/// The text of the scalar at a pointer, as it is written.
type Spelled<'f, 'a> = &'f dyn Fn(&str) -> Option<&'a str>;

/// Adds the numbers that are written with a point where a whole number belongs. JSON Schema takes
/// `100.0` for one; a reader of whole numbers does not.
/// The schemas are the whole one, and that of the value.
fn fractions<'a>(
    value: &Value,
    (root, schema, spelled): (&Value, &Value, Spelled<'_, 'a>),
    pointer: &str,
    found: &mut Vec<(String, String)>,
) {
    match value {
        Value::Number(number) if number.is_f64() => {
            // One that is too large is told by the bounds of its setting.
            let is_whole =
                number.as_f64().is_some_and(|number| number.fract() == 0.0 && number.abs() < 9e15);
            if is_whole && schema.get("type").and_then(Value::as_str) == Some("integer") {
                found.push((pointer.to_owned(), told::with_a_point(number, spelled(pointer))));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let index = index.to_string();
                let Some(schema) = schema_path::step(root, schema, &index) else { continue };
                fractions(item, (root, schema, spelled), &format!("{pointer}/{index}"), found);
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                let Some(schema) = schema_path::step(root, schema, name) else { continue };
                fractions(
                    value,
                    (root, schema, spelled),
                    &format!("{pointer}/{}", escape(name)),
                    found,
                );
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The document without the settings that have a problem, so that the rest can still be checked;
/// and the JSON pointers of what was left out. An entry of a list takes its list along: the places
/// of the other entries would shift.
pub(super) fn without(mut value: Value, problems: &[(String, String)]) -> (Value, Vec<String>) {
    let mut left_out: Vec<String> = problems.iter().map(|(pointer, _)| pointer.clone()).collect();
    for (pointer, _) in problems {
        if !is_rule(&value, pointer) {
            remove(&mut value, pointer);
        }
    }
    if !problems.is_empty() {
        fill_in(&mut value);
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

/// Whether a route or a guard, a map, stands at this JSON pointer: [`fill_in`] completes it.
fn is_rule(value: &Value, pointer: &str) -> bool {
    let index = ["/routes/", "/guards/"].iter().find_map(|list| pointer.strip_prefix(list));
    let is_entry = index.is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()));
    is_entry && value.pointer(pointer).is_some_and(Value::is_object)
}

/// Fills in what a rule cannot be without, so that a rule that lacks it does not take the others along.
/// Nothing is told of such a rule but that problem.
fn fill_in(value: &mut Value) {
    for (index, rule) in entries(value, "routes") {
        if !rule.contains_key("id") {
            rule.insert("id".to_owned(), format!("without-id-{index}").into());
            if !rule.contains_key("match") {
                // It matches nothing by itself, and so stands in the way of no other rule.
                rule.insert("by_name".to_owned(), true.into());
            }
        }
    }
    for (index, guard) in entries(value, "guards") {
        guard.entry("id").or_insert_with(|| format!("without-id-{index}").into());
        guard.entry("match").or_insert_with(|| "any".into());
        guard.entry("require").or_insert_with(|| "never".into());
    }
}

/// The maps of a list at the top, each with its number.
fn entries<'a>(
    value: &'a mut Value,
    list: &str,
) -> impl Iterator<Item = (usize, &'a mut Map<String, Value>)> {
    let list = value.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
    list.enumerate().filter_map(|(index, entry)| Some((index, entry.as_object_mut()?)))
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
