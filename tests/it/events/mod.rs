//! Events out of the running service: what is told, to whom, and what a sink that is down costs.
//!
//! In: checks, calls, commands and reloads; receivers that fail, hang and come back; processes that are
//! killed. Out: events that fit their schemas, counted by their ids.

mod kinds;
mod overflow;
mod receiver;
mod redis_stream;
mod stream;
#[cfg(feature = "dev")]
mod users;

use std::{collections::HashSet, path::Path};

use rownd_authz::{
    events::{data_schema, row},
    model::{DenyReason, EventType},
};
use serde_json::{Value, json};

use crate::support::{Ask, Claims, Issuer, Key, until};

/// A secret of Standard Webhooks.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The events in a file, each of which fits its schema.
fn events(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    // The last line may not be whole yet.
    let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    lines.map(|line| serde_json::from_str(line).unwrap()).inspect(assert_fits).collect()
}

/// The `data` fits the schema of the type, and has no field that the schema does not name.
fn assert_fits(event: &Value) {
    let kind = event["type"].as_str().unwrap();
    let row = EventType::ALL.iter().find_map(|known| row(*known).filter(|r| r.cloud_type == kind));
    let schema = data_schema(row.unwrap_or_else(|| panic!("{kind} is unknown")));
    assert!(jsonschema::is_valid(&schema, &event["data"]), "{event}");
    for name in event["data"].as_object().unwrap().keys() {
        assert!(schema["properties"].get(name).is_some(), "{kind}: {name}");
    }
}

/// The events of a type, by its word.
fn of_type<'a>(events: &'a [Value], word: &str) -> Vec<&'a Value> {
    let kind = format!("io.rownd.auth.v1.{word}");
    events.iter().filter(|event| event["type"] == *kind).collect()
}

/// Waits until a file has so many events of a type, and gives these.
pub(super) async fn wait_for(file: &Path, word: &str, count: usize) -> Vec<Value> {
    let found = || of_type(&events(file), word).len();
    until(&format!("{count} events {word}"), || found() >= count).await;
    of_type(&events(file), word).into_iter().cloned().collect()
}

fn sink(file: &Path) -> Value {
    json!({ "source": "https://auth.test", "sinks": [{ "name": "file", "file": { "path": file } }] })
}

/// The ids of the events, each of which is there once at the most.
fn ids<'a>(events: impl IntoIterator<Item = &'a Value>) -> HashSet<String> {
    events.into_iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

/// A check that is denied, because it has no token.
fn anonymous() -> (Ask, DenyReason) {
    (Ask::get("/verified"), DenyReason::CredentialMissing)
}

fn token(key: &Key, issuer: &Issuer, jti: &str) -> String {
    key.token(&Claims::of(&issuer.url()).with("jti", jti).with("session_id", "s1"))
}
