//! The members of a request held against the fields of its message, before the message is made: so
//! that a mistake is told by the name of its field.
//!
//! In: JSON and the description of a message. Out: the first member that is no field, or names a field
//! twice. Members are named as in the canonical JSON of protobuf (`appId`), or as in the proto
//! (`app_id`).

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

use super::{JsonFault, strict::shown};

/// Messages with a JSON form of their own.
const WELL_KNOWN: &str = "google.protobuf.";

/// Checks the members of this value and of the messages in it.
///
/// # Errors
///
/// Fails at the first member that is not as the message says.
pub(super) fn check(of: &MessageDescriptor, value: &Value) -> Result<(), JsonFault> {
    message(of, value, "")
}

/// The field that a member names.
pub(super) fn field(of: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    of.get_field_by_json_name(name).or_else(|| of.get_field_by_name(name))
}

fn message(of: &MessageDescriptor, value: &Value, at: &str) -> Result<(), JsonFault> {
    if of.full_name().starts_with(WELL_KNOWN) {
        return Ok(());
    }
    let Value::Object(members) = value else {
        let what = if at.is_empty() { "the body" } else { "the value" };
        return Err(JsonFault::at(at, format!("{what} is not an object, a {}", of.full_name())));
    };
    let mut seen = Vec::with_capacity(members.len());
    for (name, value) in members {
        let at = join(at, &shown(name));
        let Some(field) = field(of, name) else {
            let known: Vec<_> = of.fields().map(|field| field.json_name().to_owned()).collect();
            let known = known.join(", ");
            return Err(JsonFault::at(
                &at,
                format!("is no field of {}, which has: {known}", of.full_name()),
            ));
        };
        if seen.contains(&field.number()) {
            let (one, other) = (field.json_name(), field.name());
            return Err(JsonFault::at(&at, format!("stands twice, as `{one}` and as `{other}`")));
        }
        seen.push(field.number());
        check_field(&field, value, &at)?;
    }
    Ok(())
}

fn check_field(field: &FieldDescriptor, value: &Value, at: &str) -> Result<(), JsonFault> {
    if value.is_null() {
        return Ok(());
    }
    let kind = field.kind();
    let Kind::Message(inner) = &kind else { return Ok(()) };
    if field.is_map() {
        let value_field = inner.map_entry_value_field();
        let Value::Object(entries) = value else { return Ok(()) };
        return entries.iter().try_for_each(|(name, value)| {
            check_field(&value_field, value, &join(at, &shown(name)))
        });
    }
    match value {
        Value::Array(items) if field.is_list() => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| message(inner, item, &format!("{at}[{index}]"))),
        // Another type is told by the reader of the message.
        _ if field.is_list() => Ok(()),
        value => message(inner, value, at),
    }
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}
