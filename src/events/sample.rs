//! A sample of each type of events, for `events send`, the page and the tests of receivers.

use serde_json::{Map, json};

use super::catalogue::{EventRow, FieldKind};
use crate::model::{Event, EventType};

/// An event of this type with made-up data in every field that such an event can have at once.
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
        // The tokens of a user are revoked, not one token or session.
        let is_of_another_kind = row.kind == EventType::SessionRevoked
            && ["session_id", "token_id"].contains(&field.name);
        if ["issuer", "app_id", "user_id"].contains(&field.name) || is_of_another_kind {
            continue;
        }
        event = match field.kind {
            FieldKind::Text => event.text(field.name, Some(text(field.name))),
            FieldKind::Word(words) => {
                let word = match field.name {
                    // Of a check of the proxy, as `rule` and `request_id` are; and a plain no.
                    "api" | "outcome" => words.first(),
                    _ => words.last(),
                };
                event.word(field.name, word.copied().unwrap_or(""))
            }
            FieldKind::Number if field.name == "not_before" => {
                event.number(field.name, 1_767_225_600)
            }
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
