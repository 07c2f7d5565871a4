//! The words about a value of the wrong shape: what stands there, and what to write instead.
//!
//! In: the error of the JSON Schema, the value, and the schema of its setting. Out: one message.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::{Number, Value};

use super::{
    bounds::{DURATION_RANGE, durations_within},
    listen_address::LISTEN_ADDRESS,
    nearest::nearest,
};

/// The start of the message about settings of which exactly one has to be there.
const EXACTLY_ONE: &str = "write exactly one of ";

/// Whether a message asks for one of several settings, and says nothing of what is there.
pub(super) fn is_about_alternatives(message: &str) -> bool {
    message.starts_with(EXACTLY_ONE)
}

/// The message about a key that the map does not have. `root` is the whole schema.
pub(super) fn unknown_key(key: &str, at: &Value, root: &Value) -> String {
    let properties = at.get("properties").and_then(Value::as_object);
    let names: Vec<&str> =
        properties.map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default();
    if let Some(name) = nearest(key, names.iter().copied()) {
        return format!("unknown field; did you mean `{name}`?");
    }
    let place = only_place(key, at).or_else(|| only_place(key, root));
    match place {
        Some(place) => format!("unknown field here; `{key}` belongs into `{place}`"),
        None => format!("unknown field; known fields: {}", names.join(", ")),
    }
}

/// The one map below a part of the schema that has a setting of this name, if one is nearer than all
/// others.
fn only_place(key: &str, at: &Value) -> Option<String> {
    let mut found = Vec::new();
    places_of(key, at, "", &mut found);
    let depth = |place: &String| place.matches('.').count();
    let least = found.iter().map(depth).min()?;
    found.retain(|place| depth(place) == least);
    found.dedup();
    found.pop().filter(|_| found.is_empty())
}

/// The maps below a part of the schema that have a setting of this name.
fn places_of(key: &str, at: &Value, path: &str, found: &mut Vec<String>) {
    let properties = at.get("properties").and_then(Value::as_object);
    if !path.is_empty() && properties.is_some_and(|all| all.contains_key(key)) {
        found.push(path.to_owned());
    }
    for (name, property) in properties.into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        places_of(key, property, &path, found);
    }
    if let Some(items) = at.get("items") {
        places_of(key, items, &format!("{path}[]"), found);
    }
    for option in ["oneOf", "anyOf"].iter().filter_map(|name| at.get(name)?.as_array()).flatten() {
        places_of(key, option, path, found);
    }
}

/// The message about a whole number that is written with a point.
/// `spelled` is the number as it was written.
pub(super) fn with_a_point(number: &Number, spelled: Option<&str>) -> String {
    let whole = number.as_f64().map_or_else(|| number.to_string(), |number| format!("{number:.0}"));
    match spelled.filter(|text| !text.contains(['.', 'e', 'E'])) {
        Some(text) => format!("`{text}` begins with a zero; write {whole}"),
        None => format!("`{number}` is written with a point or an exponent; write {whole}"),
    }
}

