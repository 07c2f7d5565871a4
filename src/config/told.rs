//! The words about a value of the wrong shape: what stands there, and what to write instead.
//!
//! In: the error of the JSON Schema, the value, and the schema of its setting. Out: one message.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::{Number, Value};

use super::{
    bounds::{DURATION_RANGE, durations_within},
    listen_address::LISTEN_ADDRESS,
    nearest::nearest,
    told_example as example,
    told_forms::{MODE, form, plain, words},
    told_numbers,
};

/// Names that mean something else in each section, so that one elsewhere is far-fetched.
const COMMON: [&str; 12] = [
    "url", "name", "key", "secret", "file", "path", "id", "issuer", "kind", "timeout", "mode",
    "token",
];
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
    if key.contains(|sign: char| sign.is_whitespace() && sign != ' ') {
        return "begins with a no-break space or another sign that is no blank in YAML; write plain \
                blanks"
            .to_owned();
    }
    if key == "apiVersion" && is_whole_file(at) {
        return "begins an object of Kubernetes; write only the text that its `data` holds"
            .to_owned();
    }
    if let Some(name) = nearest(key, names.iter().copied()) {
        return format!("unknown field; did you mean `{name}`?");
    }
    // `url` where `base_url` belongs.
    let end = format!("_{key}");
    let mut longer = names.iter().filter(|name| name.ends_with(&end));
    if let (Some(name), None) = (longer.next(), longer.next()) {
        return format!("unknown field; did you mean `{name}`?");
    }
    let elsewhere = || only_place(key, root).filter(|_| !COMMON.contains(&key));
    let place = only_place(key, at).or_else(elsewhere);
    match place {
        Some(place) => {
            format!("unknown field here; `{key}` belongs into `{place}`: write it there")
        }
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
    match spelled {
        Some(text) if !text.contains(['.', 'e', 'E']) => {
            format!("`{text}` begins with a zero; write {whole}")
        }
        Some(text) => format!("`{text}` is written with a point or an exponent; write {whole}"),
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
        ValidationErrorKind::Type { .. } if is_whole_file(at) => no_configuration(instance),
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
            (None, None) => match forms(at) {
                Some(forms) => format!("{shown} cannot be used; write {forms}"),
                None => format!("{shown} has another shape"),
            },
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
            format!("`{name}` is missing; write {name}: {}", example::value_for(name, at))
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

/// The message about a value that is no duration.
fn no_duration(range: &Value, value: &Value, shown: &str) -> String {
    let examples = durations_within(range, value).join(", ");
    if value.as_str() == Some("") {
        return format!("is empty; write it like {examples}");
    }
    let cause = if value.is_number() { "has no unit" } else { "is not a duration" };
    format!("{shown} {cause}; write it like {examples}")
}

/// The message about a file that is no map of settings.
fn no_configuration(file: &Value) -> String {
    format!(
        "the file is {} and no configuration; write its settings one in a line, as in \
         check: {{ timeout: 1s }}",
        kind_of(file)
    )
}

/// Whether this is the schema of the whole file.
fn is_whole_file(at: &Value) -> bool {
    at.pointer("/properties/issuers").is_some()
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
        return Some(no_duration(range, instance, shown));
    }
    if instance.as_str() == Some("never") && takes("object") {
        return Some(
            "`never` stands alone, as require: never, and in no list; write a map of conditions"
                .to_owned(),
        );
    }
    if is_of_type
        && takes("object")
        && let Some(name) = instance.as_str().and_then(|text| name_without_blank(text, at))
    {
        return Some(format!(
            "`{name}:` has no blank behind the `:`, so that the whole is text; write {name}: {}",
            example::value_for(name, at)
        ));
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
    if is_of_type && let Some(message) = of_scalar(instance, at, (shown, spelled), takes) {
        return Some(message);
    }
    let examples = at.get("examples").and_then(Value::as_array)?;
    let examples: Vec<&str> = examples.iter().filter_map(Value::as_str).collect();
    Some(format!("{shown} cannot be used; write it like {}", examples.join(", ")))
}

/// The messages about a number or a truth value in the place of a text, and a text or a fraction in that of a
/// number.
fn of_scalar(
    instance: &Value,
    at: &Value,
    (shown, spelled): (&str, Option<&str>),
    takes: impl Fn(&str) -> bool,
) -> Option<String> {
    if takes("string") && !takes("object") && (instance.is_number() || instance.is_boolean()) {
        let written = match at.get("pattern").and_then(Value::as_str) {
            Some(MODE) => form(MODE).to_owned(),
            _ => {
                let text = spelled.map_or_else(|| instance.to_string(), str::to_owned);
                format!("it in quotes: \"{text}\"")
            }
        };
        return Some(format!("{shown} is {}; write {written}", kind_of(instance)));
    }
    if takes("integer")
        && let Some(message) = instance.as_str().and_then(|text| told_numbers::instead_of(text, at))
    {
        return Some(message);
    }
    if takes("integer") && instance.is_f64() {
        return Some(format!(
            "{shown} is no whole number; write one, such as {}",
            rounded(instance)
        ));
    }
    None
}

/// The name of a setting at the start of a text, with its value right behind the `:`.
fn name_without_blank<'a>(text: &'a str, at: &Value) -> Option<&'a str> {
    let (name, rest) = text.split_once(':')?;
    let is_setting = at.get("properties")?.get(name).is_some();
    (is_setting && rest.starts_with(|sign: char| !sign.is_whitespace())).then_some(name)
}

fn rounded(number: &Value) -> String {
    number
        .as_f64()
        .map_or_else(|| "2".to_owned(), |number| format!("{:.0}", number.ceil().max(2.0)))
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

/// The forms of a value that may have several: a text, or a map with these settings.
fn forms(at: &Value) -> Option<String> {
    let options = at.get("anyOf").or_else(|| at.get("oneOf"))?.as_array()?;
    let forms: Vec<String> = options.iter().map(|option| example::of(option, "")).collect();
    (!forms.is_empty()).then(|| forms.join(", or "))
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
