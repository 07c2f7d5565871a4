//! Examples in messages: what to write for a setting that is missing, by the schema of it.

use serde_json::Value;

use super::told_forms::{form, plain, words};

/// A value for a setting that is missing: its words, or its kind.
pub(super) fn value_for(name: &str, at: &Value) -> String {
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
    of(setting, name)
}

/// An example of a value, by the schema of its setting.
pub(super) fn of(setting: &Value, name: &str) -> String {
    example(setting, name, MOST_LEVELS)
}

/// The most maps and lists inside each other of an example.
const MOST_LEVELS: usize = 3;

/// An example of a value, by the schema of its setting: of a map its required settings.
fn example(setting: &Value, name: &str, levels: usize) -> String {
    let in_schema = setting.get("examples").and_then(Value::as_array).and_then(|all| all.first());
    if let Some(example) = in_schema {
        return plain(example);
    }
    if let Some(words) = words(setting) {
        return words.split(", ").next().unwrap_or_default().to_owned();
    }
    let first = setting.get("enum").and_then(Value::as_array).and_then(|all| all.first());
    if let Some(word) = first {
        return plain(word);
    }
    match setting.get("type").and_then(Value::as_str) {
        Some("array") => match setting.get("items").filter(|_| levels > 0) {
            Some(items) => format!("[{}]", example(items, name.trim_end_matches('s'), levels - 1)),
            None => "[...]".to_owned(),
        },
        Some("object") => map_example(setting, levels),
        Some("integer" | "number") => "a number".to_owned(),
        Some("boolean") => "true".to_owned(),
        _ => text_example(setting, name),
    }
}

/// A map with its required settings, or with the one that is usual.
fn map_example(setting: &Value, levels: usize) -> String {
    let properties = setting.get("properties").and_then(Value::as_object);
    let required = setting.get("required").and_then(Value::as_array).into_iter().flatten();
    let mut names: Vec<&str> = required.filter_map(Value::as_str).collect();
    if names.is_empty() {
        let has = |name: &&str| properties.is_some_and(|all| all.contains_key(*name));
        names.extend(["secret", "url", "claim"].into_iter().find(has));
    }
    let value = |name: &&str| {
        let setting = properties?.get(*name).filter(|_| levels > 0)?;
        Some(format!("{name}: {}", example(setting, name, levels - 1)))
    };
    let values: Vec<String> = names.iter().filter_map(value).collect();
    if values.is_empty() { "{...}".to_owned() } else { format!("{{ {} }}", values.join(", ")) }
}

/// A text: a secret, a path, the address that the documentation of the setting names, or the name.
fn text_example(setting: &Value, name: &str) -> String {
    if setting.get("format").and_then(Value::as_str) == Some("password") {
        return format!("file:/run/secrets/{}", name.replace('_', "-"));
    }
    let description = setting.get("description").and_then(Value::as_str).unwrap_or_default();
    let quoted = description.split('`').skip(1).step_by(2);
    let address = quoted.into_iter().find(|text| text.contains("://") && !text.ends_with("://"));
    if let Some(address) = address {
        return address.to_owned();
    }
    match name {
        "issuer" => "one of issuers[].name".to_owned(),
        "directory" => "/var/lib/rownd-authz/DIRECTORY".to_owned(),
        "cert_file" => "/etc/rownd-authz/tls.pem".to_owned(),
        "key_file" => "/etc/rownd-authz/tls.key".to_owned(),
        "file" => "/etc/rownd-authz/key.pem".to_owned(),
        "path" if description.starts_with("An absolute") => {
            "/var/log/rownd-authz/events.jsonl".to_owned()
        }
        "url" => "https://hooks.example.com/rownd".to_owned(),
        "" => "a text".to_owned(),
        _ => name.to_uppercase(),
    }
}