/// The message about any other error.
/// `spelled` is a value that is no text, as it was written.
pub(super) fn describe(
    kind: &ValidationErrorKind,
    instance: &Value,
    at: &Value,
    spelled: Option<&str>,
) -> String {
    let shown = show(instance, at, spelled);
    if let Some(message) = of_shape(kind, instance, at, (&shown, spelled)) {
        return message;
    }
    match kind {
        ValidationErrorKind::Type { kind } => {
            let shown =
                if instance.is_object() || instance.is_array() { "the value" } else { &shown };
            format!("{shown} is {}; write {}", kind_of(instance), wanted(kind, at))
        }
        ValidationErrorKind::OneOfNotValid { .. }
        | ValidationErrorKind::OneOfMultipleValid { .. }
        | ValidationErrorKind::AnyOf { .. } => match (words(at), alternatives(at)) {
            (Some(words), _) => format!("{shown} is not a known word; write {words}"),
            (None, Some(names)) => format!("{EXACTLY_ONE}{names}"),
            (None, None) => format!("{shown} has another shape"),
        },
        ValidationErrorKind::Custom { message, .. } => message.clone(),
        ValidationErrorKind::Enum { options } => {
            let words = options.as_array().into_iter().flatten().map(plain);
            let words = words.collect::<Vec<_>>().join(", ");
            format!("{shown} is not a known word; write one of: {words}")
        }
        ValidationErrorKind::Constant { expected_value } => {
            format!("{shown} is not a known word; write {}", plain(expected_value))
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            format!("`{name}` is missing; write {name}: {}", value_for(name, at))
        }
        ValidationErrorKind::Minimum { limit } => {
            format!("{shown} is too small; write {limit} or more")
        }
        ValidationErrorKind::Maximum { limit } => {
            format!("{shown} is too large; write {limit} or less")
        }
        ValidationErrorKind::MinLength { .. }
        | ValidationErrorKind::MinItems { .. }
        | ValidationErrorKind::MinProperties { .. } => {
            "is empty; write a value or leave it out".to_owned()
        }
        ValidationErrorKind::Pattern { pattern } => {
            format!("{shown} cannot be used; write {}", form(pattern))
        }
        ValidationErrorKind::MaxItems { limit } => {
            format!("the list is too long; write {limit} entries or fewer")
        }
        ValidationErrorKind::MaxProperties { limit } => {
            format!("the map is too long; write {limit} entries or fewer")
        }
        ValidationErrorKind::MaxLength { limit } => {
            format!("the text is too long; write {limit} characters or fewer")
        }
        ValidationErrorKind::UniqueItems => "holds a value twice; leave one out".to_owned(),
        other => format!("{shown} breaks the rule `{}` of the schema", other.keyword()),
    }
}

/// The kind of value that belongs there.
fn wanted(kind: &TypeKind, at: &Value) -> String {
    match (kind, alternatives(at)) {
        (TypeKind::Single(_), Some(names)) => format!("a map with exactly one of {names}"),
        (TypeKind::Single(wanted), None) => article(&wanted.to_string()).to_owned(),
        (TypeKind::Multiple(_), _) => {
            let types = at.get("type").and_then(Value::as_array).into_iter().flatten();
            let words: Vec<&str> = types.filter_map(Value::as_str).map(article).collect();
            words.join(" or ")
        }
    }
}

/// The messages that know what the author meant.
fn of_shape(
    kind: &ValidationErrorKind,
    instance: &Value,
    at: &Value,
    (shown, spelled): (&str, Option<&str>),
) -> Option<String> {
    let is_of_type = matches!(kind, ValidationErrorKind::Type { .. });
    if !is_of_type && !matches!(kind, ValidationErrorKind::Pattern { .. }) {
        return None;
    }
    let takes = |wanted: &str| match at.get("type") {
        Some(Value::String(one)) => one == wanted,
        Some(Value::Array(several)) => several.iter().any(|one| one == wanted),
        _ => false,
    };
    let is_secret = at.get("format").and_then(Value::as_str) == Some("password");
    if instance.is_null() {
        return Some("is empty; write a value or leave it out".to_owned());
    }
    if let Some(range) = at.get(DURATION_RANGE) {
        let examples = durations_within(range, instance).join(", ");
        let cause = if instance.is_number() { "has no unit" } else { "is not a duration" };
        return Some(format!("{shown} {cause}; write it like {examples}"));
    }
    if instance.as_str() == Some("never") && takes("object") {
        return Some(
            "`never` stands alone, as require: never, and in no list; write a map of conditions"
                .to_owned(),
        );
    }
    if is_of_type && is_secret && !instance.is_object() && !instance.is_array() {
        return Some(format!("the value is {}; write it in quotes", kind_of(instance)));
    }
    if is_of_type && at.get(LISTEN_ADDRESS).is_some() {
        return Some(format!(
            "{shown} is {}; write IP:PORT such as 127.0.0.1:50051, or unix:/path",
            kind_of(instance)
        ));
    }
    if is_of_type
        && takes("string")
        && !takes("object")
        && (instance.is_number() || instance.is_boolean())
    {
        let written = match at.get("pattern").and_then(Value::as_str) {
            Some(MODE) => form(MODE).to_owned(),
            _ => {
                let text = spelled.map_or_else(|| instance.to_string(), str::to_owned);
                format!("it in quotes: \"{text}\"")
            }
        };
        return Some(format!("{shown} is {}; write {written}", kind_of(instance)));
    }
    if is_of_type && takes("integer") && instance.is_f64() {
        return Some(format!(
            "{shown} is no whole number; write one, such as {}",
            rounded(instance)
        ));
    }
    let examples = at.get("examples").and_then(Value::as_array)?;
    let examples: Vec<&str> = examples.iter().filter_map(Value::as_str).collect();
    Some(format!("{shown} cannot be used; write it like {}", examples.join(", ")))
}

