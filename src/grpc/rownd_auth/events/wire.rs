//! An event as a message.

use std::time::SystemTime;

use serde_json::{Map, Value};

use crate::{
    events::StreamedEvent,
    grpc::{
        pb::rownd::auth::v1::{Event, StreamEventsResponse},
        rownd_auth::{fault::Fault, structure::Structures},
    },
};

/// The message of an event. It says the same as the JSON of other sinks.
///
/// # Errors
///
/// Fails where the JSON is none of ours, which no code here makes.
pub(super) fn response(event: &StreamedEvent) -> Result<StreamEventsResponse, Fault> {
    let json: Map<String, Value> =
        serde_json::from_slice(&event.json()).map_err(|_| Fault::Internal)?;
    let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default();
    let time = humantime::parse_rfc3339(text("time")).map_err(|_| Fault::Internal)?;
    let data = json.get("data").and_then(Value::as_object).ok_or(Fault::Internal)?;
    Ok(StreamEventsResponse {
        cursor: event.cursor().into_text(),
        event: Some(Event {
            id: text("id").to_owned(),
            source: text("source").to_owned(),
            r#type: text("type").to_owned(),
            subject: text("subject").to_owned(),
            time: Some(SystemTime::into(time)),
            data: Some(Structures::default().make("data", data)),
        }),
    })
}
