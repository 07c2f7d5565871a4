//! The form of an event on the wire: CloudEvents 1.0 in JSON.

use std::{
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::catalogue::row;
use crate::model::{Event, EventValue};

/// Where events come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The `source` of the configuration.
    pub source: String,
    /// The random name of this process, the first part of each id.
    pub process: String,
}

/// An event with its number, in memory once for all sinks.
#[derive(Debug)]
pub(super) struct ToldEvent {
    pub(super) event: Event,
    /// Its number in this process, from 1.
    pub(super) number: u64,
    origin: Arc<Origin>,
    /// Made by the first sink that needs it, in its own task.
    encoded: OnceLock<Bytes>,
}

impl ToldEvent {
    pub(super) const fn new(event: Event, number: u64, origin: Arc<Origin>) -> Self {
        Self { event, number, origin, encoded: OnceLock::new() }
    }

    /// The id of the event, which no other event has.
    pub(super) fn id(&self) -> String {
        format!("{}-{}", self.origin.process, self.number)
    }

    /// The CloudEvent in JSON, in one line.
    pub(super) fn json(&self) -> &Bytes {
        self.encoded.get_or_init(|| {
            let value = cloud_event(&self.event, &self.origin.source, &self.id());
            value.to_string().into()
        })
    }
}

/// The CloudEvent of an event.
pub(super) fn cloud_event(event: &Event, source: &str, id: &str) -> Value {
    let mut all = Map::new();
    let kind = row(event.kind).map_or("", |row| row.cloud_type);
    all.insert("specversion".to_owned(), "1.0".into());
    all.insert("id".to_owned(), id.into());
    all.insert("source".to_owned(), source.into());
    all.insert("type".to_owned(), kind.into());
    // The user, else the issuer.
    if let Some(subject) = event.user_id.as_deref().or(event.issuer.as_deref()) {
        all.insert("subject".to_owned(), subject.into());
    }
    all.insert("time".to_owned(), rfc3339(event.at).into());
    all.insert("datacontenttype".to_owned(), "application/json".into());
    all.insert("data".to_owned(), data(event));
    Value::Object(all)
}

fn data(event: &Event) -> Value {
    let mut data = Map::new();
    let ids = [
        ("issuer", event.issuer.as_deref()),
        ("app_id", event.app_id.as_deref()),
        ("user_id", event.user_id.as_deref()),
    ];
    for (name, id) in ids {
        if let Some(id) = id {
            data.insert(name.to_owned(), id.into());
        }
    }
    for (name, value) in &event.more {
        let value = match value {
            EventValue::Word(word) => json!(word),
            EventValue::Shared(text) => json!(&**text),
            EventValue::Text(text) => json!(text),
            EventValue::Number(number) => json!(number),
            EventValue::Texts(texts) => json!(texts),
            EventValue::Map(map) => Value::Object(map.clone()),
        };
        data.insert((*name).to_owned(), value);
    }
    Value::Object(data)
}

/// The time of RFC 3339 with milliseconds.
fn rfc3339(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}
