//! The schemas of messages: of their canonical JSON.
//!
//! In: the messages of requests and responses. Out: a JSON schema (2020-12) for each that can be met
//! in one of them. A message that is only in requests takes no other members; one of a response may
//! get new ones.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{
    Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor,
};
use serde_json::{Map, Value, json};

use super::comments::Comments;

/// The messages that are met.
pub(super) struct Messages<'a> {
    comments: &'a Comments,
    requests: BTreeMap<String, MessageDescriptor>,
    responses: BTreeMap<String, MessageDescriptor>,
    enums: BTreeMap<String, EnumDescriptor>,
}

/// The schema that names the one of this message.
pub(super) fn reference(message: &MessageDescriptor) -> Value {
    reference_to(message.full_name())
}

fn reference_to(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

impl<'a> Messages<'a> {
    pub(super) const fn new(comments: &'a Comments) -> Self {
        Self {
            comments,
            requests: BTreeMap::new(),
            responses: BTreeMap::new(),
            enums: BTreeMap::new(),
        }
    }

    /// Adds a message of requests, and those inside it.
    pub(super) fn add_request(&mut self, message: &MessageDescriptor) {
        collect(message, &mut self.requests, &mut self.enums);
    }

    /// Adds a message of responses, and those inside it.
    pub(super) fn add_response(&mut self, message: &MessageDescriptor) {
        collect(message, &mut self.responses, &mut self.enums);
    }

    /// The schema of each message and enum, by its name.
    pub(super) fn into_schemas(self) -> Map<String, Value> {
        let names: BTreeSet<&String> = self.requests.keys().chain(self.responses.keys()).collect();
        let mut schemas = Map::new();
        for name in names {
            let found = self.responses.get(name).or_else(|| self.requests.get(name));
            let Some(message) = found else { continue };
            let is_closed = !self.responses.contains_key(name);
            schemas.insert(name.clone(), self.message(message, is_closed));
        }
        for (name, found) in &self.enums {
            schemas.insert(name.clone(), self.enumeration(found));
        }
        schemas
    }

    fn message(&self, message: &MessageDescriptor, is_closed: bool) -> Value {
        let file = message.parent_file();
        let mut properties = Map::new();
        for field in message.fields() {
            let mut schema = field_schema(&field);
            let about = self.comments.of_item(file.name(), field.path());
            if let Some(schema) = schema.as_object_mut()
                && !about.is_empty()
            {
                schema.insert("description".to_owned(), about.into());
            }
            properties.insert(field.json_name().to_owned(), schema);
        }
        let mut schema = json!({
            "type": "object",
            "description": self.comments.of_item(file.name(), message.path()),
            "properties": properties,
        });
        let choices: Vec<Value> =
            message.oneofs().filter_map(|oneof| at_most_one(&oneof)).collect();
        if let Some(schema) = schema.as_object_mut() {
            if is_closed {
                schema.insert("additionalProperties".to_owned(), false.into());
            }
            if !choices.is_empty() {
                schema.insert("allOf".to_owned(), choices.into());
            }
        }
        schema
    }

    fn enumeration(&self, of: &EnumDescriptor) -> Value {
        let file = of.parent_file();
        let values: Vec<_> = of.values().map(|value| value.name().to_owned()).collect();
        let about = of.values().map(|value| {
            format!("- `{}`: {}", value.name(), self.comments.of_item(file.name(), value.path()))
        });
        let about: Vec<String> = about.collect();
        let description = self.comments.of_item(file.name(), of.path());
        json!({
            "type": "string",
            "description": format!("{description}\n\n{}", about.join("\n")),
            "enum": values,
        })
    }
}

/// Adds a message and those inside it.
fn collect(
    message: &MessageDescriptor,
    found: &mut BTreeMap<String, MessageDescriptor>,
    enums: &mut BTreeMap<String, EnumDescriptor>,
) {
    if well_known(message.full_name()).is_some() || found.contains_key(message.full_name()) {
        return;
    }
    found.insert(message.full_name().to_owned(), message.clone());
    for field in message.fields() {
        let kind = match field.kind() {
            Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
            kind => kind,
        };
        match kind {
            Kind::Message(inner) => collect(&inner, found, enums),
            Kind::Enum(inner) => {
                enums.insert(inner.full_name().to_owned(), inner);
            }
            _ => {}
        }
    }
}

fn field_schema(field: &FieldDescriptor) -> Value {
    if field.is_map()
        && let Kind::Message(entry) = field.kind()
    {
        let values = kind_schema(&entry.map_entry_value_field());
        return json!({ "type": "object", "additionalProperties": values });
    }
    if field.cardinality() == Cardinality::Repeated {
        return json!({ "type": "array", "items": kind_schema(field) });
    }
    kind_schema(field)
}

fn kind_schema(field: &FieldDescriptor) -> Value {
    match field.kind() {
        Kind::Double | Kind::Float => json!({ "type": "number" }),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            json!({ "type": "integer", "format": "int32" })
        }
        Kind::Uint32 | Kind::Fixed32 => {
            json!({ "type": "integer", "format": "uint32", "minimum": 0 })
        }
        // Text: JavaScript's numbers are doubles.
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            json!({ "type": ["string", "integer"], "format": "int64" })
        }
        Kind::Uint64 | Kind::Fixed64 => {
            json!({ "type": ["string", "integer"], "format": "uint64" })
        }
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::String => json!({ "type": "string" }),
        Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Kind::Enum(of) => reference_to(of.full_name()),
        Kind::Message(of) => well_known(of.full_name()).unwrap_or_else(|| reference(&of)),
    }
}

/// The schema of a message with a JSON form of its own.
fn well_known(name: &str) -> Option<Value> {
    Some(match name.strip_prefix("google.protobuf.")? {
        "Timestamp" => json!({ "type": "string", "format": "date-time" }),
        "Duration" => json!({ "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$" }),
        "Struct" | "Any" => json!({ "type": "object" }),
        "Value" => json!({}),
        "ListValue" => json!({ "type": "array" }),
        "Empty" => json!({ "type": "object", "additionalProperties": false }),
        "BoolValue" => json!({ "type": "boolean" }),
        "FieldMask" | "StringValue" => json!({ "type": "string" }),
        "BytesValue" => json!({ "type": "string", "contentEncoding": "base64" }),
        "DoubleValue" | "FloatValue" => json!({ "type": "number" }),
        "Int32Value" | "UInt32Value" => json!({ "type": "integer" }),
        "Int64Value" | "UInt64Value" => json!({ "type": ["string", "integer"] }),
        _ => return None,
    })
}

/// At most one of these fields is set.
fn at_most_one(oneof: &OneofDescriptor) -> Option<Value> {
    let names: Vec<String> = oneof.fields().map(|field| field.json_name().to_owned()).collect();
    // A field that is `optional` has a choice of its own.
    if names.len() < 2 {
        return None;
    }
    let each: Vec<Value> = names.iter().map(|name| json!({ "required": [name] })).collect();
    let mut one: Vec<Value> = each.clone();
    one.push(json!({ "not": { "anyOf": each } }));
    Some(json!({ "oneOf": one }))
}
