//! The table of types, its schemas, and the samples.

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    events::{
        catalogue::{EVENTS, FieldKind, row},
        cloud_event::cloud_event,
        sample::sample,
        schema::data_schema,
    },
    model::EventType,
};

#[test]
fn the_table_has_each_type_once_at_its_place() {
    let kinds: Vec<EventType> = EVENTS.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, EventType::ALL);
    for kind in EventType::ALL {
        let row = row(*kind).unwrap();
        assert_eq!(row.cloud_type, format!("io.rownd.auth.v1.{}", kind.word()));
        let names: HashSet<_> = row.fields.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), row.fields.len(), "{kind:?} has a field twice");
    }
}

#[test]
fn a_sample_has_every_field_and_fits_its_schema() {
    for row in EVENTS {
        let json = cloud_event(&sample(row), "https://auth.test", "p-1");
        let data = &json["data"];
        let schema = data_schema(row);
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(validator.is_valid(data), "{}: {data}", row.cloud_type);
        for field in row.fields {
            // One revocation names one thing: here a user.
            let is_there = data.get(field.name).is_some();
            let is_of_another = ["session_id", "token_id"].contains(&field.name)
                && row.kind == EventType::SessionRevoked;
            assert_eq!(is_there, !is_of_another, "{}: {}", row.cloud_type, field.name);
            if is_of_another {
                continue;
            }
            let mut without = data.clone();
            without.as_object_mut().unwrap().remove(field.name);
            assert_eq!(validator.is_valid(&without), !field.always, "{}", field.name);
            let mut wrong = data.clone();
            wrong[field.name] = match field.kind {
                FieldKind::Text | FieldKind::Word(_) => 1.into(),
                FieldKind::Number | FieldKind::Texts | FieldKind::Map => "word".into(),
            };
            assert!(!validator.is_valid(&wrong), "{}", field.name);
        }
    }
}

#[test]
fn an_event_is_a_cloud_event() {
    for row in EVENTS {
        let json = cloud_event(&sample(row), "https://auth.test", "p-1");
        for (name, expected) in [
            ("specversion", "1.0"),
            ("id", "p-1"),
            ("source", "https://auth.test"),
            ("type", row.cloud_type),
            ("datacontenttype", "application/json"),
        ] {
            assert_eq!(json[name], expected);
        }
        let time = json["time"].as_str().unwrap();
        assert!(humantime::parse_rfc3339(time).is_ok(), "{time}");
        let subject = json.get("subject").and_then(Value::as_str);
        let expected = match row.kind {
            EventType::KeysChanged => Some("rownd"),
            EventType::ConfigReloaded => None,
            _ => Some("user_sample"),
        };
        assert_eq!(subject, expected, "{}", row.cloud_type);
        let no_line_end = !json.to_string().contains('\n');
        assert!(no_line_end);
    }
}
