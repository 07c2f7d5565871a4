//! The page docs/events.md, made from the table of types.

use std::{
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use super::{
    catalogue::{EVENTS, EventRow, FieldKind},
    cloud_event::cloud_event,
    sample::sample,
    schema::data_schema,
};

/// The text above the table of types, which a person writes.
const HEAD: &str = include_str!("page.md");

/// The page: the text, then each type with its fields, a sample and its schema.
#[must_use]
pub fn page(note: &str) -> String {
    let mut page = format!("{note}\n\n{HEAD}\n");
    page.push_str("| type | frequent | |\n|---|---|---|\n");
    for row in EVENTS {
        let frequent = if row.kind.is_frequent() { "yes" } else { "" };
        let _ = writeln!(
            page,
            "| [`{}`](#{}) | {frequent} | {} |",
            row.kind.word(),
            anchor(row),
            row.about
        );
    }
    for row in EVENTS {
        one(row, &mut page);
    }
    page
}

fn anchor(row: &EventRow) -> String {
    row.kind.word().replace('.', "")
}

fn one(row: &EventRow, page: &mut String) {
    let _ = write!(page, "\n### {}\n\n`{}`\n\n", row.kind.word(), row.cloud_type);
    page.push_str("| field | type | |\n|---|---|---|\n");
    for field in row.fields {
        let kind = match field.kind {
            FieldKind::Text => "text".to_owned(),
            FieldKind::Word(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                words.join(", ")
            }
            FieldKind::Number => "number".to_owned(),
            FieldKind::Texts => "list of texts".to_owned(),
            FieldKind::Map => "map".to_owned(),
        };
        let known = if field.always { "" } else { "; where known" };
        let _ = writeln!(page, "| `{}` | {kind} | {}{known} |", field.name, field.about);
    }
}

/// The schemas of all types by their `type`, with a sample of each.
#[must_use]
pub fn schemas() -> Value {
    let all = EVENTS.iter().map(|row| {
        let mut event = sample(row);
        event.at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let sample = cloud_event(&event, "https://auth.example.com", "4f2b9c0d1e3a5768-17");
        let one = json!({ "data": data_schema(row), "sample": sample });
        (row.cloud_type.to_owned(), one)
    });
    Value::Object(all.collect())
}
