//! Field masks in JSON: one text with commas between the paths, each name in lowerCamelCase.
//!
//! In: the members of a request. Out: the masks of its own fields, and the members without them. A
//! path with `_` is taken as it is written in the proto: some names cannot be written in lowerCamelCase
//! (`data.address_1`).

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value as Proto};
use serde_json::{Map, Value};

use super::names;

const MASK: &str = "google.protobuf.FieldMask";
/// The field of a mask.
const PATHS: &str = "paths";

/// Takes the masks out of the members of a request. One that is no text is left to the reader of the
/// message.
pub(super) fn take(
    of: &MessageDescriptor,
    members: &mut Map<String, Value>,
) -> Vec<(FieldDescriptor, Proto)> {
    let mut taken = Vec::new();
    members.retain(|name, value| {
        let found = names::field(of, name).and_then(|field| {
            let mask = mask(&field, value)?;
            Some((field, mask))
        });
        let keep = found.is_none();
        taken.extend(found);
        keep
    });
    taken
}

fn mask(field: &FieldDescriptor, value: &Value) -> Option<Proto> {
    let Kind::Message(of) = field.kind() else { return None };
    if of.full_name() != MASK || field.is_list() {
        return None;
    }
    let paths = value.as_str()?.split(',').map(str::trim).filter(|path| !path.is_empty());
    let paths = paths.map(|path| Proto::String(as_in_proto(path))).collect();
    let mut mask = DynamicMessage::new(of);
    mask.try_set_field_by_name(PATHS, Proto::List(paths)).ok()?;
    Some(Proto::Message(mask))
}

fn as_in_proto(path: &str) -> String {
    if path.contains('_') {
        return path.to_owned();
    }
    let mut made = String::with_capacity(path.len() + 8);
    for c in path.chars() {
        if c.is_ascii_uppercase() {
            made.push('_');
        }
        made.push(c.to_ascii_lowercase());
    }
    made
}

#[cfg(test)]
mod tests {
    use super::as_in_proto;

    #[test]
    fn a_path_is_in_camel_case_or_as_in_the_proto() {
        for (written, expected) in [
            ("id", "id"),
            ("data.email", "data.email"),
            ("authLevel", "auth_level"),
            ("data.firstName", "data.first_name"),
            ("data.first_name", "data.first_name"),
            ("data.address_1", "data.address_1"),
            ("data.Odd_Name", "data.Odd_Name"),
            ("*", "*"),
        ] {
            assert_eq!(as_in_proto(written), expected, "{written}");
        }
    }
}
