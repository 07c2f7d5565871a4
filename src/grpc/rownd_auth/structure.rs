//! JSON as `google.protobuf.Struct`, as far as every protobuf library can decode it.
//!
//! In: the members of an object. Out: a structure, and the names of what was left out. A level of
//! JSON is up to three levels of messages, and libraries refuse a message of more than 100 levels
//! (upb, C++, Java) and an answer of more than 4 MiB: one that they cannot decode would be no
//! answer at all, to a caller who asked whether a token is good.

use prost::{Message as _, encoding::encoded_len_varint};
use prost_types::{ListValue, NullValue, Struct, Value, value::Kind};
use serde_json::{Map, Value as Json};

/// The most levels of lists and objects in one member.
const MAX_DEPTH: usize = 20;
/// The most bytes of the members of all structures of one answer, as they are encoded in it.
const MAX_BYTES: usize = 3 << 20;

/// The structures of one answer.
#[derive(Debug, Default)]
pub(super) struct Structures {
    bytes: usize,
    omitted: Vec<String>,
}

impl Structures {
    /// The members, less those that are too deep or for which there is no room.
    pub(super) fn make<'a>(
        &mut self,
        field: &str,
        members: impl IntoIterator<Item = (&'a String, &'a Json)>,
    ) -> Struct {
        let mut made = Struct::default();
        for (name, json) in members {
            match self.fit(name, json) {
                Some(value) => {
                    made.fields.insert(name.clone(), value);
                }
                None => self.omitted.push(format!("{field}.{name}")),
            }
        }
        made
    }

    /// A list, which is left out if it is not known.
    pub(super) fn known(&mut self, field: &str, list: Option<&Vec<String>>) -> Vec<String> {
        if list.is_none() {
            self.omitted.push(field.to_owned());
        }
        list.cloned().unwrap_or_default()
    }

    /// Names a part that is left out, because it is not what it should be.
    pub(super) fn leave_out(&mut self, name: String) {
        self.omitted.push(name);
    }

    /// The names of the members that were left out, as `FIELD.NAME`, and of such lists.
    pub(super) fn omitted(self) -> Vec<String> {
        self.omitted
    }

    fn fit(&mut self, name: &str, json: &Json) -> Option<Value> {
        if !is_within(json, MAX_DEPTH) {
            return None;
        }
        let value = to_value(json);
        let bytes = self.bytes + entry_len(name, &value);
        (bytes <= MAX_BYTES).then(|| {
            self.bytes = bytes;
            value
        })
    }
}

/// The bytes of a member of a structure: a message with the name and the value.
fn entry_len(name: &str, value: &Value) -> usize {
    // A tag of one byte, the length, and the content.
    let field = |length: usize| 1 + encoded_len_varint(length as u64) + length;
    field(field(name.len()) + field(value.encoded_len()))
}

/// It has no more levels of lists and objects than `depth`.
fn is_within(json: &Json, depth: usize) -> bool {
    let below = |inner: &Json| is_within(inner, depth - 1);
    match json {
        Json::Array(items) => depth > 0 && items.iter().all(below),
        Json::Object(map) => depth > 0 && map.values().all(below),
        _ => true,
    }
}

/// Numbers become doubles; integers are exact up to 2^53.
fn to_value(json: &Json) -> Value {
    let kind = match json {
        Json::Null => Kind::NullValue(NullValue::NullValue.into()),
        Json::Bool(flag) => Kind::BoolValue(*flag),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Kind::StringValue(text.clone()),
        Json::Array(items) => {
            Kind::ListValue(ListValue { values: items.iter().map(to_value).collect() })
        }
        Json::Object(map) => Kind::StructValue(to_struct(map)),
    };
    Value { kind: Some(kind) }
}

fn to_struct(map: &Map<String, Json>) -> Struct {
    Struct { fields: map.iter().map(|(name, value)| (name.clone(), to_value(value))).collect() }
}