fn rounded(number: &Value) -> String {
    number.as_f64().map_or_else(|| "1".to_owned(), |number| format!("{:.0}", number.ceil()))
}

/// The pattern of permission bits.
const MODE: &str = "^0?[0-7]{3}$";

/// The texts that a pattern takes, for people.
fn form(pattern: &str) -> String {
    let words = match pattern {
        "^[a-z0-9][a-z0-9_-]{0,62}$" => {
            "lower case letters, digits, `-` and `_`, at most 63, as in shop-api"
        }
        "^[A-Za-z0-9 ._:/-]{1,64}$" => {
            "letters, digits, blanks and `._:/-`, at most 64, as in shop.example.com"
        }
        MODE => "the permission bits in quotes, as in \"0660\"",
        "^x-rownd-passport(-[a-z0-9]{1,32}){0,2}$" => {
            "x-rownd-passport, or with a name behind it, as in x-rownd-passport-shop"
        }
        "^[A-Za-z0-9._~-]{1,64}$" => "letters, digits and `._~-`, at most 64, as in key-2026",
        "^never$" => "the word never, or a map of conditions",
        "^any$" => "the word any, or a map such as { path: { prefix: /admin } }",
        other => return format!("a text that matches {other}"),
    };
    words.to_owned()
}

/// A value for a setting that is missing: its words, or its kind.
fn value_for(name: &str, at: &Value) -> String {
    let Some(setting) = at.get("properties").and_then(|all| all.get(name)) else {
        return "VALUE".to_owned();
    };
    if let Some(words) = words(setting) {
        return words;
    }
    if let Some(pattern) = setting.get("pattern").and_then(Value::as_str)
        && let Some((_, example)) = form(pattern).rsplit_once("as in ")
    {
        return example.to_owned();
    }
    let example = setting.get("examples").and_then(Value::as_array).and_then(|all| all.first());
    if let Some(example) = example {
        return plain(example);
    }
    match setting.get("type").and_then(Value::as_str) {
        Some("array") => "[...]".to_owned(),
        Some("object") => "{...}".to_owned(),
        Some("integer" | "number") => "a number".to_owned(),
        Some("boolean") => "true".to_owned(),
        _ => name.to_uppercase(),
    }
}

/// A value as it is written in YAML: a text without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The value for a message. A secret is never shown, nor what stands in place of a map or list
/// that may hold one; and a long value is cut.
fn show(instance: &Value, at: &Value, spelled: Option<&str>) -> String {
    let secret = at.get("format").and_then(Value::as_str) == Some("password")
        || matches!(at.get("type").and_then(Value::as_str), Some("object" | "array"));
    match instance {
        _ if secret => "the value".to_owned(),
        Value::Object(_) => "the map".to_owned(),
        Value::Array(_) => "the list".to_owned(),
        scalar => {
            let text = spelled.map_or_else(|| scalar.to_string(), str::to_owned);
            let text: String = text.chars().take(60).collect();
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
