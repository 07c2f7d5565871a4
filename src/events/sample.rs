//! A sample of each type of events, for `events send`, the page and the tests of receivers.

use serde_json::{Map, json};

use super::catalogue::{EventRow, FieldKind};
use crate::model::Event;

/// An event of this type with made-up data in every field.
#[must_use]
pub fn sample(row: &EventRow) -> Event {
    let has = |name: &str| row.fields.iter().any(|field| field.name == name);
    let mut event = Event::new(row.kind);
    if has("issuer") {
        event = event.at_issuer("rownd".into());
    }
    let text = |name| match name {
        "app_id" => "app_sample",
        "user_id" => "user_sample",
        "session_id" => "session_sample",
        "token_id" => "token_sample",
        "request_id" => "0f8fad5b-d9cb-469f-a165-70867728950e",
        "reason" => "token_expired",
        "rule" => "orders",
        "caller" => "backend",
        "hash" => "1f0c9d3a5b7e2460",
        _ => "sample",
    };
    event = event.of_app(has("app_id").then(|| text("app_id")));
    event = event.of_user(has("user_id").then(|| text("user_id")));
    for field in row.fields {
        if ["issuer", "app_id", "user_id"].contains(&field.name) {
            continue;
        }
        event = match field.kind {
            FieldKind::Text => event.text(field.name, Some(text(field.name))),
            FieldKind::Word(words) => event.word(field.name, words.last().copied().unwrap_or("")),
            FieldKind::Number => event.number(field.name, 2),
            FieldKind::Texts => event.texts(field.name, ["key-1", "key-2"].into_iter()),
            FieldKind::Map => {
                let fields = [("email".to_owned(), json!("sample@example.com"))];
                event.fields(field.name, Map::from_iter(fields))
            }
        };
    }
    event
}
