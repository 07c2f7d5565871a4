//! The rules for the fields of a profile: the app's schema and the identity fields.
//!
//! In: `data` and `attributes` of a write. Out: the fields to keep, and every error by field. A
//! field that neither the schema nor Rownd knows is dropped.

use serde_json::{Map, Value, json};

use super::{
    apps::{App, FieldType},
    lookup,
};

/// The fields that every app has, whatever its schema.
const IDENTITY: [&str; 8] = [
    "email",
    "phone_number",
    "first_name",
    "last_name",
    "full_name",
    "google_id",
    "apple_id",
    "anonymous_id",
];

/// The namespaces of attributes that Rownd keeps for itself.
const RESERVED: [&str; 2] = ["rownd:", "system:"];
/// The one attribute of those namespaces that a backend may write: the sub-brands of the user.
const APP_VARIANTS: &str = "rownd:app_variants";

/// Error messages by field.
#[derive(Default)]
pub(crate) struct FieldErrors(Map<String, Value>);

impl FieldErrors {
    fn add(&mut self, field: &str, fault: &str) {
        let list = self.0.entry(field).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(json!(fault));
        }
    }

    /// The errors, if there are any.
    pub(crate) fn into_result(self) -> Result<(), Map<String, Value>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

/// Whether the app keeps a field of that name.
pub(crate) fn known(app: &App, field: &str) -> bool {
    field == "user_id" || IDENTITY.contains(&field) || app.schema.contains_key(field)
}

/// Checks `data` and returns the fields to keep. `whole` says that it is the whole profile, so that
/// required fields have to be there. `user_id` is left out: the path has it.
pub(crate) fn check(
    app: &App,
    data: &Map<String, Value>,
    whole: bool,
    faults: &mut FieldErrors,
) -> Map<String, Value> {
    let mut kept = Map::new();
    for (field, value) in data {
        if field == "user_id" || !known(app, field) {
            continue;
        }
        let kind = app.schema.get(field).map_or(FieldType::String, |spec| spec.kind);
        let value = &as_text(field, kind, value);
        if value.is_null() {
            // Null removes the field.
        } else if !kind.fits(value) {
            faults.add(field, kind.wanted());
        } else if !well_formed(field, value) {
            faults.add(field, "is invalid");
        }
        kept.insert(field.clone(), value.clone());
    }
    if whole {
        for (field, spec) in &app.schema {
            if spec.required && kept.get(field).is_none_or(Value::is_null) {
                faults.add(field, "is required");
            }
        }
    }
    kept
}

/// Checks `attributes`: each is `namespace:key` with a list of strings.
pub(crate) fn check_attributes(attributes: &Map<String, Value>, faults: &mut FieldErrors) {
    for (key, value) in attributes {
        let field = format!("attributes.{key}");
        let namespaced = key.split_once(':').is_some_and(|(ns, key)| ns.len() * key.len() > 0);
        if !namespaced {
            faults.add(&field, "is not of the form namespace:key");
        }
        let reserved = RESERVED.iter().any(|reserved| key.starts_with(reserved));
        if reserved && key != APP_VARIANTS {
            faults.add(&field, "is in a reserved namespace");
        }
        let strings = value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        if !strings {
            faults.add(&field, "must be a list of strings");
        }
    }
}

/// A phone number may be a JSON number; profiles hold text.
fn as_text(field: &str, kind: FieldType, value: &Value) -> Value {
    match lookup::phone_number(value) {
        Some(text) if field == "phone_number" && kind == FieldType::String && value.is_number() => {
            Value::String(text)
        }
        _ => value.clone(),
    }
}

fn well_formed(field: &str, value: &Value) -> bool {
    match (field, value.as_str()) {
        // An empty string is how some clients leave a field empty.
        (_, None | Some("")) => true,
        ("email", Some(text)) => {
            text.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && !host.is_empty() && !host.contains('@')
            }) && !text.contains(char::is_whitespace)
        }
        ("phone_number", Some(text)) => text.strip_prefix('+').is_some_and(|digits| {
            digits.len() >= 5 && digits.bytes().all(|byte| byte.is_ascii_digit())
        }),
        _ => true,
    }
}
