//! The document, held against the table of methods.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document;
use crate::grpc::{DESCRIPTORS, rownd_auth, web::schema::Schema};

fn made() -> Value {
    document(&Schema::build(DESCRIPTORS).unwrap())
}

/// Calls `visit` for every object, with the path to it.
fn walk(value: &Value, at: &str, visit: &mut impl FnMut(&str, &serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            visit(at, members);
            members.iter().for_each(|(name, value)| walk(value, &format!("{at}/{name}"), visit));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| walk(item, &format!("{at}/{i}"), visit));
        }
        _ => {}
    }
}

#[test]
fn every_method_is_in_it_and_nothing_else() {
    let document = made();
    let paths = document["paths"].as_object().unwrap();
    let named: BTreeSet<_> = paths.keys().cloned().collect();
    // A call that lasts is served by gRPC alone.
    let lasts =
        |path: &String| rownd_auth::find(path).flatten().is_some_and(rownd_auth::Rpc::is_stream);
    assert_eq!(named, rownd_auth::paths().filter(|path| !lasts(path)).collect());
    for (path, item) in paths {
        let operation = &item["post"];
        for text in ["summary", "description", "operationId"] {
            assert!(operation[text].as_str().is_some_and(|text| !text.is_empty()), "{path} {text}");
        }
        assert!(!operation["summary"].as_str().unwrap().contains('\n'), "{path}");
    }
}

#[test]
fn every_reference_leads_to_a_schema_and_every_member_is_explained() {
    let document = made();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut used = BTreeSet::new();
    walk(&document, "", &mut |at, members| {
        if let Some(target) = members.get("$ref").and_then(Value::as_str) {
            let name = target.strip_prefix("#/components/schemas/").expect(at);
            assert!(schemas.contains_key(name), "{at}: {target}");
            used.insert(name.to_owned());
        }
        if let Some(properties) = members.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                let about = property["description"].as_str().unwrap_or_default();
                assert!(!about.is_empty() || at.contains("debug"), "{at}: {name} has no comment");
            }
        }
    });
    let all: BTreeSet<_> = schemas.keys().cloned().collect();
    assert_eq!(all, used, "a schema that nothing refers to");
}

#[test]
fn a_request_takes_no_other_members_and_one_of_each_choice() {
    let document = made();
    let schema = |name: &str| {
        let mut schema = document["components"]["schemas"][format!("rownd.auth.v1.{name}")].clone();
        // The validator finds the others below the root.
        schema["components"] = document["components"].clone();
        jsonschema::draft202012::options().build(&schema).unwrap()
    };
    let request = schema("ExchangeRequest");
    let response = schema("ExchangeResponse");
    for (name, validator, value, expected) in [
        ("nothing", &request, r"{}", true),
        ("one", &request, r#"{"guest": {}}"#, true),
        ("with an enum", &request, r#"{"guest": {"authLevel": "AUTH_LEVEL_GUEST"}}"#, true),
        ("two of a choice", &request, r#"{"guest": {}, "migration": {"token": "x"}}"#, false),
        ("another member", &request, r#"{"guest": {}, "x": 1}"#, false),
        ("another member inside", &request, r#"{"guest": {"x": 1}}"#, false),
        ("an unknown word", &request, r#"{"guest": {"authLevel": "x"}}"#, false),
        ("another type", &request, r#"{"issuer": 7}"#, false),
        ("a new member", &response, r#"{"tokens": {"accessToken": "x", "new": 1}}"#, true),
        ("a time", &response, r#"{"tokens": {"expireTime": 7}}"#, false),
    ] {
        let value: Value = serde_json::from_str(value).unwrap();
        assert_eq!(validator.is_valid(&value), expected, "{name}");
    }
}
