//! The JSON Schema of the data of each type of events.

use serde_json::{Map, Value, json};

use super::catalogue::{EventRow, FieldKind};

/// The JSON Schema of `data` of events of this type. Fields may be added to it; none is removed.
#[must_use]
pub fn data_schema(row: &EventRow) -> Value {
    let properties: Map<String, Value> = row
        .fields
        .iter()
        .map(|field| {
            let mut schema = match field.kind {
                FieldKind::Text => json!({ "type": "string" }),
                FieldKind::Word(words) => json!({ "type": "string", "enum": words }),
                FieldKind::Number => json!({ "type": "integer", "minimum": 0 }),
                FieldKind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
                FieldKind::Map => json!({ "type": "object" }),
            };
            if let Some(schema) = schema.as_object_mut() {
                schema.insert("description".to_owned(), field.about.into());
            }
            (field.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> =
        row.fields.iter().filter(|field| field.always).map(|field| field.name).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:{}", row.cloud_type),
        "title": row.cloud_type,
        "description": row.about,
        "type": "object",
        "properties": properties,
        "required": required,
    })
}
